"""The shared rate budget: one process, many processes, clocks that go wrong."""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from datetime import date
from itertools import count
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zcc_pipeline.domain.datasets import Label
from zcc_pipeline.state import StateStore
from zcc_pipeline_tests.examples import of_all
from zcc_pipeline_tests.integration.state.processes import meeting, outputs, start

pytestmark = pytest.mark.integration

T0 = 1_795_000_000.0
DAY = date(2026, 11, 20)


def most_in(slots: list[float], seconds: float) -> int:
    """The largest number of slots in any half-open span of that length."""
    ordered = sorted(slots)
    return max(bisect_left(ordered, slot + seconds - 1e-5) - index for index, slot in enumerate(ordered))


def test_a_burst_is_free_and_then_slots_are_an_interval_apart(store: StateStore) -> None:
    slots = [store.budget.reserve(Label.LIGHT, interval_seconds=0.5, burst=3, now=T0) for _ in range(6)]

    assert slots == pytest.approx([T0, T0, T0, T0 + 0.5, T0 + 1, T0 + 1.5])


def test_a_burst_is_refilled_while_nobody_calls(store: StateStore) -> None:
    for _ in range(3):
        store.budget.reserve(Label.LIGHT, interval_seconds=0.5, burst=3, now=T0)

    later = [store.budget.reserve(Label.LIGHT, interval_seconds=0.5, burst=3, now=T0 + 60) for _ in range(4)]

    assert later == pytest.approx([T0 + 60, T0 + 60, T0 + 60, T0 + 60.5])


def test_labels_do_not_share_slots(store: StateStore) -> None:
    store.budget.reserve(Label.LIGHT, interval_seconds=10, burst=1, now=T0)

    assert store.budget.reserve(Label.HEAVY, interval_seconds=10, burst=1, now=T0) == T0


def test_a_slot_that_would_come_too_late_is_told_and_not_taken(store: StateStore) -> None:
    store.budget.reserve(Label.LIGHT, interval_seconds=10, burst=1, now=T0)

    for _ in range(2):
        refused = store.budget.reserve(Label.LIGHT, interval_seconds=10, burst=1, now=T0, not_later_than=T0 + 1)
        assert refused == pytest.approx(T0 + 10)

    assert store.budget.reserve(Label.LIGHT, interval_seconds=10, burst=1, now=T0) == pytest.approx(T0 + 10)


def test_a_limit_that_has_passed_takes_nothing_even_from_an_unused_label(store: StateStore) -> None:
    assert store.budget.reserve(Label.LIGHT, interval_seconds=10, burst=1, now=T0, not_later_than=T0 - 1) == T0
    assert store.budget.reserve(Label.LIGHT, interval_seconds=10, burst=1, now=T0) == T0


def test_nobody_gets_a_slot_while_a_label_is_blocked(store: StateStore) -> None:
    store.budget.block(Label.HEAVY, until=T0 + 30)

    assert store.budget.reserve(Label.HEAVY, interval_seconds=1, burst=5, now=T0) == T0 + 30
    assert store.budget.reserve(Label.LIGHT, interval_seconds=1, burst=5, now=T0) == T0


def test_a_shorter_block_does_not_end_a_longer_one(store: StateStore) -> None:
    store.budget.block(Label.HEAVY, until=T0 + 30)
    store.budget.block(Label.HEAVY, until=T0 + 5)

    assert store.budget.reserve(Label.HEAVY, interval_seconds=1, burst=1, now=T0) == T0 + 30


def test_a_block_outlives_the_process_that_was_told(state_url: str) -> None:
    with StateStore.open(state_url) as first:
        first.budget.block(Label.HEAVY, until=T0 + 30)
    with StateStore.open(state_url) as second:
        assert second.budget.reserve(Label.HEAVY, interval_seconds=1, burst=1, now=T0) == T0 + 30


def test_no_interval_means_no_wait(store: StateStore) -> None:
    slots = {store.budget.reserve(Label.LIGHT, interval_seconds=0, burst=1, now=T0) for _ in range(50)}

    assert slots == {T0}


