"""When an engagement is read again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.reconciliation import STEPS, is_due, is_settled, next_due
from zcc_pipeline_tests.unit.reconciliation.cases import END, HOUR

MINUTE = timedelta(minutes=1)
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("last_read_at", "due"),
    [
        (None, END + 2 * MINUTE),
        (END - HOUR, END + 2 * MINUTE),
        (END + 1 * MINUTE, END + 2 * MINUTE),
        (END + 2 * MINUTE, END + 10 * MINUTE),
        (END + 11 * MINUTE, END + HOUR),
        (END + HOUR, END + 6 * HOUR),
        (END + 7 * HOUR, END + DAY),
        (END + DAY, None),
        (END + 30 * DAY, None),
    ],
)
def test_the_next_step_after_the_last_read_is_due(last_read_at: datetime | None, due: datetime | None) -> None:
    assert next_due(END, last_read_at) == due
    assert is_settled(END, last_read_at) is (due is None)


def test_one_read_covers_all_steps_that_were_missed() -> None:
    assert is_due(END, END + MINUTE, END + 5 * HOUR)
    assert not is_due(END, END + 5 * HOUR, END + 5 * HOUR)
    assert next_due(END, END + 5 * HOUR) == END + 6 * HOUR


def test_a_change_after_the_last_step_asks_for_one_more_read_a_day_later_until_nothing_changes() -> None:
    changed = END + 20 * DAY

    assert next_due(END, changed, last_changed_at=changed) == changed + DAY
    assert not is_due(END, changed, changed + 23 * HOUR, last_changed_at=changed)
    assert is_settled(END, changed + DAY, last_changed_at=changed)
    assert is_settled(END, END + DAY, last_changed_at=END + HOUR)


@given(st.integers(min_value=0, max_value=3 * 24 * 60))
def test_reading_whenever_due_settles_after_one_read_a_step(delay: int) -> None:
    last_read, reads = None, 0
    while (due := next_due(END, last_read)) is not None:
        last_read = max(due, END + delay * MINUTE)
        reads += 1
    assert 1 <= reads <= len(STEPS)
    assert last_read is not None
    assert last_read >= END + DAY
