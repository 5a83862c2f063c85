"""What goes wrong with pushed events: how often, and for which of them.

Decided by the fault seed, the route and the event alone, so that pushing the same span again fails in the same way.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from zcc_pipeline.simulator.zoom.faults import FaultProfileName

Route = Literal["webhook", "websocket", "flow"]


class PushFaultKind(StrEnum):
    """Everything that can be injected."""

    LOST = "lost"
    """Never sent."""
    DOUBLED = "doubled"
    """Sent twice at once."""
    LATE = "late"
    """Sent minutes to hours after the others."""
    REORDERED = "reordered"
    """Overtaken by up to fifty others."""
    WRONG_SIGNATURE = "wrong_signature"
    """Signed with another secret (a flow's post: another token); whoever checks refuses it, and it is gone."""
    STALE_TIMESTAMP = "stale_timestamp"
    """Rightly signed, with a timestamp an hour old."""
    FOREIGN_ACCOUNT = "foreign_account"
    """Followed by an event of another account, rightly signed."""
    GARBAGE = "garbage"
    """Followed by bytes that are no event, rightly signed."""


#: which can happen on which route
ON_ROUTE: dict[Route, frozenset[PushFaultKind]] = {
    "webhook": frozenset(PushFaultKind),
    "websocket": frozenset(PushFaultKind) - {PushFaultKind.WRONG_SIGNATURE, PushFaultKind.STALE_TIMESTAMP},
    "flow": frozenset(PushFaultKind) - {PushFaultKind.STALE_TIMESTAMP, PushFaultKind.FOREIGN_ACCOUNT},
}

CHANCES: dict[FaultProfileName, dict[PushFaultKind, float]] = {
    "none": {},
    "realistic": {
        PushFaultKind.LOST: 0.01,
        PushFaultKind.DOUBLED: 0.02,
        PushFaultKind.LATE: 0.03,
        PushFaultKind.REORDERED: 0.05,
        PushFaultKind.FOREIGN_ACCOUNT: 0.0005,
    },
    "harsh": {
        PushFaultKind.LOST: 0.3,
        PushFaultKind.DOUBLED: 0.1,
        PushFaultKind.LATE: 0.2,
        PushFaultKind.REORDERED: 0.2,
        PushFaultKind.WRONG_SIGNATURE: 0.01,
        PushFaultKind.STALE_TIMESTAMP: 0.01,
        PushFaultKind.FOREIGN_ACCOUNT: 0.01,
        PushFaultKind.GARBAGE: 0.01,
    },
}

MAX_LATE_SECONDS = 6 * 3600.0
_MOST_OVERTAKEN_BY = 50


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one event on one route."""

    is_lost: bool = False
    is_doubled: bool = False
    is_wrongly_signed: bool = False
    is_stale: bool = False
    late_seconds: float = 0.0
    overtaken_by: int = 0
    brings_foreign: bool = False
    brings_garbage: bool = False


_UNHARMED = Fate()


@dataclass(frozen=True, slots=True)
class PushFaults:
    """Chances per event and route; ``max_late_seconds`` is real time, before any speeding up."""

    chances: Mapping[PushFaultKind, float] = field(default_factory=dict)
    seed: int = 0
    max_late_seconds: float = MAX_LATE_SECONDS

    def fate(self, route: Route, key: str, counts: Counter[str]) -> Fate:
        """Decide and count; an event that is lost suffers nothing else."""
        if not self.chances:
            return _UNHARMED
        struck = {kind for kind in ON_ROUTE[route] if self._roll(kind, route, key) < self.chances.get(kind, 0.0)}
        if PushFaultKind.LOST in struck:
            counts[PushFaultKind.LOST] += 1
            return Fate(is_lost=True)
        counts.update(struck)
        late = 60 + self._roll("how late", route, key) ** 2 * max(0.0, self.max_late_seconds - 60)
        return Fate(
            is_doubled=PushFaultKind.DOUBLED in struck,
            is_wrongly_signed=PushFaultKind.WRONG_SIGNATURE in struck,
            is_stale=PushFaultKind.STALE_TIMESTAMP in struck,
            late_seconds=round(late, 3) if PushFaultKind.LATE in struck else 0.0,
            overtaken_by=1 + int(self._roll("how far", route, key) * _MOST_OVERTAKEN_BY)
            if PushFaultKind.REORDERED in struck
            else 0,
            brings_foreign=PushFaultKind.FOREIGN_ACCOUNT in struck,
            brings_garbage=PushFaultKind.GARBAGE in struck,
        )

    def _roll(self, kind: str, route: Route, key: str) -> float:
        text = f"{self.seed}|{kind}|{route}|{key}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=7).digest(), "big") / 2**56
