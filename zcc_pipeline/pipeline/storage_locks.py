"""What the archive's storage itself is told of keeping, where it can lock: with what is written, and later.

The ledger decides; the storage follows. What makes it keep longer is done before the ledger says so, what lets go after
it: a crash in between leaves something kept too long, never too short, and the same command again puts it right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import date

from zcc_pipeline.archive.holds import Scope, Standings
from zcc_pipeline.archive.ledger import Entry
from zcc_pipeline.archive.naming import object_id_of
from zcc_pipeline.archive.ocfl import Written
from zcc_pipeline.archive.promised import promised_lock
from zcc_pipeline.archive.retention import lapses_at
from zcc_pipeline.archive.storage import UNKNOWN, Lock
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.pipeline.retaining import expected_last_days, read_standings
from zcc_pipeline.pipeline.runtime import Runtime


class StorageLocks:
    """Of one export. The ledger is read once, when something is first written; nothing is read where nothing locks."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._is_used = runtime.archive.place.locks
        self._standings: Standings | None = None
        self._entries = 0
        self._expected: dict[str, date] = {}
        self._given: dict[str, Lock] = {}
        self._created: set[str] = set()

    def expect(self, day: date) -> None:
        """Engagements of that day are about to be archived."""
        if not self._is_used:
            return
        if self._standings is None:
            newest = self._runtime.archive.ledger.latest()
            self._entries = 0 if newest is None else newest.size
            self._standings = read_standings(self._runtime)
        self._expected = expected_last_days(self._runtime, day)

    def of(self, engagement_id: str, day: date) -> Lock:
        """For an engagement of the day expected: the longer of what was promised and what the file says, and holds."""
        if self._standings is None:
            return UNKNOWN
        object_id = object_id_of(self._runtime.archive.account, engagement_id)
        standing = self._standings.of(object_id)
        days = [standing.retain_until if standing else None, self._expected.get(engagement_id)]
        last = max((each for each in days if each is not None), default=None)
        is_held = bool(self._standings.holds_of(object_id, day))
        return Lock(None if last is None else lapses_at(last), is_held)

    def note(self, written: Written, lock: Lock) -> None:
        """That was written, and so it was locked."""
        if self._is_used and written.is_new_version:
            self._given[written.object_id] = lock
            if written.version == 1:
                self._created.add(written.object_id)

    def extend(self, entries: Iterable[Entry]) -> None:
        """The ledger is about to promise these days; an object made with as long a lock has it already."""
        for entry in entries if self._is_used else ():
            if entry.object_id is None or entry.retain_until is None:
                continue
            wanted = lapses_at(entry.retain_until)
            given = self._given[entry.object_id].retain_until if entry.object_id in self._created else None
            if given is None or given < wanted:
                self._runtime.archive.objects.protect(entry.object_id, Lock(wanted))

    def settle(self, object_ids: Collection[str]) -> None:
        """What a crash had kept from being shown was shown without anybody asking how long it is to be kept."""
        if self._is_used and object_ids:
            standings = read_standings(self._runtime)
            for object_id in object_ids:
                _lock(self._runtime, standings, object_id)

    def catch_up(self) -> None:
        """A matter may have come to hold, while the export ran, what it has written since."""
        if self._standings is None:
            return
        for logged in self._runtime.archive.ledger.entries(self._entries):
            self._standings.learn(logged)
        for object_id, lock in self._given.items():
            is_held = bool(self._standings.holds_of(object_id))
            if is_held != lock.is_held:
                self._runtime.archive.objects.protect(object_id, Lock(is_held=is_held))


def hold_in_storage(runtime: Runtime, standings: Standings, scope: Scope) -> None:
    """Before the ledger says so."""
    for object_id in _objects(runtime, standings, scope):
        runtime.archive.objects.protect(object_id, Lock(is_held=True))


def release_in_storage(runtime: Runtime, standings: Standings, scope: Scope) -> None:
    """After the ledger has said so: what no matter holds any more."""
    for object_id in _objects(runtime, standings, scope):
        if not standings.holds_of(object_id):
            runtime.archive.objects.protect(object_id, Lock(is_held=False))


def lock_again(runtime: Runtime) -> int:
    """Tell the storage of everything that the ledger promises; how many objects there are. Nothing is ever let go.

    ``ConfigurationError`` where the storage has no locks; ``TransientError`` where an export is under way.
    """
    if not runtime.archive.place.locks:
        raise ConfigurationError("ZCC_ARCHIVE_URL", "names storage without Object Lock, or that is not to lock")
    count = 0
    with runtime.state.exports.exclusive("archive"):
        standings = read_standings(runtime)
        runtime.progress.start("locks", None)
        for standing in standings.all():
            if standings.is_archived(standing.object_id):
                _lock(runtime, standings, standing.object_id)
                runtime.progress.advance("locks")
                count += 1
        runtime.progress.finish("locks")
    return count


def _lock(runtime: Runtime, standings: Standings, object_id: str) -> None:
    """As the ledger promises; a hold that the ledger does not know is left alone."""
    lock = promised_lock(standings, object_id)
    runtime.archive.objects.protect(object_id, replace(lock, is_held=lock.is_held or None))


def _objects(runtime: Runtime, standings: Standings, scope: Scope) -> Iterator[str]:
    if not runtime.archive.place.locks:
        return
    named, days = frozenset(scope.object_ids), frozenset(scope.days)
    for standing in standings.all():
        if not standing.is_purged and (standing.object_id in named or standing.day in days):
            yield standing.object_id
