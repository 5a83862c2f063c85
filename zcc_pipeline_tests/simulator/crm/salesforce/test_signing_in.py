"""Tokens of the stand-in: client credentials, and assertions that are really verified."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from zcc_pipeline.simulator.crm.base import Credentials, CrmOptions, running
from zcc_pipeline.simulator.crm.salesforce import make
from zcc_pipeline_tests.crm_definitions import definition_of
from zcc_pipeline_tests.keys import OTHER_PRIVATE_KEY, PRIVATE_KEY, PUBLIC_KEY

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    options = CrmOptions(
        credentials=Credentials("zcc", "right"),
        settings={"public_key": PUBLIC_KEY, "username": "integration@example.com"},
        definition=definition_of("salesforce"),
    )
    with running(make(options)) as served, httpx.Client(base_url=served.url) as client:
        yield client
        assert served.standin.violations == []


def ask(client: httpx.Client, **form: str) -> tuple[int, dict[str, Any]]:
    answer = client.post("/services/oauth2/token", data=form)
    return answer.status_code, answer.json()


def assertion(key: str = PRIVATE_KEY, algorithm: str = "RS256", **changes: Any) -> str:
    claims = {
        "iss": "zcc",
        "sub": "integration@example.com",
        "aud": "https://login.salesforce.com",
        "exp": int(datetime.now(UTC).timestamp()) + 120,
    } | changes
    head = f"{_part({'alg': algorithm})}.{_part(claims)}"
    private = load_pem_private_key(key.encode(), password=None)
    assert isinstance(private, RSAPrivateKey)
    return f"{head}.{_text(private.sign(head.encode(), PKCS1v15(), SHA256()))}"


def _part(content: Mapping[str, Any]) -> str:
    return _text(msgspec.json.encode(content))


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def test_the_right_secret_gets_a_token_without_a_word_on_how_long_it_lives(client: httpx.Client) -> None:
    status, found = ask(client, grant_type="client_credentials", client_id="zcc", client_secret="right")
    assert status == 200
    assert "expires_in" not in found
    assert found["instance_url"] == str(client.base_url).rstrip("/")


def test_a_wrong_secret_does_not(client: httpx.Client) -> None:
    assert ask(client, grant_type="client_credentials", client_id="zcc", client_secret="wrong") == (
        400,
        {"error": "invalid_client", "error_description": "invalid client credentials"},
    )


def test_a_signed_assertion_gets_a_token(client: httpx.Client) -> None:
    assert ask(client, grant_type=JWT_BEARER, assertion=assertion())[0] == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": OTHER_PRIVATE_KEY},
        {"algorithm": "none"},
        {"iss": "somebody"},
        {"sub": "somebody@example.com"},
        {"aud": "https://example.com"},
        {"exp": 1},
        {"exp": 4_000_000_000},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_an_assertion_that_is_not_as_it_must_be_does_not(client: httpx.Client, wrong: dict[str, Any]) -> None:
    status, found = ask(client, grant_type=JWT_BEARER, assertion=assertion(**wrong))
    assert status == 400
    assert found["error"] in {"invalid_grant", "invalid_client_id"}


@pytest.mark.parametrize("text", ["", "a.b.c", "ä.ö.ü", "...."])
def test_rubbish_is_no_assertion(client: httpx.Client, text: str) -> None:
    assert ask(client, grant_type=JWT_BEARER, assertion=text)[0] == 400


def test_no_other_grant_is_offered() -> None:
    with running(make(CrmOptions())) as served, httpx.Client(base_url=served.url) as client:
        assert ask(client, grant_type="password", username="a", password="b")[1]["error"] == "unsupported_grant_type"
