"""``simple-salesforce``, a client that knows nothing of this project, talks to the stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce, SalesforceMalformedRequest, SalesforceResourceNotFound, format_soql

from zcc_pipeline.simulator.crm.base import CrmOptions, running
from zcc_pipeline.simulator.crm.salesforce import make
from zcc_pipeline_tests.keys import PRIVATE_KEY, PUBLIC_KEY
from zcc_pipeline_tests.simulator.crm.salesforce.org import KEY, OBJECT, PEOPLE


class _Loopback(HTTPAdapter):
    """Whatever host is meant, the stand-in is asked: the client knows Salesforce's own hosts and TLS only."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        request.url = f"{self._url}{parts.path}" + (f"?{parts.query}" if parts.query else "")
        return super().send(request, *args, **kwargs)


@pytest.fixture
def client() -> Iterator[Salesforce]:
    settings = {"public_key": PUBLIC_KEY, "username": "integration@example.com"}
    with (
        running(make(CrmOptions(people=PEOPLE, settings=settings))) as served,
        requests.Session() as session,
    ):
        session.mount("https://", _Loopback(served.url))
        yield Salesforce(
            username="integration@example.com",
            consumer_key="zcc",
            privatekey=PRIVATE_KEY,
            session=session,
            version="68.0",
        )


def test_it_signs_in_with_a_signed_assertion_and_looks_people_up(client: Salesforce) -> None:
    found = client.query(format_soql("SELECT Id, Name FROM Contact WHERE Email = {}", "o'neil@example.com"))
    assert [each["Name"] for each in found["records"]] == ["Ann O'Neil"]


def test_it_describes_creates_and_upserts_single_rows(client: Salesforce) -> None:
    engagements = client.Contact_Center_Engagement__c
    assert KEY in {each["name"] for each in engagements.describe()["fields"]}
    assert engagements.upsert(f"{KEY}/e1", {"Subject__c": "one"}) == 201
    assert engagements.upsert(f"{KEY}/e1", {"Subject__c": "two"}) == 200
    assert engagements.get_by_custom_id(KEY, "e1")["Subject__c"] == "two"
    made = client.Contact.create({"LastName": "New", "Email": "new@example.com"})
    assert client.Contact.update(made["id"], {"Phone": "1"}) == 204


def test_it_reads_errors_as_salesforces(client: Salesforce) -> None:
    with pytest.raises(SalesforceMalformedRequest) as refused:
        client.Contact_Center_Engagement__c.upsert(f"{KEY}/e1", {"Subject__c": "x" * 256})
    assert refused.value.content[0]["errorCode"] == "STRING_TOO_LONG"
    with pytest.raises(SalesforceResourceNotFound):
        client.Nothing__c.describe()


def test_it_runs_a_bulk_job_to_its_end(client: Salesforce) -> None:
    records = [{KEY: f"e{number}", "Subject__c": f'n° {number}, "odd"'} for number in range(3)]
    done = client.bulk2.Contact_Center_Engagement__c.upsert(records=records, external_id_field=KEY, wait=1)
    assert [(each["numberRecordsProcessed"], each["numberRecordsFailed"]) for each in done] == [(3, 0)]
    results = client.bulk2.Contact_Center_Engagement__c.get_successful_records(done[0]["job_id"])
    assert results.count("sf__Created") == 1
    assert client.query(f"SELECT count() FROM {OBJECT}")["totalSize"] == 3
