"""Events are lost, doubled and late, receivers and refreshes are down; reconciling notices all of it and heals it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from zcc_pipeline.cli.demo_events import has_arrived, subject_of
from zcc_pipeline.domain.events import CONNECTION_GAP
from zcc_pipeline.inbox import InboxReader
from zcc_pipeline.pipeline.coverage import compare_days
from zcc_pipeline.pipeline.reconcile import ReconcileReport
from zcc_pipeline.reconciliation import Outcome
from zcc_pipeline.reconciliation.coverage import (
    DISPOSITION_ADDED,
    ENGAGEMENT_ENDED,
    FLOW_CLOSED,
)
from zcc_pipeline.reconciliation.differences import LATE
from zcc_pipeline_tests.story import Story, story

pytestmark = [pytest.mark.integration, pytest.mark.slow]

Subject = tuple[str, str]

FAULTS = {
    "chances": {"lost": 0.3, "doubled": 0.1, "late": 0.2, "reordered": 0.2, "foreign_account": 0.01, "garbage": 0.005},
    "max_late_seconds": 7200,
}
FAST = 100_000
"""Zoom's retries are over in 51 ms."""
SLOW = 800
"""Zoom's last retry comes after six seconds: time to start a receiver."""


@contextmanager
def pushed_story(home: Path, *, days: int) -> Iterator[Story]:
    with story(home, days=days, per_day=60) as told:
        told.account_id = told.pushed_account_id
        yield told


def noon(told: Story, number: int) -> datetime:
    return datetime.combine(told.days[number], datetime.min.time(), UTC) + timedelta(hours=12)


def midnight(told: Story) -> datetime:
    return datetime.combine(told.days[0], datetime.min.time(), UTC)


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def truly_lost(told: Story) -> set[Subject]:
    """Subjects of which no route brought any event."""
    pushed = told.ask("push-truth")["events"]
    arrived = {subject_of(event) for event in pushed if has_arrived(event)}
    return {subject_of(event) for event in pushed} - arrived


def due(told: Story) -> set[Subject]:
    """What polling found, and so should have been announced by now; events that nobody subscribed are left out."""
    with told.runtime() as runtime:
        found = compare_days(runtime, told.days)
        until_then = runtime.clock.now() - LATE
    subscribed = {(line.day, line.event) for line in found.lines if line.is_subscribed}
    return {
        (one.event, one.subject_id)
        for one in found.facts.expected
        if one.since <= until_then and (one.day, one.event) in subscribed
    }


def noticed(report: ReconcileReport) -> Counter[Subject]:
    return Counter((row.event, row.subject_id) for row in report.detected if row.direction == "only_polled")


def assert_all_losses_are_noticed(told: Story, report: ReconcileReport) -> None:
    lost, expected = truly_lost(told), due(told)
    assert noticed(report) == Counter(lost & expected)
    assert len(report.detected) == sum(report.count(outcome) for outcome in Outcome)
    assert not [row for row in report.detected if row.outcome == Outcome.FAILED]
    assert not report.needs_attention, report.problems


def assert_nothing_is_left(told: Story) -> None:
    told.clock.shift += timedelta(hours=1)
    again = told.reconcile()
    assert again.detected == again.judged_again == []
    assert again.problems == []


def landed_engagements(told: Story) -> Set[str]:
    with told.runtime() as runtime:
        table = runtime.lake.latest("zoom/engagements", told.days[0], told.days[-1], columns=["record_id"])
        return set(table.column("record_id").to_pylist())


def kept(told: Story) -> list[str]:
    """Names of what is in the inbox."""
    with InboxReader.open(str(told.home / "inbox.sqlite")) as reader:
        return [row.event.event for row in reader.rows([seq for seq, _ in reader.seqs_after(0, 100_000)])]


