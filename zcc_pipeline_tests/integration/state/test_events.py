"""Events applied, engagements due, gaps and unconfirmed parts."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from zcc_pipeline.domain.errors import TransientError
from zcc_pipeline.domain.ports import EventGap, PushedPart, WantedRefresh
from zcc_pipeline.state import StateStore
from zcc_pipeline_tests.integration.state.conftest import DAY, NOW

pytestmark = pytest.mark.integration

INBOX = "01INBOX"


def after(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def wanted(engagement_id: str, minutes: float = 0, reason: str = "event") -> WantedRefresh:
    return WantedRefresh(engagement_id, after(minutes), DAY, reason)


def part(record_id: str = "n1", minutes: float = 0) -> PushedPart:
    return PushedPart("zoom/notes", record_id, record_id, "e1", "pushed", after(minutes))


def due_ids(store: StateStore, minutes: float) -> list[str]:
    return [row.engagement_id for row in store.events.due(after(minutes), 100)]


def test_applied_rows_are_known_in_whatever_order_they_came(store: StateStore) -> None:
    store.events.apply(INBOX, [5, 3], now=NOW)
    store.events.apply(INBOX, [4, 3], now=NOW)

    assert store.events.applied(INBOX, range(1, 8)) == {3, 4, 5}
    assert store.events.applied("another", [3]) == set()
    assert store.events.applied(INBOX, []) == set()


def test_below_the_mark_everything_is_applied_and_nothing_is_kept_one_by_one(store: StateStore) -> None:
    assert store.events.mark(INBOX) == 0
    store.events.apply(INBOX, range(1, 12_000), now=NOW)
    store.events.advance(INBOX, 11_990)
    store.events.advance(INBOX, 10)

    assert store.events.mark(INBOX) == 11_990
    assert store.events.applied(INBOX, [7, 11_990, 11_995, 12_001]) == {7, 11_990, 11_995}
    with store._ledgers.read() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM zcc_event_applied")) == 9


def test_many_events_of_one_engagement_are_one_refresh(store: StateStore) -> None:
    store.events.apply(INBOX, [1, 2, 3], due=[wanted("e1", 1), wanted("e2", 2), wanted("e1", 3, "last")], now=NOW)

    assert due_ids(store, 0) == []
    assert due_ids(store, 1) == ["e1"]
    assert due_ids(store, 5) == ["e1", "e2"]
    (first, _) = store.events.due(after(5), 2)
    assert (first.due_at, first.read_after, first.reason, first.attempts) == (after(1), after(3), "last", 0)
    assert store.events.count_due(after(1)) == 1
    assert store.events.next_due_at() == after(1)


def test_a_read_begun_before_the_last_event_does_not_settle_it(store: StateStore) -> None:
    store.events.want([wanted("e1", 1), wanted("e1", 3), wanted("e2", 1)])
    store.events.settle({"e1": after(2), "e2": after(2), "unknown": after(2)})

    (left,) = store.events.waiting()
    assert (left.engagement_id, left.due_at) == ("e1", after(3))
    store.events.settle({"e1": after(3)})
    assert store.events.waiting() == []
    assert store.events.next_due_at() is None


def test_what_is_not_found_is_tried_later_until_it_is_given_up_and_a_new_event_begins_anew(store: StateStore) -> None:
    store.events.want([wanted("e1"), wanted("e2")])
    store.events.postpone({"e1": (after(5), "404"), "e2": (None, "left to the nightly poll")})

    assert due_ids(store, 4) == []
    assert due_ids(store, 5) == ["e1"]
    assert {row.engagement_id: (row.attempts, row.reason) for row in store.events.waiting()} == {
        "e1": (1, "404"),
        "e2": (1, "left to the nightly poll"),
    }
    store.events.want([wanted("e2", 6)])
    assert due_ids(store, 6) == ["e1", "e2"]
    store.events.postpone({"e2": (None, "again")})
    assert store.events.forget_given_up(after(-1)) == 0
    assert store.events.forget_given_up(after(1)) == 1
    assert [row.engagement_id for row in store.events.waiting()] == ["e1"]


def test_a_gap_is_open_until_it_is_closed_and_known_once(store: StateStore) -> None:
    gap = EventGap(INBOX, 7, after(-5), after(-3))
    store.events.apply(INBOX, [7], gaps=[gap], now=NOW)
    store.events.apply(INBOX, [7], gaps=[gap], now=NOW)

    assert store.events.open_gaps(NOW) == [gap]
    assert store.events.count_due(NOW) == 1
    store.events.postpone_gap(gap, "no answer", next_try_at=after(1))
    assert store.events.open_gaps(NOW) == []
    (again,) = store.events.open_gaps(after(1))
    assert again.attempts == 1
    store.events.close_gap(again, "polled", now=after(2))
    assert store.events.open_gaps(after(900)) == []
    store.events.apply(INBOX, [7], gaps=[gap], now=NOW)
    assert store.events.open_gaps(after(900)) == []


def test_a_pushed_part_waits_for_a_read_and_a_younger_word_on_it_stays(store: StateStore) -> None:
    store.events.apply(INBOX, [1], parts=[part(minutes=1), part("n2"), part(minutes=0)], now=NOW)
    assert sorted(store.events.parts_of(["e1", "e2"]), key=lambda one: one.record_id) == [part(minutes=1), part("n2")]
    store.events.apply(INBOX, [2], parts=[part(minutes=2), part("n2", -1)], now=NOW)
    store.events.resolve([part(minutes=1), part("n2")])

    assert store.events.parts_of(["e1"]) == [part(minutes=2)]
    assert store.events.parts_of([]) == []


def test_all_that_follows_from_a_batch_is_kept_together_or_not_at_all(store: StateStore) -> None:
    bad = WantedRefresh("e1", NOW, None, "a row that the database refuses")  # type: ignore[arg-type]

    with pytest.raises((sa.exc.IntegrityError, TransientError)):
        store.events.apply(INBOX, [1], due=[bad], gaps=[EventGap(INBOX, 1, NOW, NOW)], parts=[part()], now=NOW)

    assert store.events.applied(INBOX, [1]) == set()
    assert store.events.open_gaps(NOW) == []
    assert store.events.parts_of(["e1"]) == []
