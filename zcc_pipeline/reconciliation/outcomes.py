"""Building blocks of the rules: one outcome per item, the worst of several, and what a wait turns into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from zcc_pipeline.domain.completeness import Reason, Status
from zcc_pipeline.domain.ports import ArtefactRow
from zcc_pipeline.domain.window import format_time

GRACE = timedelta(hours=24)
"""How long after its end the source is known to be late with what belongs to an engagement."""

_RANK = {status: rank for rank, status in enumerate(Status)}


@dataclass(slots=True)
class Outcome:
    """What a rule says of one item, or of a kind as a whole."""

    status: Status
    reason: Reason | None
    evidence: str
    expected: int = 1
    stored: int = 0
    next_try_at: datetime | None = None


def not_expected(reason: Reason, evidence: str) -> Outcome:
    """Nothing to fetch, and the evidence says why."""
    return Outcome(Status.NOT_EXPECTED, reason, evidence, expected=0)


def stored(evidence: str, items: int = 1) -> Outcome:
    """We hold it."""
    return Outcome(Status.STORED, None, evidence, expected=items, stored=items)


def unexplained(evidence: str) -> Outcome:
    """It should be there, it is not, and nothing says why. The evidence is what was looked at."""
    return Outcome(Status.UNEXPLAINED, None, evidence)


def deleted(row: ArtefactRow | None, evidence: str, *, reason: Reason = Reason.LISTED_THEN_GONE) -> Outcome:
    """Deleted at the source; a file that we had fetched before stays, and is counted."""
    return Outcome(Status.DELETED_AT_SOURCE, reason, evidence, stored=int(is_stored(row)))


def is_stored(row: ArtefactRow | None) -> bool:
    """Whether the file ledger has the file on disk."""
    return row is not None and row.state == "stored"


def settling(evidence: str, until: datetime | None = None) -> Outcome:
    """The engagement has not had all its re-reads."""
    return Outcome(Status.WAITING, Reason.SETTLING, evidence, next_try_at=until)


def awaited(since: datetime | None, now: datetime, evidence: str) -> Outcome:
    """Not ready inside the grace period that begins at ``since``; unexplained after it. Without a begin it settles."""
    if since is None:
        return settling(f"{evidence}; end time empty")
    until = since + GRACE
    if now < until:
        return Outcome(Status.WAITING, Reason.NOT_READY, evidence, next_try_at=until)
    return unexplained(f"{evidence}, 24 h after {format_time(since)}")


def file_outcome(row: ArtefactRow | None, *, since: datetime | None, now: datetime, listed: str) -> Outcome:
    """State of one file that the source has listed; ``listed`` names the field that says so.

    A wait without a time limit would hide a file that nobody fetches: a day after its time to be tried has come, it is
    unexplained. Evidence holds no time that moves with every look, so that an unchanged status is an unchanged record.
    """
    if row is None:
        return awaited(since, now, f"{listed}, file never asked for")
    if row.state == "stored":
        return stored(f"file stored, sha256={(row.sha256 or '')[:12]}")
    if row.state == "gone":
        if not row.evidence:
            return unexplained(f"{listed}, file marked gone without evidence")
        is_aged = row.reason is Reason.SOURCE_RETENTION_PASSED
        reason = Reason.SOURCE_RETENTION_PASSED if is_aged else Reason.SOURCE_REPORTS_GONE
        return Outcome(Status.MISSING, reason, row.evidence)
    if row.state == "failed" and row.reason is not Reason.NOT_READY:
        evidence = "; ".join(part for part in (f"attempts={row.attempts}", row.evidence) if part)
        reason = Reason.SCOPE_MISSING if row.reason is Reason.SCOPE_MISSING else Reason.DOWNLOAD_FAILED
        return Outcome(Status.FAILED, reason, evidence, next_try_at=row.next_try_at)
    return _file_awaited(row, since, now, listed)


def _file_awaited(row: ArtefactRow, since: datetime | None, now: datetime, listed: str) -> Outcome:
    evidence = "; ".join(part for part in (listed, f"attempts={row.attempts}", row.evidence) if part)
    due_at = row.next_try_at or row.first_seen_at
    if now >= (due_at if since is None else max(since, due_at)) + GRACE:
        return unexplained(f"{evidence}; not tried since {format_time(due_at)}")
    return Outcome(Status.WAITING, Reason.NOT_READY, evidence, next_try_at=due_at)


def worst(items: Sequence[Outcome]) -> Outcome:
    """One outcome for several items: the first of them in the order of ``Status``, with the sums of all."""
    if len(items) == 1:
        return items[0]
    leading = min(items, key=lambda item: _RANK[item.status])
    alike = [item for item in items if item.status is leading.status]
    times = [item.next_try_at for item in alike if item.next_try_at is not None]
    return Outcome(
        leading.status,
        leading.reason,
        f"{leading.evidence} ({len(alike)} of {len(items)} items)",
        expected=sum(item.expected for item in items),
        stored=sum(item.stored for item in items),
        next_try_at=min(times, default=None),
    )
