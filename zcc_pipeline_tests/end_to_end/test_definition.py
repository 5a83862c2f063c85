"""Every request the pipeline makes and every answer it gets is held to the published definition of the API."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest

from zcc_pipeline.pipeline.late_closers import find_late_closers
from zcc_pipeline.pipeline.notes_audit import audit_notes
from zcc_pipeline.pipeline.pull import pull
from zcc_pipeline.pipeline.refresh import refresh
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.settings import pipeline_config
from zcc_pipeline.sources.zoom_api import ZoomApi
from zcc_pipeline_tests.definition import check_exchange, is_operation
from zcc_pipeline_tests.story import story

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@dataclass
class Findings:
    """What the definition objects to, and which operations were seen."""

    problems: list[str] = field(default_factory=list)
    operations: set[str] = field(default_factory=set)


class CheckingTransport(httpx.AsyncHTTPTransport):
    """Passes everything on and holds it to the definition."""

    def __init__(self, findings: Findings) -> None:
        super().__init__()
        self._findings = findings

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        path = request.url.path
        if is_operation(path):
            body = await response.aread()
            query = parse_qsl(request.url.query.decode(), keep_blank_values=True)
            found = check_exchange(path, query, response.status_code, body)
            self._findings.problems += [f"{path} {response.status_code}: {problem}" for problem in found]
            self._findings.operations.add(re.sub(r"/[A-Za-z0-9_-]{22}(?=/|$)", "/{id}", path))
        return response


class CheckedRuntime(Runtime):
    """The pipeline itself, with every exchange checked."""

    findings: Findings

    def zoom(self, *, live: bool = False) -> ZoomApi:
        assert self.config.credentials is not None
        return ZoomApi(
            self.config.zoom,
            self.config.credentials,
            budget=self.state.budget,
            clock=self.clock,
            live=live,
            transport=CheckingTransport(self.findings),
        )


def test_every_exchange_of_a_pull_a_refresh_and_the_audits_conforms(tmp_path: Path) -> None:
    with (
        story(tmp_path / "home", days=2, per_day=40) as told,
        CheckedRuntime(pipeline_config(told.settings, told.clock), clock=told.clock) as runtime,
    ):
        runtime.findings = Findings()
        pull(runtime, told.days)
        find_late_closers(runtime, told.days)
        refresh(runtime, [entry["engagement_id"] for entry in told.closed_engagements()[:20]])
        audit_notes(runtime)
        assert runtime.findings.problems == []
        assert len(runtime.findings.operations) >= 19, sorted(runtime.findings.operations)
