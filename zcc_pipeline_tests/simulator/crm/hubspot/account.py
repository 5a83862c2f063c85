"""One stand-in of HubSpot, and a few words to talk to it with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from zcc_pipeline.simulator.crm.base import CrmOptions, Faults, Limit, Person, running
from zcc_pipeline.simulator.crm.hubspot import make
from zcc_pipeline_tests.crm_definitions import definition_of

KEY = "zcc_engagement_id"
NO_LIMITS: dict[str, Limit] = {}


class Account:
    """A running account, spoken to over HTTP."""

    def __init__(self, client: httpx.Client, standin: Any) -> None:
        self.client = client
        self.standin = standin

    def post(self, path: str, body: Any, *, version: str = "2026-09") -> httpx.Response:
        return self.client.post(path.replace("{v}", version), json=body)

    def get(self, path: str, /, **params: str | int) -> httpx.Response:
        return self.client.get(path.replace("{v}", "2026-09"), params=params)

    def add_key(self, kind: str = "calls") -> None:
        self.post(f"/crm/properties/{{v}}/{kind}/groups", {"name": "zcc", "label": "ZCC"})
        made = self.post(f"/crm/properties/{{v}}/{kind}", key_property())
        assert made.status_code == 201, made.text

    def upsert(self, *inputs: dict[str, Any], kind: str = "calls", version: str = "2026-09") -> httpx.Response:
        return self.post(f"/crm/objects/{{v}}/{kind}/batch/upsert", {"inputs": list(inputs)}, version=version)

    def records(self) -> dict[str, Any]:
        return self.client.get("/_control/records").json()

    def command(self, name: str, **body: Any) -> None:
        assert self.client.post(f"/_control/{name}", json=body).status_code == 200


def key_property(**changes: Any) -> dict[str, Any]:
    made = {
        "name": KEY,
        "label": "Id",
        "groupName": "zcc",
        "type": "string",
        "fieldType": "text",
        "hasUniqueValue": True,
    }
    return made | changes


def call(engagement_id: str, **properties: str) -> dict[str, Any]:
    values = {"hs_timestamp": "2026-11-01T10:00:00Z", **properties}
    return {"id": engagement_id, "idProperty": KEY, "properties": values}


@contextmanager
def account(
    *,
    limits: dict[str, Limit] | None = NO_LIMITS,
    people: tuple[Person, ...] = (),
    faults: Faults | None = None,
    **settings: Any,
) -> Iterator[Account]:
    options = CrmOptions(
        limits=limits,
        people=people,
        faults=faults or Faults(),
        settings=settings,
        definition=definition_of("hubspot"),
    )
    with (
        running(make(options)) as served,
        httpx.Client(base_url=served.url, headers={"Authorization": "Bearer pat-test"}, trust_env=False) as client,
    ):
        yield Account(client, served.standin)
