"""The window ledger."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.domain.ports import WindowRow
from zcc_pipeline.domain.window import Window
from zcc_pipeline.state import StateStore
from zcc_pipeline_tests.integration.state.conftest import DAY, NOW

pytestmark = pytest.mark.integration

WINDOW = Window(NOW - timedelta(hours=12), NOW + timedelta(hours=12))
MINUTE = timedelta(minutes=1)


def listed(
    store: StateStore,
    *,
    day: date = DAY,
    at: datetime = NOW,
    rows: int = 3,
    is_complete: bool = True,
    error: str | None = None,
) -> str:
    batch_id = store.windows.begin("zoom/engagements", WINDOW, day=day, now=at)
    store.windows.finish(
        batch_id,
        rows=rows,
        announced=3,
        pages=2,
        api_calls=4,
        is_complete=is_complete,
        error=error,
        now=at + MINUTE,
    )
    return batch_id


def test_a_finished_window_reads_back_as_it_was_written(store: StateStore) -> None:
    batch_id = listed(store, rows=2, is_complete=False, error="page token repeated")

    assert list(store.windows.latest("zoom/engagements", DAY, DAY)) == [
        WindowRow(
            batch_id, "zoom/engagements", WINDOW, DAY, NOW, NOW + MINUTE, 2, 3, 2, 4, False, "page token repeated"
        )
    ]


def test_batch_ids_sort_by_the_time_they_were_given(store: StateStore) -> None:
    ids = [listed(store, at=NOW + timedelta(seconds=each)) for each in range(5)]

    assert ids == sorted(ids)
    assert all(len(each) == 26 for each in ids)


def test_the_newest_finished_row_of_each_day_is_shown_and_open_ones_are_not(store: StateStore) -> None:
    following = DAY + timedelta(days=1)
    listed(store)
    newest = listed(store, at=NOW + timedelta(hours=1), is_complete=False)
    other = listed(store, day=following)
    store.windows.begin("zoom/engagements", WINDOW, day=DAY, now=NOW + timedelta(hours=2))
    store.windows.begin("zoom/recordings", WINDOW, day=DAY, now=NOW)

    assert [row.batch_id for row in store.windows.latest("zoom/engagements", DAY, following)] == [newest, other]
    assert not store.windows.latest("zoom/recordings", DAY, following)


def test_the_last_complete_listing_is_told_by_its_begin_whatever_failed_later(store: StateStore) -> None:
    assert store.windows.last_complete_at("zoom/engagements", DAY) is None
    listed(store)
    listed(store, at=NOW + timedelta(hours=1))
    listed(store, at=NOW + timedelta(hours=2), is_complete=False)

    assert store.windows.last_complete_at("zoom/engagements", DAY) == NOW + timedelta(hours=1)
    assert store.windows.last_complete_at("zoom/engagements", DAY + timedelta(days=1)) is None
    assert store.windows.complete_days("zoom/engagements", DAY, DAY) == {DAY: NOW + timedelta(hours=1)}


def test_finishing_what_was_never_begun_is_an_error(store: StateStore) -> None:
    with pytest.raises(PermanentError, match="01NEVER"):
        store.windows.finish(
            "01NEVER", rows=0, announced=None, pages=0, api_calls=0, is_complete=True, error=None, now=NOW
        )


def test_a_naive_time_is_refused(store: StateStore) -> None:
    with pytest.raises(Exception, match="aware times only"):
        store.windows.begin("zoom/engagements", WINDOW, day=DAY, now=datetime(2026, 1, 1))  # noqa: DTZ001


def test_days_whose_listing_never_came_to_its_end_are_named_the_longest_untried_first(store: StateStore) -> None:
    days = [DAY - timedelta(days=count) for count in range(6)]
    listed(store, day=days[0], at=NOW, is_complete=False, error="the daily limit is reached")
    listed(store, day=days[1], at=NOW - MINUTE, is_complete=False, error="the daily limit is reached")
    listed(store, day=days[2], is_complete=False)
    listed(store, day=days[2], at=NOW + MINUTE)
    listed(store, day=days[3], is_complete=False, error="scope missing: what would do")
    store.windows.begin("zoom/engagements", WINDOW, day=days[4], now=NOW + MINUTE)
    store.windows.begin("zoom/recordings", WINDOW, day=days[5], now=NOW)

    def unread(limit: int = 10) -> list[date]:
        return store.windows.unread_days(["zoom/engagements"], days[-1], DAY, limit=limit)

    assert unread() == [days[1], days[0], days[4]]
    listed(store, day=days[3], at=NOW + 2 * MINUTE, is_complete=False, error="the daily limit is reached")
    assert unread() == [days[1], days[0], days[4], days[3]], "the scope is there by now"
    assert unread(limit=1) == [days[1]]
    assert store.windows.unread_days(["zoom/engagements"], days[1], days[1], limit=9) == [days[1]]
