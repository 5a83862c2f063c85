"""Microsoft's own client for Dataverse (MIT) talks to the stand-in: an independent statement of the wire format.

It takes https only, so the stand-in is served with a certificate for 127.0.0.1 made for the test.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError

from zcc_pipeline.simulator.crm.base import CrmOptions, Person, running
from zcc_pipeline.simulator.crm.base.server import Certificate
from zcc_pipeline.simulator.crm.dynamics import DynamicsStandIn, make
from zcc_pipeline_tests.certificates import certificate_for_loopback
from zcc_pipeline_tests.crm_definitions import definition_of

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Certificate:
    folder: Path = tmp_path_factory.mktemp("tls")
    return certificate_for_loopback(folder)


class Credential:
    """Client credentials, asked for where the stand-in hands out tokens."""

    def __init__(self, url: str, certificate: Certificate) -> None:
        self._url = url
        self._trusted = ssl.create_default_context(cafile=str(certificate.certificate))

    def get_token(self, *scopes: str, **_more: object) -> AccessToken:
        fields = {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b", "scope": scopes[0]}
        with httpx.Client(verify=self._trusted, trust_env=False) as http:
            answer = http.post(f"{self._url}/tenant/oauth2/v2.0/token", data=fields).json()
        return AccessToken(answer["access_token"], answer["expires_in"])


@pytest.fixture
def served(certificate, monkeypatch) -> Iterator[tuple[DynamicsStandIn, Any]]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.certificate))
    standin = make(CrmOptions(definition=definition_of("dynamics"), people=(Person("Miles O'Brien", "o'b@x.com"),)))
    with (
        running(standin, tls=certificate) as started,
        DataverseClient(started.url, Credential(started.url, certificate)) as client,
    ):
        yield standin, client


def engagements(standin: DynamicsStandIn) -> dict[str, str]:
    return {row["zcc_zoomengagementid"]: row["zcc_name"] for row in standin.rows.all("zcc_engagement").values()}


def item(key: str, name: str) -> dict[str, dict[str, str]]:
    return {"alternate_key": {"zcc_zoomengagementid": key}, "record": {"zcc_name": name}}


def test_one_row_and_many_are_upserted_by_alternate_key(served):
    standin, client = served
    client.records.upsert("zcc_engagement", [item("e1", "one")])
    client.records.upsert("zcc_engagement", [item("e1", "new"), item("o'neil", "two")])
    assert engagements(standin) == {"e1": "new", "o'neil": "two"}
    assert standin.counters.changes["created"] == 2
    assert standin.counters.changes["updated"] == 1


def test_rows_are_created_listed_read_changed_and_deleted(served):
    standin, client = served
    guid = client.records.create("contact", {"lastname": "Byron", "emailaddress1": "ada@x.com"})
    pages = client.records.list("contact", filter="emailaddress1 eq 'o''b@x.com'", select=["contactid", "fullname"])
    assert [row["fullname"] for row in pages] == ["Miles O'Brien"]
    client.records.update("contact", guid, {"firstname": "Ada"})
    assert client.records.retrieve("contact", guid, select=["fullname"])["fullname"] == "Ada Byron"
    client.records.delete("contact", guid)
    assert len(standin.rows.all("contact")) == 1


def test_a_refusal_arrives_with_code_and_status(served):
    _, client = served
    status, text = None, ""
    try:
        client.records.upsert("zcc_engagement", [item("e1", "x" * 301)])
    except HttpError as refused:  # not kept: its traceback holds the answer, and that the connection
        status, text = refused.status_code, str(refused)
    assert status == 400
    assert "maximum allowed length" in text


def test_a_batch_gives_each_operation_its_own_answer(served):
    standin, client = served
    batch = client.batch.new()
    batch.records.upsert("zcc_engagement", [item("e1", "one")])
    batch.records.upsert("zcc_engagement", [item("e2", "x" * 301)])
    batch.records.upsert("zcc_engagement", [item("e3", "three")])
    result = batch.execute(continue_on_error=True)
    assert [answer.status_code for answer in result.responses] == [204, 400, 204]
    assert engagements(standin) == {"e1": "one", "e3": "three"}


def test_definitions_are_read_and_a_table_is_made(served):
    standin, client = served
    known = client.tables.get("zcc_engagement")
    assert (known.entity_set_name, known.logical_name) == ("zcc_engagements", "zcc_engagement")
    (key,) = client.tables.get_alternate_keys("zcc_engagement")
    assert (key.key_attributes, key.status) == (["zcc_zoomengagementid"], "Active")
    client.tables.create("zcc_Thing", {"zcc_Code": "string"})
    client.tables.create_alternate_key("zcc_Thing", "zcc_ThingKey", ["zcc_code"])
    assert "zcc_thingkey" in standin.tables["zcc_thing"].keys
