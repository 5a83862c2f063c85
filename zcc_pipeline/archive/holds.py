"""What the ledger says of keeping: until when each object is promised to be there, and which matters hold it.

    standings = Standings.read(ledger.entries())
    standings.holds_of(object_id)          # those in force, of the object itself and of its day
    ledger.append(plan_hold(standings, scope, matter="2026-17", actor="legal", run_id=run_id).entries)

A hold is of one object or of a whole day; one of a day also holds what is archived of that day later. Each ends only by
a release of the same matter over the same object or the same day: releasing one never ends another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Self, TypeVar

from zcc_pipeline.archive.ledger import Action, Entry, Logged
from zcc_pipeline.archive.ledger.entry import HEADS
from zcc_pipeline.archive.lookup import Lookup
from zcc_pipeline.domain.errors import PermanentError

_Each = TypeVar("_Each")
MATTER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")
"""A number or a short code without spaces: the ledger is for ever, and has no place for names of people."""
ACTOR = re.compile(r"[A-Za-z0-9._@-]{1,100}")
"""A role or an account name of the operator's."""


@dataclass(frozen=True, slots=True)
class Hold:
    """One matter that holds an object or a day."""

    matter: str
    since: datetime
    actor: str
    seq: int
    """Its entry in the ledger."""
    day: date | None = None
    """The day that is held; None where it is the object itself."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One object as the ledger has it."""

    object_id: str
    day: date | None
    version: int | None
    retain_until: date | None
    """The latest day that was ever promised; None where none was, and then it never expires."""
    retention_class: str | None
    is_purged: bool
    holds: tuple[Hold, ...]
    """Those in force."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a hold or a release is about."""

    object_ids: tuple[str, ...] = ()
    days: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class HoldPlan:
    """What has to be written for a hold or a release, and what it leaves as it is."""

    entries: tuple[Entry, ...]
    unchanged: Scope
    """Held already, or not held under this matter."""
    purged: tuple[str, ...] = ()
    """Objects that are gone: a hold comes too late."""


@dataclass(slots=True)
class _Kept:
    day: date | None = None
    version: int | None = None
    retain_until: date | None = None
    retention_class: str | None = None
    is_purged: bool = False

    def learn(self, entry: Entry) -> None:
        if entry.action in HEADS:
            self.version, self.is_purged = entry.version, False
        elif entry.action == Action.PURGE:
            self.is_purged = True
        self.day = self.day or entry.day
        if entry.retain_until is not None and (self.retain_until is None or entry.retain_until > self.retain_until):
            self.retain_until, self.retention_class = entry.retain_until, entry.retention_class


_TELLING = HEADS | {Action.EXTEND, Action.PURGE}


