"""Conversations that close long after they started: found by the engagement log, read until they have settled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from zcc_pipeline.domain.completeness import ArtefactKind, Status
from zcc_pipeline.domain.window import iter_days
from zcc_pipeline.pipeline import refresh as refreshing
from zcc_pipeline.pipeline.refresh import RefreshReport, refresh_due, refresh_late_closers
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


def settle(runtime: ScriptedRuntime) -> RefreshReport:
    return refresh_due(runtime, iter_days(*runtime.trailing_days(runtime.config.deep_lookback_days)))


def notes_of(runtime: ScriptedRuntime) -> list[Status]:
    """What the check and the status of the look-back see of the conversation's notes."""
    report = status(runtime, *runtime.trailing_days(runtime.config.lookback_days))
    return [one for line in report.lines if line.kind is ArtefactKind.NOTES for one in line.by_status]


def test_what_began_before_every_look_back_settles_and_is_seen_like_any_other(
    runtime: ScriptedRuntime, script: ScriptedZoom
) -> None:
    script.engagements["long-chat"] = CHAT
    assert refresh_late_closers(runtime, [ENDED.date()]).late_closers == 1
    assert notes_of(runtime) == [Status.WAITING]
    assert settle(runtime).refreshed == 0

    pass_time(runtime, hours=24)
    script.engagements["long-chat"] = CHAT | {"notes": [{"note_id": "late-note", "note": "written a day later"}]}
    assert settle(runtime).refreshed == 1
    assert notes_of(runtime) == [Status.STORED]
    pass_time(runtime, minutes=15)
    assert settle(runtime).refreshed == 0


def test_the_nightly_pass_reads_again_what_began_before_its_days(
    runtime: ScriptedRuntime, script: ScriptedZoom
) -> None:
    script.engagements["long-chat"] = CHAT
    refresh_late_closers(runtime, [ENDED.date()])
    pass_time(runtime, days=3)
    script.engagements["long-chat"] = CHAT | {"notes": [{"note_id": "late-note", "note": "written days later"}]}
    again = refresh_late_closers(runtime, iter_days(*runtime.trailing_days(runtime.config.lookback_days)))
    assert (again.late_closers, again.refreshed) == (0, 1)
    assert notes_of(runtime) == [Status.STORED]


def test_a_pass_that_was_killed_before_it_had_read_the_rest_is_made_good_by_the_next(
    runtime: ScriptedRuntime, script: ScriptedZoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    script.engagements["long-chat"] = CHAT
    with monkeypatch.context() as patch:
        patch.setattr(refreshing, "_follow", killed)
        with pytest.raises(KeyboardInterrupt):
            refresh_late_closers(runtime, [ENDED.date()])
    assert notes_of(runtime) == []

    pass_time(runtime, days=1)
    assert refresh_late_closers(runtime, [ENDED.date()]).late_closers == 1
    assert notes_of(runtime) == [Status.NONE_RECORDED]
