"""One stand-in of Salesforce, and a few words to talk to it with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from zcc_pipeline.simulator.crm.base import CrmOptions, Faults, Person, running
from zcc_pipeline.simulator.crm.salesforce import SalesforceStandIn, make
from zcc_pipeline_tests.crm_definitions import definition_of

OBJECT = "Contact_Center_Engagement__c"
KEY = "Engagement_Id__c"
DATA = "/services/data/v68.0"
PEOPLE = (
    Person("Ada Byron", "ada@example.com", "+49 30 901820"),
    Person("Ann O'Neil", "o'neil@example.com", "(415) 555-2671"),
    Person("Agent One", "one@example.com", kind="agent"),
)


class Org:
    """A running org, spoken to over HTTP."""

    def __init__(self, client: httpx.Client, standin: SalesforceStandIn) -> None:
        self.client = client
        self.standin = standin

    def upsert(self, *rows: dict[str, Any], all_or_none: bool = False, source: str = OBJECT) -> httpx.Response:
        records = [{"attributes": {"type": source}, **row} for row in rows]
        return self.client.patch(
            f"{DATA}/composite/sobjects/{source}/{KEY}", json={"allOrNone": all_or_none, "records": records}
        )

    def query(self, text: str) -> httpx.Response:
        return self.client.get(f"{DATA}/query", params={"q": text})

    def names(self, text: str) -> list[str]:
        answer = self.query(text)
        assert answer.status_code == 200, answer.text
        return [each["Name"] for each in answer.json()["records"]]

    def engagements(self) -> dict[str, dict[str, Any]]:
        return {each[KEY]: each for each in self.standin.records()[OBJECT]}

    def command(self, name: str, **body: Any) -> Any:
        answer = self.client.post(f"/_control/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()


def row(key: str, **fields: Any) -> dict[str, Any]:
    return {KEY: key, **fields}


@contextmanager
def org(*, faults: Faults | None = None, **settings: Any) -> Iterator[Org]:
    """Held to the description of the real API: every call of a test has to conform to it, or say that it does not."""
    options = CrmOptions(
        people=PEOPLE, faults=faults or Faults(), settings=settings, definition=definition_of("salesforce")
    )
    with running(make(options)) as served, httpx.Client(base_url=served.url) as client:
        form = {"grant_type": "client_credentials", "client_id": "zcc", "client_secret": "stand-in"}
        token = client.post("/services/oauth2/token", data=form).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        assert isinstance(served.standin, SalesforceStandIn)
        yield Org(client, served.standin)
