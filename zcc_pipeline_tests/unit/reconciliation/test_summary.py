"""Sums of statuses."""

from __future__ import annotations

from datetime import date

from zcc_pipeline.domain.completeness import ArtefactKind, ArtefactStatus, Reason, Status
from zcc_pipeline.reconciliation import StatusCount, count_statuses, summarise_days
from zcc_pipeline_tests.unit.reconciliation.cases import END

K, S, R = ArtefactKind, Status, Reason
FIRST, SECOND = date(2026, 11, 10), date(2026, 11, 11)


def status(
    kind: ArtefactKind, state: Status, reason: Reason | None = None, expected: int = 1, stored: int = 0
) -> ArtefactStatus:
    return ArtefactStatus("e", kind, state, reason, "evidence", expected, stored, END)


CELLS = [
    (SECOND, status(K.NOTES, S.UNEXPLAINED)),
    (FIRST, status(K.NOTES, S.STORED, expected=2, stored=2)),
    (FIRST, status(K.NOTES, S.STORED, expected=3, stored=3)),
    (FIRST, status(K.RECORDING, S.NOT_EXPECTED, R.NOT_ANSWERED, expected=0)),
    (FIRST, status(K.RECORDING, S.NOT_EXPECTED, R.CALL_NOT_RECORDED, expected=0)),
    (FIRST, status(K.RECORDING, S.FAILED, R.DOWNLOAD_FAILED)),
]


def test_counts_are_per_day_kind_status_and_reason_in_that_order() -> None:
    assert count_statuses(CELLS) == [
        StatusCount(FIRST, K.RECORDING, S.FAILED, R.DOWNLOAD_FAILED, 1, 1, 0),
        StatusCount(FIRST, K.RECORDING, S.NOT_EXPECTED, R.CALL_NOT_RECORDED, 1, 0, 0),
        StatusCount(FIRST, K.RECORDING, S.NOT_EXPECTED, R.NOT_ANSWERED, 1, 0, 0),
        StatusCount(FIRST, K.NOTES, S.STORED, None, 2, 5, 5),
        StatusCount(SECOND, K.NOTES, S.UNEXPLAINED, None, 1, 1, 0),
    ]
    assert count_statuses([]) == []


def test_a_line_per_day_and_kind_holds_all_its_engagements_with_their_statuses_and_reasons() -> None:
    recordings, notes, other = summarise_days(count_statuses(CELLS))

    assert (recordings.day, recordings.kind, recordings.engagements) == (FIRST, K.RECORDING, 3)
    assert recordings.by_status == {S.FAILED: 1, S.NOT_EXPECTED: 2}
    assert recordings.by_reason[S.NOT_EXPECTED, R.NOT_ANSWERED] == 1
    assert (notes.expected_items, notes.stored_items) == (5, 5)
    assert other.by_status.keys() & {S.FAILED, S.UNEXPLAINED}
