"""A running Dynamics stand-in, and a plain client that speaks to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from zcc_pipeline.simulator.crm.base import CrmOptions, RunningStandIn, running
from zcc_pipeline.simulator.crm.dynamics import DynamicsStandIn, make
from zcc_pipeline_tests.crm_definitions import definition_of

API = "/api/data/v9.2"
GRANT = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "secret"}


@dataclass
class Organisation:
    """What a test needs."""

    running: RunningStandIn
    http: httpx.Client
    standin: DynamicsStandIn

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.request(method, f"{API}/{path}", json=body, headers=named)

    def upsert(self, key: str, body: Mapping[str, Any], **headers: str) -> httpx.Response:
        return self.call("PATCH", f"zcc_engagements(zcc_zoomengagementid='{key}')", body, **headers)

    def upsert_multiple(self, rows: Mapping[str, Mapping[str, Any]]) -> httpx.Response:
        targets = [
            {
                "@odata.type": "Microsoft.Dynamics.CRM.zcc_engagement",
                "@odata.id": f"zcc_engagements(zcc_zoomengagementid='{key}')",
                **body,
            }
            for key, body in rows.items()
        ]
        return self.call("POST", "zcc_engagements/Microsoft.Dynamics.CRM.UpsertMultiple", {"Targets": targets})

    def batch(self, *operations: tuple[str, str, Any], **headers: str) -> httpx.Response:
        parts = [multipart(method, path, body) for method, path, body in operations]
        content = "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(
            f"{API}/$batch", content=content.encode(), headers={"Content-Type": "multipart/mixed; boundary=b", **named}
        )

    def rows(self, logical: str) -> list[dict[str, Any]]:
        return list(self.standin.rows.all(logical).values())


def multipart(method: str, path: str, body: Any) -> str:
    request = httpx.Request(method, "http://x/", json=body)
    head = f"{method} {API}/{path} HTTP/1.1\r\nContent-Type: application/json\r\n\r\n"
    content = request.content.decode() if body is not None else ""
    return f"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n{head}{content}"


@contextmanager
def organisation(**options: Any) -> Iterator[Organisation]:
    standin = make(CrmOptions(**{"definition": definition_of("dynamics"), **options}))
    with running(standin) as started, httpx.Client(base_url=started.url, trust_env=False) as http:
        answer = http.post("/tenant/oauth2/v2.0/token", data={**GRANT, "scope": f"{started.url}/.default"})
        http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield Organisation(started, http, standin)


def code_of(response: httpx.Response) -> str:
    return str(response.json()["error"]["code"])


def statuses(response: httpx.Response) -> list[int]:
    lines = response.text.split("\r\n")
    return [int(line.split(" ")[1]) for line in lines if line.startswith("HTTP/1.1 ")]
