"""What the ledger promises of an object, as storage that locks is told and asked."""

from __future__ import annotations

from zcc_pipeline.archive.holds import Standings
from zcc_pipeline.archive.retention import lapses_at
from zcc_pipeline.archive.storage import Lock


def promised_lock(standings: Standings, object_id: str) -> Lock:
    """Until the last day that was ever promised is over everywhere, and whether a matter holds it."""
    standing = standings.of(object_id)
    last = standing.retain_until if standing else None
    return Lock(None if last is None else lapses_at(last), bool(standings.holds_of(object_id)))
