"""From rows of a real inbox to data, against the stand-in: lost order, doubles, unknown engagements, deletions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline.domain.events import zoom_event
from zcc_pipeline.domain.window import day_window, parse_time
from zcc_pipeline.pipeline.event_refresh import RETRIES, EventsReport, refresh_from_events
from zcc_pipeline.pipeline.events import apply_inbox, look
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.simulator.zoom.operations import all_scopes
from zcc_pipeline_tests.integration.pipeline.pushed_story import (
    arrive,
    calls,
    ids,
    note_added,
    now,
    refresh,
    versions,
    with_note,
)
from zcc_pipeline_tests.received import gap, posted, pushed
from zcc_pipeline_tests.story import Story, story

pytestmark = pytest.mark.integration


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Story]:
    with story(tmp_path / "home", days=1, per_day=30) as opened:
        yield opened


def test_an_event_brings_its_engagement_with_all_that_belongs_to_it(told: Story) -> None:
    engagement, note = with_note(told)
    arrive(told, note_added(note, engagement["engagement_id"], now(told) - timedelta(minutes=1)))

    report = refresh(told)

    assert report.problems == []
    assert (report.applied.events, report.applied.facts, report.refreshed.refreshed) == (1, 1, 1)
    assert ids(told, "zoom/engagements") == {engagement["engagement_id"]}
    shapes = {row["shape"] for row in versions(told, "zoom/notes") if row["record_id"] == note["note_id"]}
    assert shapes == {"detail", "contact_center.engagement_note_added"}
    assert ids(told, "zoom/completeness")
    assert parse_time(engagement["start_time"]).date() in report.days_touched
    with told.runtime() as runtime:
        assert runtime.state.events.waiting() == []
        assert runtime.state.events.parts_of([engagement["engagement_id"]]) == []


def test_nothing_to_do_costs_no_call_and_hardly_any_time(told: Story) -> None:
    engagement, note = with_note(told)
    arrive(told, note_added(note, engagement["engagement_id"], now(told) - timedelta(minutes=1)))
    refresh(told)
    before = calls(told)
    with told.runtime() as runtime:
        refresh_from_events(runtime)
        took = []
        for _ in range(5):
            started = time.thread_time()
            report = refresh_from_events(runtime)
            took.append(time.thread_time() - started)
        assert look(runtime).unapplied == look(runtime).due == 0
    assert calls(told) == before
    assert report.days_touched == set()
    assert min(took) < 0.2  # seconds of the processor: no file of the lake is read


def test_without_an_inbox_there_is_nothing_to_do(told: Story) -> None:
    assert refresh(told) == EventsReport()
    assert calls(told) == 0


def test_many_events_of_one_engagement_out_of_order_and_twice_are_one_read(told: Story) -> None:
    engagement, note = with_note(told)
    key, at = engagement["engagement_id"], now(told) - timedelta(minutes=5)
    ended = pushed("engagement_ended", {"engagement_id": key}, at)
    again = zoom_event(json.dumps(json.loads(ended.body), indent=2).encode(), intake="websocket", received_at=at)
    arrive(told, note_added(note, key, at + timedelta(minutes=2)), ended, again)
    arrive(told, pushed("engagement_wrap_up_ended ", {"engagement_id": key}, at + timedelta(minutes=1)))
    arrive(told, pushed("engagement_started", {"engagement_id": key}, at - timedelta(minutes=9)))

    report = refresh(told)

    assert report.applied.events == 4
    assert report.refreshed.refreshed == 1
    assert len(ids(told, "zoom/events")) == 4


def test_applying_again_after_a_kill_between_lake_and_state_changes_nothing(told: Story) -> None:
    engagement, note = with_note(told)
    arrive(told, note_added(note, engagement["engagement_id"], now(told) - timedelta(minutes=1)))
    code = (
        "import os, signal, sys; from zcc_pipeline.state.events import StoredEvents; "
        "StoredEvents.apply = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL); "
        "from zcc_pipeline.settings import load_settings, open_runtime; "
        "from zcc_pipeline.pipeline.events import apply_inbox; "
        "apply_inbox(open_runtime(load_settings({'ZCC_HOME': sys.argv[1], 'ZCC_START_DATE': '2020-01-01'})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(told.home)], check=False, capture_output=True, env=dict(os.environ)
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    landed = len(versions(told, "zoom/notes"))
    assert landed == 1

    with told.runtime() as runtime:
        assert look(runtime).unapplied == 1
        report = apply_inbox(runtime)
        assert report.events == 1
        assert look(runtime).unapplied == 0
    assert len(versions(told, "zoom/notes")) == landed
    assert len(versions(told, "zoom/events")) == 1


def test_a_batch_may_be_applied_in_parts(told: Story) -> None:
    at = now(told)
    arrive(told, *(pushed("engagement_ended", {"engagement_id": f"e{n}"}, at) for n in range(7)))
    with told.runtime() as runtime:
        assert apply_inbox(runtime, limit=3).events == 3
        assert look(runtime).unapplied == 4
        assert apply_inbox(runtime, limit=3).events == 3
        assert apply_inbox(runtime).events == 1
        assert apply_inbox(runtime).events == 0
        assert len(runtime.state.events.waiting()) == 7


def test_an_unknown_engagement_is_asked_for_ever_less_often_and_then_left_to_the_nightly_poll(told: Story) -> None:
    arrive(told, pushed("engagement_ended", {"engagement_id": "nobody-knows"}, now(told)))
    refresh(told)
    for step in RETRIES[:-1]:
        told.clock.shift += step - timedelta(seconds=5)
        assert refresh(told).refreshed.not_found == 0
        told.clock.shift += timedelta(seconds=10)
        assert refresh(told).refreshed.not_found == 1
    told.clock.shift += RETRIES[-1] + timedelta(seconds=5)
    last = refresh(told)
    assert last.given_up == 1
    with told.runtime() as runtime:
        (row,) = runtime.state.events.waiting()
        assert row.due_at is None
        assert "nightly poll" in row.reason


@pytest.mark.slow
def test_an_event_before_its_engagement_is_attached_once_the_engagement_comes(told: Story) -> None:
    engagement, note = with_note(told)
    key = engagement["engagement_id"]
    at = parse_time(engagement["start_time"]) - timedelta(days=2)  # as a clock that is days behind would say
    arrive(told, note_added({**note, "note": "pushed first"}, key, at))
    with told.runtime() as runtime:
        apply_inbox(runtime)
    told.build()
    assert notes_in_mart(told, key) == [(note["note_id"], "pushed first")]

    told.pull(only=("engagements",))
    told.build()
    assert (note["note_id"], note["note"]) in notes_in_mart(told, key)


def notes_in_mart(told: Story, engagement_id: str) -> list[tuple[str, str]]:
    import duckdb

    with duckdb.connect(str(told.home / "analytics.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select note_id, note from engagement_notes where engagement_id = ? order by 1", [engagement_id]
        ).fetchall()


@pytest.mark.slow
def test_a_pushed_note_that_no_read_shows_stays_ten_minutes_and_then_goes(told: Story) -> None:
    """Also where the engagement had been read before and has not changed since: such a read lands nothing."""
    told.pull(only=("engagements",))
    engagement, _ = with_note(told)
    key = engagement["engagement_id"]
    arrive(told, note_added({"note_id": "ghost", "note": "not there"}, key, now(told)))
    refresh(told, patience=timedelta(seconds=15))
    told.build()
    assert ("ghost", "not there") in notes_in_mart(told, key)

    told.clock.shift += timedelta(minutes=9)
    assert refresh(told).refreshed.refreshed == 0
    told.clock.shift += timedelta(minutes=2)
    report = refresh(told)
    assert (report.refreshed.refreshed, report.parts_denied) == (1, 1)
    told.build()
    assert "ghost" not in {note_id for note_id, _ in notes_in_mart(told, key)}
    with told.runtime() as runtime:
        assert runtime.state.events.waiting() == []

    told.build(full_refresh=True)
    assert "ghost" not in {note_id for note_id, _ in notes_in_mart(told, key)}


def test_poison_and_foreign_events_are_set_aside_and_the_rest_goes_on(told: Story) -> None:
    engagement, note = with_note(told)
    key, at = engagement["engagement_id"], now(told) - timedelta(minutes=1)
    arrive(
        told,
        zoom_event(b"{not json", intake="webhook", received_at=at),
        pushed("engagement_note_added", {"note_id": "n1", "engagement_id": key}, at, account="another"),
        pushed("engagement_note_added", {"note": "no id", "engagement_id": key}, at),
        pushed("engagement_cloned", {"engagement_id": key}, at),
        note_added(note, key, at),
    )

    report = refresh(told)

    assert (report.applied.events, report.applied.quarantined, report.applied.foreign) == (5, 3, 1)
    assert report.applied.unknown_names == {"contact_center.engagement_cloned": 1}
    assert report.refreshed.refreshed == 1
    with told.runtime() as runtime:
        held = runtime.state.quarantine.list()
        assert [item.room for item in held] == ["events"] * 3
        assert look(runtime).unapplied == 0
    assert len(ids(told, "zoom/events")) == 3


def test_the_time_of_a_gap_is_polled_once(told: Story) -> None:
    day = told.days[0]
    start = day_window(day, told.timezone if hasattr(told, "timezone") else _utc()).start + timedelta(hours=9)
    arrive(told, gap(start, start + timedelta(minutes=4)))

    report = refresh(told)

    assert (report.gaps_closed, report.problems) == (1, [])
    assert ids(told, "zoom/engagements") >= {each["engagement_id"] for each in told.closed_engagements()}
    before = calls(told)
    arrive(told, gap(start + timedelta(minutes=10), start + timedelta(minutes=11)))
    assert refresh(told).gaps_closed == 1, "the day was listed since, so that there is nothing to poll"
    assert calls(told) == before


def test_a_gap_that_cannot_be_polled_stays_open_and_is_polled_later(told: Story) -> None:
    start = _within(told.days[0], told)
    arrive(told, gap(start, start + timedelta(minutes=4)))
    told.control("scopes", scopes=[scope for scope in sorted(all_scopes()) if "inbox" not in scope])

    report = refresh(told)
    assert (report.gaps_closed, report.gaps_open) == (0, 1)
    assert any("scope" in problem for problem in report.problems)
    with told.runtime() as runtime:
        assert look(runtime).due == 0, "not at once again"

    told.control("scopes", scopes=sorted(all_scopes()))
    told.clock.shift += RETRIES[0] + timedelta(seconds=1)
    assert refresh(told).gaps_closed == 1
    with told.runtime() as runtime:
        told.clock.shift += timedelta(days=1)
        assert look(runtime).due == 0


def _utc() -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo("UTC")


@pytest.mark.slow
def test_flow_events_stand_in_until_the_api_shows_its_own(told: Story) -> None:
    messaging = next(
        each
        for each in told.closed_engagements()
        if each["artefacts"]["messaging_transcript"]["status"] == "stored"
    )  # fmt: skip
    key, at = messaging["engagement_id"], now(told) - timedelta(minutes=1)
    arrive(told, posted("engagement_closed", key, at, transcript="Ann: from the flow"))
    with told.runtime() as runtime:
        apply_inbox(runtime)
    told.build()
    assert turns_in_mart(told, key) == ["from the flow"]
    refresh(told)
    told.build()
    assert "from the flow" not in turns_in_mart(told, key)
    assert turns_in_mart(told, key)


def turns_in_mart(told: Story, engagement_id: str) -> list[str]:
    import duckdb

    with duckdb.connect(str(told.home / "analytics.duckdb"), read_only=True) as connection:
        return [
            text
            for (text,) in connection.execute(
                "select text from transcript_turns where engagement_id = ? order by turn", [engagement_id]
            ).fetchall()
        ]


def test_many_due_engagements_of_a_day_are_read_by_listing_it(told: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zcc_pipeline.pipeline.event_refresh.BY_WINDOW", 10)
    wanted = [each["engagement_id"] for each in told.closed_engagements()]
    at = _within(told.days[0], told)
    arrive(told, *(pushed("engagement_ended", {"engagement_id": key}, at) for key in wanted))

    report = refresh(told)

    assert report.refreshed.refreshed >= len(wanted) > 10
    with told.runtime() as runtime:
        assert runtime.state.events.waiting() == []
        assert _listed(runtime, told.days[0])


def _within(day: date, told: Story) -> datetime:
    del told
    return day_window(day, _utc()).start + timedelta(hours=12)


def _listed(runtime: Runtime, day: date) -> bool:
    return runtime.state.windows.last_complete_at("zoom/engagements", day) is not None