def test_a_clock_set_back_by_a_week_does_not_stop_everybody_for_a_week(store: StateStore) -> None:
    for _ in range(20):
        store.budget.reserve(Label.LIGHT, interval_seconds=1, burst=2, now=T0 + 7 * 86_400)
    store.budget.block(Label.LIGHT, until=T0 + 7 * 86_400 + 60)

    slots = [store.budget.reserve(Label.LIGHT, interval_seconds=1, burst=2, now=T0) for _ in range(3)]

    assert slots == pytest.approx([T0, T0, T0 + 1])


def test_clocks_that_differ_by_seconds_share_one_budget(store: StateStore) -> None:
    for _ in range(10):
        store.budget.reserve(Label.LIGHT, interval_seconds=1, burst=1, now=T0 + 5)

    assert store.budget.reserve(Label.LIGHT, interval_seconds=1, burst=1, now=T0) == pytest.approx(T0 + 15)


def test_the_daily_count_stops_at_the_cap_and_counts_nothing_beyond_it(store: StateStore) -> None:
    assert store.budget.spend_daily(DAY, amount=7, cap=10)
    assert not store.budget.spend_daily(DAY, amount=4, cap=10)
    assert store.budget.spend_daily(DAY, amount=3, cap=10)
    assert not store.budget.spend_daily(DAY, amount=1, cap=10)
    assert store.budget.spent_daily(DAY) == 10
    assert store.budget.spent_daily(date(2026, 11, 21)) == 0
    assert not store.budget.spend_daily(date(2026, 11, 21), amount=11, cap=10)


names = count()


@given(
    moves=st.lists(st.floats(min_value=-2, max_value=3, allow_nan=False), min_size=1, max_size=60),
    interval=st.sampled_from([0.05, 0.1, 1.0]),
    burst=st.integers(min_value=1, max_value=5),
)
@settings(max_examples=of_all(60), deadline=None)
def test_no_span_holds_more_than_the_burst_and_its_share(
    tmp_path_factory: pytest.TempPathFactory, moves: list[float], interval: float, burst: int
) -> None:
    with StateStore.open(f"{tmp_path_factory.getbasetemp()}/property/state.sqlite") as store:
        label, now, slots = cast("Label", f"L{next(names)}"), T0, []
        for move in moves:
            now += move
            slots.append(store.budget.reserve(label, interval_seconds=interval, burst=burst, now=now))
            assert slots[-1] >= now
        for span in (1, 3, 10):
            assert most_in(slots, span * interval) <= burst + span


def test_processes_together_never_get_more_than_one_budget(state_url: str, tmp_path: Path) -> None:
    StateStore.open(state_url).close()
    interval, burst, times = 0.02, 5, 150
    begin = meeting(tmp_path, 3)
    printed = outputs([start("reserve", state_url, begin, times, interval, burst) for _ in range(3)])

    slots = [slot for line in printed for slot in json.loads(line)["slots"]]
    assert len(slots) == 3 * times
    for span in (1, 5, 50, 200):
        assert most_in(slots, span * interval) <= burst + span
    assert max(slots) - min(slots) >= (len(slots) - burst) * interval - 1e-5


def test_processes_together_spend_exactly_the_cap(state_url: str, tmp_path: Path) -> None:
    StateStore.open(state_url).close()
    begin = meeting(tmp_path, 3)

    spent = [int(line) for line in outputs([start("spend", state_url, begin, 100, 250) for _ in range(3)])]

    assert sum(spent) == 250


def test_a_reservation_does_not_wait_for_a_ledger_that_is_being_written(tmp_path: Path) -> None:
    with StateStore.open(str(tmp_path / "state.sqlite")) as store, store._ledgers.write():
        slot = store.budget.reserve(Label.LIGHT, interval_seconds=1, burst=1, now=T0)

    assert math.isclose(slot, T0)
