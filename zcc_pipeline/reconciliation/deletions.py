"""Deletion by absence: one listing without a record proves nothing, for lists have left out what was there.

Two complete listings at least a day apart, and then a read of the engagement itself, are taken as proof. The same holds
for engagements, recordings and voicemails: what counts here are ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

APART = timedelta(hours=24)
"""Least time between the two listings."""


@dataclass(frozen=True, slots=True)
class DeletionDecision:
    """What to do with ids that a listing did not show, and with those that it shows again."""

    newly_absent: frozenset[str] = frozenset()
    """Absent for the first time: to be remembered with the time of this listing."""
    returned: frozenset[str] = frozenset()
    """Absent before, seen again: to be forgotten."""
    to_confirm: frozenset[str] = frozenset()
    """Absent for long enough: deleted if a read of the engagement does not find them either."""


def decide_deletions(
    known: AbstractSet[str],
    seen: AbstractSet[str],
    pending: Mapping[str, datetime],
    now: datetime,
    *,
    is_complete: bool = True,
) -> DeletionDecision:
    """Compare the ids known (not deleted yet) with those that a listing at ``now`` showed.

    ``pending`` tells since when ids have been absent. A listing that is not complete decides nothing about absence;
    what it did show has returned all the same.
    """
    returned = frozenset(pending.keys() & seen)
    if not is_complete:
        return DeletionDecision(returned=returned)
    absent = known - seen
    return DeletionDecision(
        newly_absent=frozenset(absent - pending.keys()),
        returned=returned,
        to_confirm=frozenset(each for each in absent & pending.keys() if now - pending[each] >= APART),
    )