@dataclass(slots=True)
class Standings:
    """Everything that the ledger says of keeping, read in one pass.

    Objects are many and lie in a temporary file; holds in force are few, and in memory.
    """

    last_logged: datetime | None = None
    """Time of the newest entry."""
    _objects: Lookup[_Kept] = field(default_factory=lambda: Lookup(_Kept))
    _object_holds: dict[str, dict[str, Hold]] = field(default_factory=dict)
    _day_holds: dict[date, dict[str, Hold]] = field(default_factory=dict)

    @classmethod
    def read(cls, entries: Iterable[Logged]) -> Self:
        """From the first entry of the ledger to its last."""
        found = cls()
        for logged in entries:
            found.learn(logged)
        return found

    def learn(self, logged: Logged) -> None:
        """Take in the next entry."""
        self.last_logged, entry = logged.time, logged.entry
        if entry.action in {Action.HOLD_ON, Action.HOLD_OFF}:
            self._hold(logged)
        elif entry.object_id is not None and entry.action in _TELLING:
            kept = self._objects.get(entry.object_id) or _Kept()
            kept.learn(entry)
            self._objects.put(entry.object_id, kept)

    def _hold(self, logged: Logged) -> None:
        entry = logged.entry
        matter = entry.matter or ""
        if entry.object_id is not None:
            held, day = self._object_holds.setdefault(entry.object_id, {}), None
        elif entry.day is not None:
            held, day = self._day_holds.setdefault(entry.day, {}), entry.day
        else:
            return
        if entry.action == Action.HOLD_OFF:
            held.pop(matter, None)
        elif matter not in held:
            held[matter] = Hold(matter, logged.time, entry.actor, logged.seq, day)

    def of(self, object_id: str) -> Standing | None:
        """One object; None where the ledger knows of no such object. It may be held all the same: ``holds_of``."""
        kept = self._objects.get(object_id)
        return None if kept is None else self._standing(object_id, kept)

    def _standing(self, object_id: str, kept: _Kept) -> Standing:
        holds = self._holds_of(object_id, kept.day)
        return Standing(
            object_id, kept.day, kept.version, kept.retain_until, kept.retention_class, kept.is_purged, holds
        )

    def all(self) -> Iterator[Standing]:
        """Objects in the order in which they came."""
        for object_id, kept in self._objects.items():
            yield self._standing(object_id, kept)

    def holds_of(self, object_id: str, day: date | None = None) -> tuple[Hold, ...]:
        """What holds an object, archived yet or not, oldest first.

        ``day`` is the engagement's, for an object that is not archived. Where nobody knows the day, each held day
        might be its own and holds it.
        """
        kept = self._objects.get(object_id)
        return self._holds_of(object_id, (kept.day if kept else None) or day)

    def _holds_of(self, object_id: str, known: date | None) -> tuple[Hold, ...]:
        days = [known] if known else list(self._day_holds)
        found = [*self._object_holds.get(object_id, {}).values()]
        found += [hold for each in days for hold in self._day_holds.get(each, {}).values()]
        return tuple(sorted(found, key=lambda hold: hold.seq))

    def all_holds(self) -> Iterator[tuple[str | None, Hold]]:
        """Holds in force, each with its object, or with None where it is of a day."""
        for object_id, held in self._object_holds.items():
            for hold in held.values():
                yield object_id, hold
        for held in self._day_holds.values():
            for hold in held.values():
                yield None, hold

    def matters(self) -> dict[str, Scope]:
        """Objects and days that each matter holds, in order."""
        objects: dict[str, list[str]] = {}
        days: dict[str, list[date]] = {}
        for object_id, hold in self.all_holds():
            if object_id is not None:
                objects.setdefault(hold.matter, []).append(object_id)
            elif hold.day is not None:
                days.setdefault(hold.matter, []).append(hold.day)
        return {
            matter: Scope(tuple(sorted(objects.get(matter, []))), tuple(sorted(days.get(matter, []))))
            for matter in sorted({*objects, *days})
        }

    def is_purged(self, object_id: str) -> bool:
        """Whether it was there and is gone."""
        kept = self._objects.get(object_id)
        return kept is not None and kept.is_purged

    def is_archived(self, object_id: str) -> bool:
        """Whether it is there."""
        kept = self._objects.get(object_id)
        return kept is not None and kept.version is not None and not kept.is_purged


def plan_hold(standings: Standings, scope: Scope, *, matter: str, actor: str, run_id: str) -> HoldPlan:
    """Entries that hold what is not held under that matter yet. What is not archived is held from now on, too."""
    _check(matter, actor)
    held = standings.matters().get(matter, Scope())
    purged = [each for each in dict.fromkeys(scope.object_ids) if standings.is_purged(each)]
    wanted = [each for each in dict.fromkeys(scope.object_ids) if each not in purged]
    entries = _entries(
        Action.HOLD_ON, _without(wanted, held.object_ids), _without(scope.days, held.days), matter, actor, run_id
    )
    return HoldPlan(entries, _both(Scope(tuple(wanted), scope.days), held), tuple(purged))


def plan_release(standings: Standings, scope: Scope, *, matter: str, actor: str, run_id: str) -> HoldPlan:
    """Entries that end what that matter holds of these objects and days, and nothing else."""
    _check(matter, actor)
    held = standings.matters().get(matter, Scope())
    ending = _both(scope, held)
    entries = _entries(Action.HOLD_OFF, ending.object_ids, ending.days, matter, actor, run_id)
    return HoldPlan(entries, Scope(_without(scope.object_ids, held.object_ids), _without(scope.days, held.days)))


def _check(matter: str, actor: str) -> None:
    if not MATTER.fullmatch(matter):
        raise PermanentError("a matter has a number: letters, digits, . _ / - and no spaces, 64 at most")
    if not ACTOR.fullmatch(actor):
        raise PermanentError("an actor is a role or an account name: letters, digits, . _ @ - and no spaces")


def _entries(
    action: Action, object_ids: Iterable[str], days: Iterable[date], matter: str, actor: str, run_id: str
) -> tuple[Entry, ...]:
    of_objects = [Entry(action, actor, run_id, object_id=each, matter=matter) for each in object_ids]
    return (*of_objects, *(Entry(action, actor, run_id, day=each, matter=matter) for each in days))


def _without(wanted: Sequence[_Each], others: Sequence[_Each]) -> tuple[_Each, ...]:
    known = set(others)
    return tuple(each for each in dict.fromkeys(wanted) if each not in known)


def _both(one: Scope, other: Scope) -> Scope:
    objects, days = set(other.object_ids), set(other.days)
    return Scope(
        tuple(each for each in dict.fromkeys(one.object_ids) if each in objects),
        tuple(each for each in dict.fromkeys(one.days) if each in days),
    )
