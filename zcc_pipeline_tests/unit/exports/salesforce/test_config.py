"""Credentials of an org."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.exports.salesforce import SalesforceConfig
from zcc_pipeline.exports.salesforce.assertion import Signer
from zcc_pipeline.simulator.crm.base.answers import RefusedError
from zcc_pipeline.simulator.crm.salesforce.oauth import Assertions
from zcc_pipeline_tests.keys import KEY, OTHER_PRIVATE_KEY, PRIVATE_KEY, PUBLIC_KEY

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
LOGIN = "https://login.salesforce.com"


def assertion(key: str = PRIVATE_KEY) -> str:
    signer = Signer(client_id="zcc", username="i@example.com", private_key=key, audience=LOGIN, setting="S")
    return signer(NOW)["assertion"]


def subject(text: str, now: datetime = NOW) -> str:
    checks = Assertions(public_key=PUBLIC_KEY, audiences=frozenset({LOGIN}), username="i@example.com", now=lambda: now)
    return checks.subject(text, "zcc")


def test_an_assertion_is_what_an_app_with_our_certificate_takes() -> None:
    assert subject(assertion()) == "i@example.com"


def test_it_is_good_for_three_minutes_only() -> None:
    with pytest.raises(RefusedError):
        subject(assertion(), NOW + timedelta(minutes=3))


def test_one_signed_with_another_key_is_not_taken() -> None:
    with pytest.raises(RefusedError):
        subject(assertion(OTHER_PRIVATE_KEY))


def test_a_key_may_stand_in_one_line() -> None:
    assert subject(assertion(PRIVATE_KEY.replace("\n", "\\n")))


def test_a_key_that_cannot_be_used_is_named_and_not_shown() -> None:
    locked = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()
    for key, words in ((locked, "passphrase"), ("no key at all", "PEM"), (PUBLIC_KEY, "PEM")):
        with pytest.raises(ConfigurationError, match=words) as refused:
            assertion(key)
        assert key not in str(refused.value)


@pytest.mark.parametrize("version", ["45.0", "68", "v68.0", "latest"])
def test_a_version_without_upserts_of_collections_is_refused(version: str) -> None:
    with pytest.raises(ConfigurationError, match="ZCC_SALESFORCE_API_VERSION"):
        SalesforceConfig(url="https://example.my.salesforce.com", client_id="c", api_version=version)


def test_secrets_are_in_no_text_of_the_configuration() -> None:
    config = SalesforceConfig(
        url="https://e.my.salesforce.com", client_id="c", client_secret="hush", private_key="hush"
    )
    assert "hush" not in repr(config)


def test_without_any_credentials_both_ways_are_named() -> None:
    with pytest.raises(ConfigurationError, match="ZCC_SALESFORCE_PRIVATE_KEY"):
        SalesforceConfig(url="https://e.my.salesforce.com", client_id="c").tokens(SystemClock())


@pytest.mark.parametrize(
    ("host", "audience"),
    [
        ("example.my.salesforce.com", "https://login.salesforce.com"),
        ("example--dev.sandbox.my.salesforce.com", "https://test.salesforce.com"),
    ],
)
def test_a_sandbox_is_another_audience(host: str, audience: str) -> None:
    given = {"username": "i@example.com", "private_key": PRIVATE_KEY}
    signer = SalesforceConfig(url=f"https://{host}", client_id="zcc", **given)._assertion_form()
    checks = Assertions(public_key=PUBLIC_KEY, audiences=frozenset({audience}), username=None, now=lambda: NOW)
    assert checks.subject(signer(NOW)["assertion"], "zcc") == "i@example.com"
