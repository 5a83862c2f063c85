"""``zcc reconcile`` and what ``zcc status`` shows of it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from zcc_pipeline.domain.events import zoom_event
from zcc_pipeline.pipeline.event_facts import read_event
from zcc_pipeline.pipeline.events import AppliedReport, land
from zcc_pipeline.reconciliation.coverage import ANNOUNCES
from zcc_pipeline.settings import open_runtime
from zcc_pipeline.simulator.zoom.push.events import events_of_days
from zcc_pipeline.simulator.zoom.server import RunningSimulator
from zcc_pipeline_tests.integration.cli.conftest import Command

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_reconciling_twice_detects_once_and_status_shows_coverage(
    zcc: Command, days: list[date], standin: RunningSimulator, home: Path
) -> None:
    events = [
        event
        for event in events_of_days(standin.standin.account, standin.api_url, set(days), without_script=())
        if event.name in ANNOUNCES and not event.is_of_flow
    ]
    with open_runtime() as runtime:
        readings = [
            read_event(
                zoom_event(event.body, intake="webhook", received_at=event.at),
                account_id=None,
                timezone=runtime.config.timezone,
                batch_id="b",
            )
            for event in events[::2]
        ]
        land(runtime, readings, AppliedReport())
    assert home.is_dir()
    span = ["--from", str(days[0]), "--to", str(days[-1])]

    first = json.loads(zcc("reconcile", *span, "--json").stdout)
    assert first["detected"] == first["recovered"] + first["failed"] + first["explained"]
    assert first["detected"] > len(events) / 4
    assert first["problems"] == []
    second = zcc("reconcile", *span)
    assert "0 differences detected = 0 recovered + 0 failed + 0 explained" in second.stdout
    assert "disposition added" in second.stdout
    assert second.exit_code == int(first["failed"] > 0)

    shown = zcc("status")
    assert "Pushed events against what polling found" in shown.stdout
    told = json.loads(zcc("status", "--json").stdout)["coverage"]
    assert {row["day"] for row in told} == {str(day) for day in days}
