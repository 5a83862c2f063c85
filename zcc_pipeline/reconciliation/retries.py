"""When to try a file again, and when not found means gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from zcc_pipeline.domain.completeness import Reason
from zcc_pipeline.domain.ports import ArtefactRow

GONE_AFTER = timedelta(days=2)
"""How long a file must be answered with 404, without anything else in between, to count as gone."""

_DELAYS = (timedelta(minutes=2), timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
_DAILY, _WEEKLY = timedelta(days=1), timedelta(days=7)
_PATIENCE = timedelta(days=14)

_NOT_FOUND = frozenset({404, 410})


def next_try(attempts: int, first_seen_at: datetime, now: datetime) -> datetime:
    """When to try again after that many failed attempts.

    The steps of settling first, then daily, and weekly once the file has been wanted for a fortnight. It is never given
    up silently: a file that keeps failing keeps its status ``failed``.
    """
    if attempts <= len(_DELAYS):
        return now + _DELAYS[max(0, attempts - 1)]
    return now + (_DAILY if now - first_seen_at < _PATIENCE else _WEEKLY)


@dataclass(frozen=True, slots=True)
class FailureDecision:
    """What a failed attempt means: the arguments for the ledger's ``mark_gone`` or ``mark_failed``."""

    is_gone: bool
    reason: Reason
    next_try_at: datetime | None


def decide_failure(row: ArtefactRow, now: datetime, *, http_status: int | None) -> FailureDecision:
    """Judge the attempt that has just failed; ``row`` is the ledger's row before it, ``http_status`` None without
    answer.

    404 is ``not_ready`` until nothing but 404 has come for two days; any other answer starts that time afresh.
    """
    if http_status not in _NOT_FOUND:
        return FailureDecision(
            is_gone=False,
            reason=Reason.DOWNLOAD_FAILED,
            next_try_at=next_try(row.attempts + 1, row.first_seen_at, now),
        )
    if row.not_found_since is not None and now - row.not_found_since >= GONE_AFTER:
        return FailureDecision(is_gone=True, reason=Reason.SOURCE_REPORTS_GONE, next_try_at=None)
    following = next_try(row.attempts + 1, row.first_seen_at, now)
    return FailureDecision(is_gone=False, reason=Reason.NOT_READY, next_try_at=following)
