"""What is remembered of a purge while it is under way, so that one that was cut off is finished by the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class PendingPurge:
    """One engagement that is being erased."""

    engagement_id: str
    object_id: str
    day: date | None
    """On which it started, as far as the archive's ledger knows."""
    run_id: str
    actor: str
    matter: str | None
    """Number of the request that it goes back to."""
    begun_at: datetime
    is_logged: bool = False
    """The archive's ledger says that it is erased: from here on it is."""
    is_out_of_inbox: bool = False


@dataclass(frozen=True, slots=True)
class Traces:
    """Ids under which something of an engagement may lie somewhere, and days on which it may."""

    record_ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By dataset."""
    days: frozenset[date] = frozenset()
