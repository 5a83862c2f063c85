"""A few answers of Zoom's, given without a server, for a pipeline whose clock a test moves."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.settings import Settings, pipeline_config
from zcc_pipeline.sources.zoom_api import ZoomApi
from zcc_pipeline_tests.unit.pipeline.homes import NOW, UNREACHABLE

LOG = "/contact_center/analytics/log/historical/engagement"
LISTS = {
    LOG: "engagement_logs",
    "/contact_center/engagements": "engagements",
    "/contact_center/engagements/notes": "notes",
    "/contact_center/recordings": "recordings",
    "/contact_center/voice_calls": "voice_calls",
    "/contact_center/inboxes/messages": "messages",
}


class MovedClock(SystemClock):
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


class ScriptedZoom:
    """``engagements`` are those that a read by id finds, ``ended`` those that the engagement log lists by their end.

    ``surveys`` are answers by engagement; one that is not there answers 444. ``notes`` are all notes of the account.
    ``calls`` counts requests by path.
    """

    def __init__(self) -> None:
        self.engagements: dict[str, dict[str, Any]] = {}
        self.ended: list[dict[str, Any]] = []
        self.surveys: dict[str, dict[str, Any]] = {}
        self.notes: list[dict[str, Any]] = []
        self.calls: Counter[str] = Counter()

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v2")
        self.calls[path] += 1
        if path == "/oauth/token":
            return httpx.Response(200, json={"access_token": "token", "expires_in": 3600, "scope": ""})
        if path in LISTS:
            return self._list(path, request.url.params)
        engagement_id, _, part = path.removeprefix("/contact_center/engagements/").partition("/")
        found = self.engagements.get(engagement_id)
        if found is None:
            return httpx.Response(404, json={"code": 2901, "message": "Engagement does not exist."})
        if part == "survey":
            answer = self.surveys.get(engagement_id)
            return httpx.Response(200 if answer else 444, json=answer or {"code": 2902, "message": "no answer"})
        return httpx.Response(200, json=found)

    def _list(self, path: str, params: httpx.QueryParams) -> httpx.Response:
        rows: list[dict[str, Any]] = []
        if path == LOG:
            rows = [row for row in self.ended if _within(row["end_time"], params, "end_time_from", "end_time_to")]
        elif path.endswith("/notes"):
            rows = self.notes
        elif path.endswith("/engagements"):
            rows = [row for row in self.engagements.values() if _within(row["start_time"], params, "from", "to")]
        return httpx.Response(200, json={LISTS[path]: rows, "total_records": len(rows), "next_page_token": ""})


def _within(moment: str, params: httpx.QueryParams, first: str, last: str) -> bool:
    start, end = datetime.fromisoformat(params[first]), datetime.fromisoformat(params[last])
    return start <= datetime.fromisoformat(moment) <= end


class ScriptedRuntime(Runtime):
    """A runtime that asks ``script``."""

    script: ScriptedZoom

    def zoom(self, *, live: bool = False, lands: bool = True) -> ZoomApi:
        del lands
        assert self.config.credentials is not None
        return ZoomApi(
            self.config.zoom,
            self.config.credentials,
            budget=self.state.budget,
            clock=self.clock,
            live=live,
            transport=httpx.MockTransport(self.script.answer),
        )


def open_scripted(home: Path, script: ScriptedZoom, clock: MovedClock) -> ScriptedRuntime:
    settings = Settings(home=home, zoom_plan="unlimited", **UNREACHABLE)
    runtime = ScriptedRuntime(pipeline_config(settings, clock), clock=clock)
    runtime.script = script
    return runtime


def conversation(engagement_id: str, *, started: datetime, ended: datetime, **more: Any) -> dict[str, Any]:
    """A web chat, as list, log and detail have it."""
    return {
        "engagement_id": engagement_id,
        "start_time": f"{started:%Y-%m-%dT%H:%M:%SZ}",
        "end_time": f"{ended:%Y-%m-%dT%H:%M:%SZ}",
        "channels": [{"channel": "messaging"}],
        "notes": [],
        "dispositions": [],
        **more,
    }
