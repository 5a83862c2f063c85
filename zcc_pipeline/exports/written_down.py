"""Outcomes as the ledger holds them, and the ledger as a destination sees it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.export_ledger import ExportLedger, ExportResult, ExportRow
from zcc_pipeline.exports.calls import safe_code
from zcc_pipeline.exports.outcomes import TAKEN, Outcome, RemoteRef, Status


class LedgerLog:
    """Implements ``WriteLog``."""

    def __init__(self, ledger: ExportLedger, crm: str, clock: Clock) -> None:
        self._ledger, self._crm, self._clock = ledger, crm, clock

    def job(self, engagement_ids: Sequence[str], job_id: str) -> None:
        """A job of the CRM now carries these."""
        self._ledger.job(self._crm, engagement_ids, job_id)

    def begun(self, engagement_id: str, key: str) -> None:
        """An entry or attachment is about to be sent."""
        self.begun_all([(engagement_id, key)])

    def done(self, engagement_id: str, key: str, remote_id: str) -> None:
        """It is there."""
        self.done_all([(engagement_id, key, remote_id)])

    def begun_all(self, keys: Iterable[tuple[str, str]]) -> None:
        """The same for many (engagement id, key)."""
        self._ledger.begun(self._crm, keys, now=self._clock.now())

    def done_all(self, keys: Iterable[tuple[str, str, str]]) -> None:
        """The same for many (engagement id, key, remote id)."""
        self._ledger.done(self._crm, keys, now=self._clock.now())


def as_told(row: ExportRow) -> Status:
    """What an unchanged record counts as."""
    status = Status(row.status)
    return Status.UNCHANGED if status in TAKEN else status


def remote_of(row: ExportRow) -> RemoteRef | None:
    """Where it is, as far as the ledger knows."""
    return RemoteRef(row.remote_object or "", row.remote_id) if row.remote_id is not None else None


def no_outcome(engagement_id: str) -> Outcome:
    """Of a record that the destination said nothing about."""
    return Outcome(engagement_id, Status.UNKNOWN, code="no_outcome")


def safe(outcome: Outcome) -> Outcome:
    """Codes go where no personal data may: one that does not look like a code is not repeated."""
    return replace(outcome, code=safe_code(outcome.code) or "unnamed") if outcome.code else outcome


def found_again(outcome: Outcome) -> Outcome:
    """It is there, and is to be written again."""
    return replace(outcome, status=Status.FAILED_RETRYABLE, code="found")


def result_of(outcome: Outcome, *, is_foreign: bool) -> ExportResult:
    """As the ledger takes it."""
    remote = outcome.remote
    return ExportResult(
        outcome.engagement_id,
        outcome.status,
        outcome.code,
        remote.object if remote else None,
        remote.id if remote else None,
        is_foreign,
    )
