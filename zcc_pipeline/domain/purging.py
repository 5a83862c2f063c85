"""What is remembered of a purge while it is under way, so that one that was cut off is finished by the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime

import msgspec


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

    def ids_of(self, datasets: Iterable[str]) -> frozenset[str]:
        """The records of those datasets, together."""
        return frozenset().union(*(self.record_ids.get(each, frozenset()) for each in datasets))


def mentions(payload: bytes, ids: frozenset[str]) -> bool:
    """Whether JSON has one of the ids as a text of its own, however deep; of what is no JSON, whether it holds one."""
    return mentioned(payload, ids) is not None


def mentioned(payload: bytes, ids: AbstractSet[str]) -> str | None:
    """The same: which of them."""
    try:
        document = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return next((each for each in ids if each.encode("utf-8", "surrogatepass") in payload), None)
    open_parts = [document]
    while open_parts:
        part = open_parts.pop()
        if isinstance(part, dict):
            open_parts += [*part.keys(), *part.values()]
        elif isinstance(part, list):
            open_parts += part
        elif isinstance(part, str) and part in ids:
            return part
    return None
