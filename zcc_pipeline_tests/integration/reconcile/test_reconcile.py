"""Events are lost, doubled and made up; reconciling finds each difference once, heals it and says what became of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from zcc_pipeline.domain.ports import DifferenceRow
from zcc_pipeline.pipeline.coverage import read_coverage
from zcc_pipeline.pipeline.reconcile import ReconcileReport, reconcile
from zcc_pipeline.reconciliation import Outcome
from zcc_pipeline.reconciliation.coverage import ANNOUNCES, ENGAGEMENT_ENDED, NOTE_ADDED, SURVEY_STATUS
from zcc_pipeline.simulator.zoom.push.event import PushedEvent, envelope
from zcc_pipeline_tests.pushing import all_events, losing, receive
from zcc_pipeline_tests.story import Story, story

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Story]:
    with story(tmp_path / "home", days=2, per_day=40) as opened:
        yield opened


def run(told: Story, days: list[date] | None = None) -> ReconcileReport:
    with told.runtime() as runtime:
        return reconcile(runtime, days or told.days)


def coverage_files(told: Story) -> int:
    with told.runtime() as runtime:
        return len(runtime.lake.files("zoom/coverage"))


def made_up(told: Story, engagement_id: str, note_id: str, at: datetime) -> PushedEvent:
    stamp = int(at.timestamp() * 1000)
    content = {"engagement_id": engagement_id, "note_id": note_id, "note": "?", "channel": "voice"}
    body = envelope(NOTE_ADDED, stamp, told.simulator.standin.account.population.account_id, content)
    return PushedEvent("made up", NOTE_ADDED, at, engagement_id, note_id, body)


def sender(event: PushedEvent) -> tuple[str, str]:
    """Whoever sends such events, Zoom or the script of one flow: one that is never heard may not send any."""
    return event.name, json.loads(event.body)["flow_id"] if event.is_of_flow else ""


def by_subject(rows: list[DifferenceRow]) -> dict[tuple[str, str], DifferenceRow]:
    return {(row.event, row.subject_id): row for row in rows}


def test_lost_events_are_found_once_and_their_data_is_here(told: Story) -> None:
    events = [event for event in all_events(told) if event.name in ANNOUNCES]
    gets_through = losing(0.3)
    arrived = [event for event in events if gets_through(event)]
    heard = set(map(sender, arrived))
    lost = Counter(event.name for event in events if sender(event) in heard)
    lost -= Counter(event.name for event in arrived)
    receive(told, [*arrived, *arrived[::10]])

    first, files = run(told), coverage_files(told)
    second = run(told)

    # what cannot be known here: the truth's own losses of things that the API shows no more
    found = Counter(row.event for row in first.detected if row.direction == "only_polled")
    assert found[ENGAGEMENT_ENDED] == lost[ENGAGEMENT_ENDED] > 10
    assert found == {name: count for name, count in lost.items() if count}
    assert len(first.detected) == sum(first.count(outcome) for outcome in Outcome) > 30
    assert {row.outcome for row in first.detected} == {Outcome.RECOVERED}, first.detected
    assert not first.needs_attention, first.problems
    assert second.detected == second.judged_again == []
    assert coverage_files(told) == files
    with told.runtime() as runtime:
        ended = [line for line in read_coverage(runtime, *told.days) if line.event == ENGAGEMENT_ENDED]
    assert sum(line.only_polled for line in ended) == lost[ENGAGEMENT_ENDED]
    assert sum(line.expected for line in ended) == len(told.closed_engagements())
    assert all(line.latencies["webhook"].events == line.pushed for line in ended)


def test_events_about_what_the_api_does_not_have_are_looked_up_and_explained(told: Story) -> None:
    real = told.closed_engagements()[0]["engagement_id"]
    at = told.simulator.standin.account.now() - timedelta(days=2, hours=1)
    unknown = made_up(told, "no-such-engagement", "n2", at)
    ended = PushedEvent(
        "ended",
        ENGAGEMENT_ENDED,
        at,
        "no-such-engagement",
        None,
        unknown.body.replace(NOTE_ADDED.encode(), ENGAGEMENT_ENDED.encode()),
    )
    receive(told, [*all_events(told), made_up(told, real, "n1", at), unknown, ended])

    first = run(told, [*told.days, at.date()])

    found = by_subject(first.detected)
    assert found[NOTE_ADDED, "n1"].outcome == Outcome.EXPLAINED
    assert "does not have it" in found[NOTE_ADDED, "n1"].evidence
    assert found[NOTE_ADDED, "n2"].outcome == Outcome.EXPLAINED
    assert "404" in found[ENGAGEMENT_ENDED, "no-such-engagement"].evidence
    assert len(found) == len(first.detected) == 3
    assert run(told, [*told.days, at.date()]).detected == []


def test_a_404_that_is_young_fails_and_is_explained_by_a_later_pass(told: Story) -> None:
    at = told.simulator.standin.account.now() - timedelta(hours=3)
    note = made_up(told, "no-such-engagement", "n2", at)
    ended = note.body.replace(NOTE_ADDED.encode(), ENGAGEMENT_ENDED.encode())
    receive(told, [note, PushedEvent("ended", ENGAGEMENT_ENDED, at, "no-such-engagement", None, ended)])

    days = [at.date()]
    first = run(told, days)
    assert {row.outcome for row in first.detected} == {Outcome.FAILED}
    assert first.needs_attention
    told.pass_days(3)
    second = run(told, days)

    assert second.detected == []
    assert {row.outcome for row in second.judged_again} == {Outcome.EXPLAINED}
    assert {row.detected_at for row in second.judged_again} == {row.detected_at for row in first.detected}
    assert not run(told, days).judged_again


def test_an_event_about_an_engagement_that_was_never_polled_brings_it_here(told: Story) -> None:
    """A note is added long after; its engagement's day is not polled, so only the event knows of it."""
    older, newer = told.days
    entry = next(one for one in told.closed_engagements() if one["start_time"][:10] == str(older))
    told.control("add-note", engagement_id=entry["engagement_id"], text="remembered later")
    (note,) = [event for event in all_events(told, [older]) if b"remembered later" in event.body]
    receive(told, [note])
    told.pass_days(1)

    first = run(told, [newer, note.at.date()])

    (row,) = first.detected
    assert (row.event, row.subject_id, row.outcome) == (NOTE_ADDED, note.subject_id, Outcome.RECOVERED)
    assert first.refreshed == 1
    with told.runtime() as runtime:
        landed = runtime.lake.latest("zoom/notes", older, older, shapes={"detail"})
        assert note.subject_id in landed.column("record_id").to_pylist()
        covered = [line for line in read_coverage(runtime, older, older) if line.event == NOTE_ADDED]
    assert covered[0].both == 1
    assert run(told, [newer, note.at.date()]).detected == []


def test_events_that_nobody_subscribed_are_named_and_are_no_losses(told: Story) -> None:
    receive(told, [event for event in all_events(told) if event.name in ANNOUNCES and event.name != SURVEY_STATUS])

    report = run(told)

    assert set(report.not_subscribed) == {SURVEY_STATUS}
    assert report.not_subscribed[SURVEY_STATUS] > 0
    assert not [row for row in report.detected if row.event == SURVEY_STATUS]


def test_without_any_push_nothing_is_detected_and_everything_is_said_to_be_unsubscribed(told: Story) -> None:
    report = run(told)
    assert report.detected == []
    assert ENGAGEMENT_ENDED in report.not_subscribed
    assert not report.needs_attention