def test_whatever_is_lost_on_the_way_the_warehouse_equals_the_truth_and_every_loss_is_noticed(tmp_path: Path) -> None:
    """A third of all events lost, the receiver down for two hours, the refresh for a day, flow scripts included."""
    with pushed_story(tmp_path / "home", days=2) as told:
        down, back = noon(told, 0), noon(told, 0) + timedelta(hours=2)
        with told.receiving() as listening:
            to: dict[str, Any] = {
                "webhook_url": listening.webhook_url,
                "flow_url": listening.flow_url,
                "faults": FAULTS,
            }
            told.push(midnight(told), down - timedelta(seconds=1), **to, speed=FAST)
        assert told.refresh_from_events().problems == []

        half = down + timedelta(hours=1)
        given_up = told.push(down, half - timedelta(seconds=1), **to, speed=FAST)
        late = told.push(half, back - timedelta(seconds=1), **to, speed=SLOW, wait_for="first_tries")
        port = urlsplit(str(listening.webhook_url)).port
        with told.receiving(port=port or 0):
            until(lambda: told.ask(f"push?job={late['job']}")["is_settled"])
            told.push(back, **to, speed=FAST, follow=False)  # for a day and more, and nobody refreshes
        assert given_up["counts"]["webhook"]["accepted"] == 0
        assert given_up["counts"]["webhook"]["given_up"] > 10
        assert told.ask(f"push?job={late['job']}")["counts"]["webhook"]["accepted"] > 10

        told.clock.shift += timedelta(days=1)
        caught_up = told.refresh_from_events()
        assert caught_up.problems == []
        assert 0 < caught_up.applied.foreign < caught_up.applied.events / 10
        assert caught_up.applied.by_route["webhook"] > 100
        assert caught_up.applied.by_route["flow"] > 10
        before = truly_lost(told)
        report = told.reconcile()
        told.build()

        assert told.disagreements() == []
        assert_all_losses_are_noticed(told, report)
        kinds = Counter(event for event, _ in noticed(report))
        assert {ENGAGEMENT_ENDED, DISPOSITION_ADDED, FLOW_CLOSED} <= set(kinds)
        assert before == truly_lost(told)
        assert_nothing_is_left(told)


def test_what_came_while_the_listener_was_cut_off_is_polled_as_soon_as_it_is_back(tmp_path: Path) -> None:
    """The refresh brings it, long before the nightly poll; reconciling finds what was missed and nothing else."""
    with pushed_story(tmp_path / "home", days=1) as told:
        whole_shift, down = told.clock.shift, noon(told, 0)
        told.clock.shift = down - datetime.now(UTC)
        with told.receiving(websocket=True):
            hub = told.simulator.standin.hub
            until(lambda: hub.connections == 1)
            told.push(midnight(told), down - timedelta(seconds=1), websocket=True)
            told.control("websocket", is_down=True, cut=True)
            until(lambda: hub.connections == 0)
            missed = told.push(down, down + timedelta(hours=2), websocket=True)
            told.clock.shift += timedelta(hours=2)
            told.control("websocket", is_down=False)
            until(lambda: hub.connections == 1 and CONNECTION_GAP in kept(told))
            told.push(down + timedelta(hours=2, seconds=1), websocket=True)
            sent = {event["identity"] for event in told.ask("push-truth")["events"] if has_arrived(event)}
            until(lambda: len(kept(told)) > len(sent))
        assert missed["counts"]["websocket"]["missed"] > 20
        ended = {subject for event, subject in truly_lost(told) if event == ENGAGEMENT_ENDED}
        assert len(ended) > 3

        told.clock.shift = whole_shift
        refreshed = told.refresh_from_events()

        assert refreshed.gaps_closed > 0
        assert (refreshed.gaps_open, refreshed.problems) == (0, [])
        assert ended <= landed_engagements(told)
        report = told.reconcile()
        assert_all_losses_are_noticed(told, report)
        assert ENGAGEMENT_ENDED in {event for event, _ in noticed(report)}
        told.build()
        assert told.disagreements() == []
        assert_nothing_is_left(told)
