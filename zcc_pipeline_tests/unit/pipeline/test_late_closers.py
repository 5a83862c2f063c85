"""Conversations that close long after they started: found by the engagement log, read until they have settled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from zcc_pipeline.pipeline.refresh import refresh_late_closers
from zcc_pipeline.pipeline.status import status
from zcc_pipeline_tests.unit.pipeline.homes import NOW, list_day
from zcc_pipeline_tests.unit.pipeline.scripted_zoom import (
    MovedClock,
    ScriptedRuntime,
    ScriptedZoom,
    conversation,
    open_scripted,
)

ENDED = NOW - timedelta(hours=1)
CHAT = conversation("long-chat", started=NOW - timedelta(days=60), ended=ENDED)


@pytest.fixture
def script() -> ScriptedZoom:
    found = ScriptedZoom()
    found.ended = [CHAT]
    return found


@pytest.fixture
def runtime(tmp_path: Path, script: ScriptedZoom) -> Iterator[ScriptedRuntime]:
    with open_scripted(tmp_path, script, MovedClock()) as opened:
        yield opened


def pass_time(runtime: ScriptedRuntime, **span: float) -> None:
    assert isinstance(runtime.clock, MovedClock)
    runtime.clock.moment += timedelta(**span)


def test_an_engagement_that_only_the_log_knows_stays_visible_until_it_can_be_read(
    runtime: ScriptedRuntime, script: ScriptedZoom
) -> None:
    day = ENDED.date()
    list_day(runtime, "zoom/engagements", day)
    first = refresh_late_closers(runtime, [day])
    assert (first.not_found, first.problems) == (1, [])  # the source's usual delay
    assert "1 in the engagement log and not read" in status(runtime, day, day).not_verified[day]

    pass_time(runtime, days=3)
    again = refresh_late_closers(runtime, [day])
    assert [str(day) in problem for problem in again.problems] == [True]
    assert status(runtime, day, day).contradicted == {day}

    pass_time(runtime, minutes=1)
    script.engagements["long-chat"] = CHAT
    found = refresh_late_closers(runtime, [day])
    assert (found.late_closers, found.problems, found.not_verified) == (1, [], {})
    assert status(runtime, day, day).not_verified == {}
