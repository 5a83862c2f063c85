"""The archive's index, kept up with its objects and with what its ledger says of keeping them.

The state remembers how far into the ledger the index has looked. What is told later (a promise, a hold, a release) is
found there by the next look, whoever told it and whatever crashed in between.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from zcc_pipeline.archive.holds import Standings
from zcc_pipeline.archive.index import (
    MEANINGS,
    UNKNOWN_DAY,
    indexed_days,
    rebuild_index,
    renew_day,
    seal_index,
    write_day,
)
from zcc_pipeline.archive.index_table import write_empty_table, write_index_table
from zcc_pipeline.archive.ledger import Action, Entry, Logged
from zcc_pipeline.archive.ledger.entry import HEADS
from zcc_pipeline.archive.naming import object_id_of
from zcc_pipeline.domain.archive_ledger import ArchiveWindow
from zcc_pipeline.domain.errors import TransientError, ZccPipelineError
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.warehouse import PublishedView

INDEX = "index"
"""Under which the state notes that the index of a day is about to be written."""
VIEW = "archive_index"
_LOOKED = "index-ledger"
_DESCRIPTION = (
    "One row per engagement in the compliance archive: what is there, until when it is kept, whether it is held. "
    "Brought up to date by each export, hold and release; empty where nothing is archived."
)
_KEEPING = frozenset({Action.EXTEND, Action.HOLD_ON, Action.HOLD_OFF, Action.PURGE})
_NEVER = "none"
"""Kept beside the size where nothing was ever told of keeping: then nobody needs to read the ledger from its start."""


@dataclass(slots=True)
class _News:
    """What the ledger says of keeping, and where that is new."""

    standings: Standings = field(default_factory=Standings)
    is_told: bool = False
    """Anything at all."""
    size: int = 0
    days: set[date] = field(default_factory=set)
    objects: dict[str, date | None] = field(default_factory=dict)
    """Of which something was told without a day, and the day by an earlier entry."""

    def learn(self, logged: Logged, *, is_new: bool) -> None:
        entry = logged.entry
        self.size = logged.seq + 1
        if entry.action in _KEEPING or entry.retain_until is not None or self._is_back(entry):
            self.is_told = True
            self.standings.learn(logged)
            if is_new and entry.day is not None:
                self.days.add(entry.day)
            elif is_new and entry.object_id is not None:
                self.objects.setdefault(entry.object_id, None)

    def _is_back(self, entry: Entry) -> bool:
        return entry.action in HEADS and self.standings.is_purged(entry.object_id or "")

    def place(self, logged: Logged) -> None:
        """Of an entry about an object: on which day it is."""
        entry = logged.entry
        if entry.action in HEADS and entry.day is not None and entry.object_id in self.objects:
            self.objects[entry.object_id] = entry.day

    @property
    def is_everywhere(self) -> bool:
        """Of some object nobody knows the day."""
        return None in self.objects.values()


def read_keeping(entries: Iterable[Logged]) -> Standings:
    """What the index needs to know of the ledger: promises and holds, and nothing of objects without either."""
    news = _News()
    for logged in entries:
        news.learn(logged, is_new=False)
    return news.standings


def refresh_index(runtime: Runtime, days: Collection[date] = ()) -> None:
    """Write the index of those days anew, and of others what the ledger has said of keeping since the last time.

    Only one process may do this at a time: the caller holds the lock of exports into the archive.
    """
    archive, state = runtime.archive, runtime.state.archive
    looked, is_told = _looked(runtime)
    newest = archive.ledger.latest()
    if not days and (newest is None or newest.size == looked):
        return
    news = _read_news(runtime, looked, start=0 if is_told else looked)
    indexed = set(indexed_days(archive.place))
    renewed = indexed if not looked or news.is_everywhere else indexed & _days_of(news)
    for day in sorted(days):
        ids = [object_id_of(archive.account, engagement_id) for engagement_id in state.on_days(day, day)]
        write_day(archive.place, archive.objects, day, ids, news.standings)
    for day in sorted(renewed - set(days)):
        renew_day(archive.place, archive.objects, day, news.standings)
    if days or renewed:
        seal_index(archive.place)
        write_index_table(archive.place, table_path(runtime), {*days, *renewed})
    rows = [ArchiveWindow(day, INDEX, "", is_closed=True) for day in days]
    mark = f"{max(news.size, looked)}" + ("" if news.is_told else f" {_NEVER}")
    rows.append(ArchiveWindow(UNKNOWN_DAY, _LOOKED, mark, is_closed=True))
    state.save_windows(rows, now=runtime.clock.now())


def refresh_index_if_free(runtime: Runtime) -> bool:
    """The same after a hold or a release; where an export is under way, the next one sees to it (False)."""
    try:
        with runtime.state.exports.exclusive("archive"):
            refresh_index(runtime)
    except TransientError:
        return False
    return True


def rebuild(runtime: Runtime) -> int:
    """The whole index anew from the store and the ledger; how many objects there are."""
    archive = runtime.archive
    with runtime.state.exports.exclusive("archive"):
        runtime.progress.start(INDEX, None)
        count = rebuild_index(
            archive.place,
            archive.objects,
            read_keeping(archive.ledger.entries()),
            advance=lambda objects: runtime.progress.advance(INDEX, objects),
        )
        runtime.progress.finish(INDEX)
        write_index_table(archive.place, table_path(runtime), set(indexed_days(archive.place)))
    return count


def table_path(runtime: Runtime) -> Path:
    """Where the whole index lies as one file: beside the analysts' copy, whose view reads it."""
    return runtime.config.warehouse.analytics_path.with_name(f"{VIEW}.parquet")


def archive_index_view(runtime: Runtime) -> PublishedView:
    """The view for the analysts' copy; the file under it is made where there is none yet."""
    path = table_path(runtime)
    if not path.is_file():
        try:
            write_index_table(runtime.archive.place, path, ())
        except (OSError, ZccPipelineError):  # marts are published without the archive; the next export fills it
            write_empty_table(path)
    return PublishedView(VIEW, path.absolute(), _DESCRIPTION, MEANINGS)


def _looked(runtime: Runtime) -> tuple[int, bool]:
    """How many entries the index has seen, and whether any of them told of keeping."""
    row = runtime.state.archive.windows(UNKNOWN_DAY, UNKNOWN_DAY).get((UNKNOWN_DAY, _LOOKED))
    if row is None:
        return 0, True
    size, _, never = row.manifest_sha512.partition(" ")
    return int(size), not never


def _read_news(runtime: Runtime, looked: int, *, start: int) -> _News:
    ledger, news = runtime.archive.ledger, _News()
    for logged in ledger.entries(start):
        news.learn(logged, is_new=logged.seq >= looked)
    if looked and news.objects:
        for logged in ledger.entries():
            news.place(logged)
    return news


def _days_of(news: _News) -> set[date]:
    return news.days | {day for day in news.objects.values() if day is not None}
