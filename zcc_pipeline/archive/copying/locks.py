"""How long the storage of the second copy keeps what is in it, where it can: as long as the ledger promises.

The ledger is read from its start for that, and only where the copy's storage locks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date

from zcc_pipeline.archive.holds import Standings
from zcc_pipeline.archive.ledger import Action, Ledger
from zcc_pipeline.archive.promised import promised_lock
from zcc_pipeline.archive.storage import UNKNOWN, Lock, Place

_KEEPING = frozenset({Action.EXTEND, Action.HOLD_ON, Action.HOLD_OFF})


@dataclass(slots=True)
class CopyLocks:
    """Of one bringing up to date."""

    everything: bool = False
    """Every object is told again, not only those of which the ledger has news."""
    standings: Standings | None = None
    """None: nothing locks."""
    _told: set[str] = field(default_factory=set)
    _released: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, target: Place, ledger: Ledger, span: tuple[int, int], *, everything: bool) -> CopyLocks:
        """What the ledger says up to the end of the span, and of whom something is new in it."""
        found = cls(everything)
        if not target.locks:
            return found
        found.standings = Standings()
        days: dict[date, bool] = {}
        for logged in ledger.entries():
            if logged.seq >= span[1]:
                break
            found.standings.learn(logged)
            entry = logged.entry
            if logged.seq < span[0] or entry.action not in _KEEPING:
                continue
            is_released = entry.action is Action.HOLD_OFF
            if entry.object_id is not None:
                found._tell(entry.object_id, is_released=is_released)
            elif entry.day is not None:
                days[entry.day] = days.get(entry.day, False) or is_released
        for standing in found.standings.all() if days else ():
            if standing.day in days:
                found._tell(standing.object_id, is_released=days[standing.day])
        return found

    def _tell(self, object_id: str, *, is_released: bool) -> None:
        self._told.add(object_id)
        if is_released:
            self._released.add(object_id)

    def of(self, object_id: str) -> Lock:
        """For what is copied of it. A hold that nobody here has set is left alone."""
        if self.standings is None:
            return UNKNOWN
        lock = promised_lock(self.standings, object_id)
        return lock if lock.is_held or object_id in self._released else replace(lock, is_held=None)

    def has_news(self, object_id: str) -> bool:
        """Whether what the copy has of it is to be told, too."""
        return self.standings is not None and (self.everything or object_id in self._told)

    def others(self, copied: frozenset[str]) -> Iterator[str]:
        """Objects of which nothing was copied and something is told."""
        for object_id in sorted(self._told - copied):
            if self.standings is not None and self.standings.is_archived(object_id):
                yield object_id
