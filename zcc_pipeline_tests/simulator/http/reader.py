"""A plain client for the stand-in's tests: one call in, one answer out, nothing retried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx

from zcc_pipeline.simulator.zoom.server import RunningSimulator

GRANT = {"grant_type": "account_credentials", "account_id": "account"}


class Reader:
    """Calls one running stand-in."""

    def __init__(self, sim: RunningSimulator) -> None:
        self.sim = sim
        self.http = httpx.Client(timeout=60)
        self.token = self.new_token()

    def new_token(self) -> str:
        token: str = self.http.post(self.sim.oauth_url, data=GRANT, auth=("client", "secret")).json()["access_token"]
        return token

    def get(self, path: str, **params: Any) -> httpx.Response:
        """One read under ``/contact_center``; a trailing underscore frees names such as ``from_``."""
        query = {name.rstrip("_"): value for name, value in params.items()}
        return self.http.get(
            f"{self.sim.api_url}/contact_center/{path}",
            params=query,
            headers={"Authorization": f"Bearer {self.token}"},
        )

    def download(self, url: str, *, bearer: bool = True, **headers: str) -> httpx.Response:
        """A download's first hop."""
        if bearer:
            headers["Authorization"] = f"Bearer {self.token}"
        return self.http.get(url, headers=headers)

    def pages(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        """All pages of a listing."""
        token = ""
        while True:
            answer = self.get(path, **params, **({"next_page_token": token} if token else {}))
            assert answer.status_code == 200, answer.text
            page = answer.json()
            yield page
            token = page["next_page_token"]
            if not token:
                return

    def control(self, name: str, **body: Any) -> dict[str, Any]:
        """A control command."""
        answer = self.http.post(f"{self.sim.control_url}/{name}", json=body)
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.http.get(f"{self.sim.control_url}/state").json()
        return state
