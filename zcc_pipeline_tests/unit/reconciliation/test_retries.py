"""When to try a file again, and when not found means gone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from zcc_pipeline.domain.completeness import ArtefactKind, Reason
from zcc_pipeline.reconciliation import FailureDecision, decide_failure, next_try
from zcc_pipeline_tests.unit.reconciliation.cases import END, HOUR, row

RECORDING = ArtefactKind.RECORDING
DAYS = timedelta(days=1)
MINUTES = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("attempts", "age", "delay"),
    [
        (1, 0 * DAYS, 2 * MINUTES),
        (2, 0 * DAYS, 10 * MINUTES),
        (3, 0 * DAYS, HOUR),
        (4, 0 * DAYS, 6 * HOUR),
        (5, 1 * DAYS, DAYS),
        (17, 13 * DAYS, DAYS),
        (18, 14 * DAYS, 7 * DAYS),
        (99, 300 * DAYS, 7 * DAYS),
        (1, 300 * DAYS, 2 * MINUTES),
    ],
)
def test_attempts_grow_apart_and_never_end(attempts: int, age: timedelta, delay: timedelta) -> None:
    now = END + age

    assert next_try(attempts, END, now) == now + delay


@pytest.mark.parametrize("http_status", [None, 401, 429, 500, 503])
def test_any_other_failure_is_tried_again(http_status: int | None) -> None:
    decision = decide_failure(row(RECORDING, state="wanted"), END, http_status=http_status)

    assert decision == FailureDecision(is_gone=False, reason=Reason.DOWNLOAD_FAILED, next_try_at=END + 2 * MINUTES)


@pytest.mark.parametrize(
    ("not_found_since", "now", "is_gone"),
    [
        (None, END + 400 * DAYS, False),
        (END, END + 2 * DAYS - MINUTES, False),
        (END, END + 2 * DAYS, True),
    ],
)
def test_404_is_not_ready_until_nothing_else_has_come_for_two_days(
    not_found_since: datetime | None, now: datetime, is_gone: bool
) -> None:
    before = row(RECORDING, state="failed", attempts=7, not_found_since=not_found_since)
    decision = decide_failure(before, now, http_status=404)

    assert decision.is_gone is is_gone
    assert decision.reason is (Reason.SOURCE_REPORTS_GONE if is_gone else Reason.NOT_READY)
    assert (decision.next_try_at is None) is is_gone
