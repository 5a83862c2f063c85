"""May an object be erased now? A pure decision over what the ledger says and what the clock shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from zcc_pipeline.archive.holds import Standing, Standings
from zcc_pipeline.archive.retention import lapses_at

CLOCK_TOLERANCE = timedelta(minutes=5)
"""By so much clocks of machines that write to one ledger may differ."""


class Ground(StrEnum):
    """Why it may, or may not. Also what the ledger says of a refusal."""

    RETENTION_PASSED = "retention-passed"
    LEGAL_HOLD = "legal-hold"
    RETENTION_DUTY = "retention-duty"
    RETENTION_UNKNOWN = "retention-unknown"
    """No entry says until when: nobody has decided that it may ever go."""
    CLOCK_BEHIND_LEDGER = "clock-behind-ledger"
    """The ledger has entries of a later time than the clock shows: one of them is wrong, and which cannot be known."""
    STORAGE_LOCK = "storage-lock"
    """The bucket that the archive lies in still keeps it (Object Lock), longer than anybody has promised."""
    NOT_ARCHIVED = "not-archived"
    ALREADY_PURGED = "already-purged"


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether it may be erased."""

    is_allowed: bool
    ground: Ground
    retain_until: date | None = None
    retention_class: str | None = None
    matters: tuple[str, ...] = ()
    """Those that hold it."""


def decide_erasure(standings: Standings, object_id: str, *, now: datetime, day: date | None = None) -> Decision:
    """Only what is archived, held by no matter and past its last day may go.

    ``now`` is the clock's. A clock that shows an earlier time than the newest entry decides nothing: it was set back,
    or was ahead when that entry was written, and then the ledger's time is no better. ``day`` is the engagement's, to
    be told where it may not be archived.
    """
    standing = standings.of(object_id)
    matters = tuple(dict.fromkeys(hold.matter for hold in standings.holds_of(object_id, day)))
    ground = Ground.LEGAL_HOLD if matters else _without_hold(standing, now, standings.last_logged)
    return Decision(
        is_allowed=ground is Ground.RETENTION_PASSED,
        ground=ground,
        retain_until=standing.retain_until if standing else None,
        retention_class=standing.retention_class if standing else None,
        matters=matters,
    )


def _without_hold(standing: Standing | None, now: datetime, last_logged: datetime | None) -> Ground:
    if standing is None:
        return Ground.NOT_ARCHIVED
    if standing.is_purged:
        return Ground.ALREADY_PURGED
    if standing.retain_until is None:
        return Ground.RETENTION_UNKNOWN
    if now < lapses_at(standing.retain_until):
        return Ground.RETENTION_DUTY
    is_behind = last_logged is not None and now + CLOCK_TOLERANCE < last_logged
    return Ground.CLOCK_BEHIND_LEDGER if is_behind else Ground.RETENTION_PASSED
