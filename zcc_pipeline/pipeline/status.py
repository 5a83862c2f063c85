"""What is complete, what is not, and what somebody has to look at: read from the lake's proofs and the ledgers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import msgspec

from zcc_pipeline.domain.completeness import ArtefactKind, ArtefactStatus, Reason, Status
from zcc_pipeline.domain.datasets import DATASETS, Reading
from zcc_pipeline.domain.ports import SCOPE_PROBLEM, ArtefactRow, DueRefresh
from zcc_pipeline.domain.records import SHAPE_LIST
from zcc_pipeline.domain.window import day_window, iter_days
from zcc_pipeline.landing.columns import lists_of
from zcc_pipeline.pipeline.coverage import LandedCoverage, read_coverage
from zcc_pipeline.pipeline.crms import EXPORTS
from zcc_pipeline.pipeline.lake_facts import VoicemailFields, inbox_settings, iter_landed
from zcc_pipeline.pipeline.late_closers import LEDGER_NAME, long_running
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.reconciliation import (
    KindDay,
    Outcome,
    RetentionClock,
    UnstoredFile,
    count_statuses,
    limit_of_inbox,
    read_clocks,
    summarise_days,
)

GRACE = timedelta(hours=24)
"""After the end of a day its listing is overdue; after its own deadline a waiting artefact is."""

RETENTION_DAYS: Mapping[ArtefactKind, int] = {
    ArtefactKind.VOICEMAIL: 30,
    ArtefactKind.VOICEMAIL_TRANSCRIPT: 30,
    ArtefactKind.MESSAGING_TRANSCRIPT: 365,
    ArtefactKind.RECORDING: 3650,
    ArtefactKind.RECORDING_TRANSCRIPT: 3650,
}
"""When Zoom deletes by itself, unless the account says otherwise (KB0058770, read November 2026)."""

VOICEMAILS = frozenset({ArtefactKind.VOICEMAIL, ArtefactKind.VOICEMAIL_TRANSCRIPT})

WINDOWED = tuple(dataset.name for dataset in DATASETS.values() if dataset.reading is Reading.WINDOW)


@dataclass(frozen=True, slots=True)
class Unread:
    """A day of a dataset that has no complete listing."""

    dataset: str
    day: date
    problem: str
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class FailingFiles:
    """Files of a kind whose last download failed, and the last words of one of them."""

    kind: ArtefactKind
    files: int
    evidence: str
    next_try_at: datetime | None


@dataclass(frozen=True, slots=True)
class WaitingRefreshes:
    """Engagements that events named and that have not been read again since."""

    engagements: int = 0
    oldest_at: datetime | None = None
    """When the first of them was due first."""
    given_up: int = 0
    """Not found by several reads, and left to the nightly poll; not among ``engagements``."""


@dataclass(slots=True)
class StatusReport:
    """All of it; ``needs_attention`` is what the exit code says."""

    first: date | None
    last: date
    lines: list[KindDay] = field(default_factory=list)
    verified_at: dict[date, datetime] = field(default_factory=dict)
    """When each day was last checked completely; a check that changes no status writes none."""
    unread: list[Unread] = field(default_factory=list)
    not_verified: dict[date, str] = field(default_factory=dict)
    """Days of which it is not known that every late closer is here, and why."""
    contradicted: set[date] = field(default_factory=set)
    """Those of them that are over for a day and for which no scope is missing: a next pass should have done it."""
    overdue: dict[tuple[date, ArtefactKind], int] = field(default_factory=dict)
    oldest: list[RetentionClock] = field(default_factory=list)
    """For each kind the file that the source will delete first, of those not stored."""
    failing: list[FailingFiles] = field(default_factory=list)
    quarantined: int = 0
    """Records that could not be read."""
    refused_by_crms: int = 0
    """Engagements that a CRM, or the mapping, refuses. They are here all the same."""
    coverage: list[LandedCoverage] = field(default_factory=list)
    """What was pushed of what polling found, as last reconciled."""
    refreshes: WaitingRefreshes = WaitingRefreshes()
    failed_differences: int = 0
    """Differences between push and poll that reconciling could neither recover nor explain."""
    is_something_erased: bool = False
    """Whether there are engagements that are in none of the figures, because they were erased."""

    def count(self, status: Status) -> int:
        """Engagement and kind pairs in that status."""
        return sum(line.by_status[status] for line in self.lines)

    @property
    def needs_attention(self) -> bool:
        """Whether anything failed, is overdue or has no explanation."""
        return bool(
            self.count(Status.FAILED)
            or self.count(Status.UNEXPLAINED)
            or self.overdue
            or any(row.is_overdue for row in self.unread)
            or self.contradicted
            or any(row.is_alarming for row in self.oldest)
            or self.failed_differences
        )


class _Proof(msgspec.Struct):
    """What a record of ``zoom/completeness`` holds."""

    engagement_id: str
    kind: ArtefactKind
    status: Status
    reason: Reason | None = None
    evidence: str = ""
    expected_items: int = 0
    stored_items: int = 0
    next_try_at: datetime | None = None


def status(runtime: Runtime, first: date | None, last: date) -> StatusReport:
    """The state of those days; ``first`` None means from the first day that was ever read.

    Proofs of engagements that began before it and ended since (conversations open for weeks) are included.
    """
    report = StatusReport(first, last)
    read_days = [row.day for row in runtime.state.windows.latest("zoom/engagements", date.min, last)]
    if first is None and read_days:
        report.first = min(read_days)
    report.verified_at = runtime.state.windows.complete_days("zoom/completeness", first or date.min, last)
    _count_proofs(runtime, report, first)
    if report.first is not None:
        report.unread = list(_unread(runtime, report.first, last))
        _note_unverified(runtime, report, report.first)
    report.oldest = read_clocks(_unstored_files(runtime), runtime.clock.now())
    report.coverage = read_coverage(runtime, first or date.min, last)
    differences = runtime.state.differences.on_days(first or date.min, last)
    report.failed_differences = sum(row.outcome == Outcome.FAILED for row in differences)
    report.failing = _failing_files(runtime.state.artefacts.on_days(first or date.min, last))
    report.refreshes = _refreshes(runtime.state.events.waiting())
    rooms = Counter(item.room for item in runtime.state.quarantine.list())
    report.refused_by_crms = rooms.pop(EXPORTS, 0)
    report.quarantined = rooms.total()
    report.is_something_erased = not runtime.state.suppression.is_empty()
    return report


def _note_unverified(runtime: Runtime, report: StatusReport, first: date) -> None:
    for row in runtime.state.windows.latest(LEDGER_NAME, first, report.last):
        if not row.is_complete:
            report.not_verified[row.day] = row.error or "not listed completely"
            is_over = row.window.end + GRACE < runtime.clock.now()
            if is_over and not report.not_verified[row.day].startswith(SCOPE_PROBLEM):
                report.contradicted.add(row.day)


def _refreshes(rows: Sequence[DueRefresh]) -> WaitingRefreshes:
    waiting = [row for row in rows if row.due_at is not None]
    oldest = min((row.first_due_at for row in waiting), default=None)
    return WaitingRefreshes(len(waiting), oldest, len(rows) - len(waiting))


def iter_proofs(runtime: Runtime, first: date, last: date) -> Iterator[tuple[date, ArtefactStatus]]:
    """The newest status of each engagement and kind, with the engagement's day.

    It holds since it last changed and is verified by each later check of its day.
    """
    decoder = msgspec.json.Decoder(_Proof)
    verified = runtime.state.windows.complete_days("zoom/completeness", first, last)
    for day, table in runtime.lake.iter_latest("zoom/completeness", first, last, shapes={SHAPE_LIST}):
        for payload, as_of in zip(*lists_of(table, ("payload", "as_of")), strict=True):
            proof = decoder.decode(payload)
            yield (
                day,
                ArtefactStatus(
                    engagement_id=proof.engagement_id,
                    kind=proof.kind,
                    status=proof.status,
                    reason=proof.reason,
                    evidence=proof.evidence,
                    expected_items=proof.expected_items,
                    stored_items=proof.stored_items,
                    verified_at=max(as_of, verified.get(day, as_of)),
                    next_try_at=proof.next_try_at,
                ),
            )


def _proofs_of(runtime: Runtime, first: date | None, last: date) -> Iterator[tuple[date, ArtefactStatus]]:
    """Proofs of those days, and of conversations that began before them and ended since."""
    for began, ids in sorted(long_running(runtime, first).items()) if first else ():
        yield from (each for each in iter_proofs(runtime, began, began) if each[1].engagement_id in ids)
    yield from iter_proofs(runtime, first or date.min, last)


def _count_proofs(runtime: Runtime, report: StatusReport, first: date | None) -> None:
    now = runtime.clock.now()

    def watched() -> Iterator[tuple[date, ArtefactStatus]]:
        for day, proof in _proofs_of(runtime, first, report.last):
            until = proof.next_try_at
            if proof.status is Status.WAITING and until is not None and until + GRACE < now:
                report.overdue[day, proof.kind] = report.overdue.get((day, proof.kind), 0) + 1
            yield day, proof

    report.lines = summarise_days(count_statuses(watched()))


def _unread(runtime: Runtime, first: date, last: date) -> Iterator[Unread]:
    """Days without a complete listing; the running day and the one before are not late yet."""
    now = runtime.clock.now()
    for dataset in WINDOWED:
        complete = runtime.state.windows.complete_days(dataset, first, last)
        latest = {row.day: row for row in runtime.state.windows.latest(dataset, first, last)}
        for day in iter_days(first, last):
            if day not in complete:
                row = latest.get(day)
                problem = (row.error or "not listed to its end") if row else "never read"
                is_overdue = day_window(day, runtime.config.timezone).end + GRACE < now
                yield Unread(dataset, day, problem, is_overdue)


def _unstored_files(runtime: Runtime) -> Iterator[UnstoredFile]:
    """Files that the source still has to give, with the time after which it deletes them."""
    limits = _voicemail_limits(runtime)
    for kind, usual in RETENTION_DAYS.items():
        rows = runtime.state.artefacts.not_stored(kind)
        inboxes = _inboxes_of(runtime, rows) if kind in VOICEMAILS and limits else {}
        for row in rows:
            limit = usual
            if kind in VOICEMAILS:
                limit = limit_of_inbox(inboxes.get(row.source_id), limits, usual)
            yield UnstoredFile(kind, row.source_id, row.occurred_at, limit)


def _inboxes_of(runtime: Runtime, rows: Iterable[ArtefactRow]) -> dict[str, str]:
    """The inbox in which each voicemail lies."""
    found = {}
    for day in sorted({row.day for row in rows}):
        for landed in iter_landed(runtime.lake, "zoom/voicemails", VoicemailFields, day):
            if landed.fields.inbox_id:
                found[landed.fields.message_id] = landed.fields.inbox_id
    return found


def _voicemail_limits(runtime: Runtime) -> dict[str, int]:
    """Days after which each inbox deletes what lies in it."""
    settings = inbox_settings(runtime.lake)
    return {
        inbox_id: inbox.delete_voicemail_days_limit
        for inbox_id, inbox in settings.items()
        if inbox.delete_voicemail_days_limit
    }


def _failing_files(rows: Iterable[ArtefactRow]) -> list[FailingFiles]:
    by_kind: dict[ArtefactKind, list[ArtefactRow]] = {}
    for row in rows:
        if row.state == "failed":
            by_kind.setdefault(row.kind, []).append(row)
    return [
        FailingFiles(
            kind,
            len(failed),
            failed[0].evidence or "",
            min((row.next_try_at for row in failed if row.next_try_at), default=None),
        )
        for kind, failed in sorted(by_kind.items())
    ]
