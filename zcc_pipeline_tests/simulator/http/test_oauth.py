"""The token endpoint, dead tokens, missing scopes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from zcc_pipeline.simulator.zoom.oauth import AcceptedCredentials
from zcc_pipeline.simulator.zoom.operations import all_scopes
from zcc_pipeline_tests.simulator.http.conftest import Serve
from zcc_pipeline_tests.simulator.http.reader import GRANT, Reader

ACCEPTED = AcceptedCredentials(account_id="account", client_id="client", client_secret="secret")


def test_a_token_answer_has_what_the_vendor_documents(reader: Reader) -> None:
    answer = httpx.post(reader.sim.oauth_url, data=GRANT, auth=("any", "one")).json()
    assert answer["token_type"] == "bearer"
    assert answer["expires_in"] == 3600
    assert set(answer["scope"].split()) == all_scopes()
    assert answer["api_url"] == reader.sim.api_url.removesuffix("/v2")


def test_the_account_may_come_in_the_query_and_client_credentials_need_none(reader: Reader) -> None:
    for form, query in (({}, GRANT), ({"grant_type": "client_credentials"}, {})):
        assert httpx.post(reader.sim.oauth_url, data=form, params=query, auth=("a", "b")).status_code == 200


def test_several_tokens_live_side_by_side(reader: Reader) -> None:
    other = reader.new_token()
    assert other != reader.token
    assert reader.get("queues").status_code == 200


@pytest.mark.parametrize(
    ("form", "auth", "status", "code"),
    [
        (GRANT, ("wrong", "secret"), 401, 4702),
        (GRANT, ("client", "wrong"), 401, 4704),
        (GRANT, None, 400, 4706),
        (GRANT, ("client", ""), 401, 4702),
        ({"grant_type": "password"}, ("client", "secret"), 400, 4705),
        ({}, ("client", "secret"), 400, 4705),
        ({"grant_type": "account_credentials"}, ("client", "secret"), 400, 4706),
        (GRANT | {"account_id": "another"}, ("client", "secret"), 400, 4702),
    ],
)
def test_wrong_credentials_are_refused_with_their_code(
    serve: Serve, form: dict[str, str], auth: Any, status: int, code: int
) -> None:
    reader = serve(credentials=ACCEPTED)
    refused = httpx.post(reader.sim.oauth_url, data=form, auth=auth)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert reader.state()["tokens_refused"] == 1


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic YTpi"])
def test_without_a_good_bearer_a_read_is_401_code_124(reader: Reader, header: str) -> None:
    headers = {"Authorization": header} if header else {}
    refused = httpx.get(f"{reader.sim.api_url}/contact_center/queues", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (401, 124)


def test_a_token_expires(serve: Serve) -> None:
    reader = serve(token_lifetime_seconds=0)
    refused = reader.get("queues")
    assert (refused.status_code, refused.json()) == (401, {"code": 124, "message": "Access token is expired."})


def test_revoked_tokens_are_401_until_a_new_one_is_asked_for(serve: Serve) -> None:
    reader = serve()
    assert reader.control("revoke-tokens") == {"revoked": 1}
    assert reader.get("queues").status_code == 401
    reader.token = reader.new_token()
    assert reader.get("queues").status_code == 200


def test_a_missing_scope_is_named(serve: Serve) -> None:
    reader = serve(scopes=frozenset({"contact_center:read:list_queues:admin"}))
    assert reader.get("queues").status_code == 200
    refused = reader.get("engagements")
    assert (refused.status_code, refused.json()["code"]) == (400, 4711)
    assert refused.json()["message"] == (
        "Invalid access token, does not contain scopes:"
        "[contact_center:read:list_engagements:admin, contact_center_report:read:admin]."
    )


def test_the_classic_scope_opens_the_same_operation(serve: Serve) -> None:
    reader = serve(scopes=frozenset({"contact_center_report:read:admin"}))
    assert reader.get("engagements").status_code == 200
    assert reader.get("recordings").json()["code"] == 4711


def test_scopes_can_be_taken_away_while_running(serve: Serve) -> None:
    reader = serve()
    reader.control("scopes", scopes=["contact_center:read:list_users:admin"])
    reader.token = reader.new_token()
    assert reader.get("users").status_code == 200
    assert reader.get("queues").json()["code"] == 4711
