"""One instance of the stand-in, and a few words to talk to it with."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from zcc_pipeline.simulator.crm.base import CrmOptions, Faults, Limit, Person, running
from zcc_pipeline.simulator.crm.servicenow import ServiceNowStandIn, make
from zcc_pipeline_tests.crm_definitions import definition_of

KEY = "u_zcc_engagement_id"
STAGING = "u_zcc_engagement_import"
SECRET = {"grant_type": "client_credentials", "client_id": "id", "client_secret": "secret"}


class Talk:
    """Speaks to one running instance."""

    def __init__(self, client: httpx.Client, standin: ServiceNowStandIn) -> None:
        self.client = client
        self.standin = standin

    def sign_in(self) -> None:
        token = self.client.post("/oauth_token.do", data=SECRET).json()["access_token"]
        self.client.headers["Authorization"] = f"Bearer {token}"

    def rows(self, table: str, query: str = "", **params: str) -> list[dict[str, Any]]:
        found = self.client.get(f"/api/now/table/{table}", params={"sysparm_query": query, **params})
        assert found.status_code == 200, found.text
        return found.json()["result"]

    def insert(self, table: str, **values: Any) -> httpx.Response:
        return self.client.post(f"/api/now/table/{table}", json=values)

    def update(self, table: str, sys_id: str, **values: Any) -> httpx.Response:
        return self.client.patch(f"/api/now/table/{table}/{sys_id}", json=values)

    def import_one(self, **values: Any) -> dict[str, Any]:
        answer = self.client.post(f"/api/now/import/{STAGING}", json=values)
        assert answer.status_code == 201, answer.text
        return answer.json()["result"][0]

    def import_many(self, *records: dict[str, Any]) -> str:
        answer = self.client.post(f"/api/now/import/{STAGING}/insertMultiple", json={"records": list(records)})
        assert answer.status_code == 201, answer.text
        return answer.json()["import_set_id"]

    def batch(self, *requests: tuple[str, str, Any]) -> dict[str, Any]:
        items = [
            {
                "id": str(number),
                "method": method,
                "url": url,
                "headers": [{"name": "Content-Type", "value": "application/json"}],
                "body": base64.b64encode(json.dumps(body).encode()).decode() if body is not None else "",
            }
            for number, (method, url, body) in enumerate(requests)
        ]
        answer = self.client.post("/api/now/v1/batch", json={"batch_request_id": "7", "rest_requests": items})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def attach(self, sys_id: str, name: str, body: bytes, media_type: str = "text/plain") -> httpx.Response:
        params = {"table_name": "interaction", "table_sys_id": sys_id, "file_name": name}
        return self.client.post(
            "/api/now/attachment/file", params=params, content=body, headers={"Content-Type": media_type}
        )


@contextmanager
def instance(
    *,
    limits: dict[str, Limit] | None = None,
    people: tuple[Person, ...] = (),
    faults: Faults | None = None,
    **settings: Any,
) -> Iterator[Talk]:
    options = CrmOptions(
        limits=limits,
        people=people,
        faults=faults or Faults(),
        settings=settings,
        definition=definition_of("servicenow"),
    )
    standin = make(options)
    with running(standin) as served, httpx.Client(base_url=served.url, trust_env=False) as client:
        talk = Talk(client, standin)
        talk.sign_in()
        yield talk
