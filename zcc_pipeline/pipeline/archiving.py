"""The verb ``archive``: what has changed since it was archived, into one object an engagement and one signed ledger.

Order of a batch: the state notes which objects are about to be written, the objects, the ledger, the state. A crash
leaves at most objects that the ledger does not know of; the next export begins with giving them their entries.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha512

from zcc_pipeline.archive.contents import Snapshot
from zcc_pipeline.archive.copying import Copied
from zcc_pipeline.archive.ledger import Action, Appended, Entry, Logged
from zcc_pipeline.archive.lookup import Lookup
from zcc_pipeline.archive.naming import object_id_of
from zcc_pipeline.archive.ocfl import Draft, Written
from zcc_pipeline.archive.ocfl.inventory import INVENTORY
from zcc_pipeline.archive.ocfl.layout import object_key
from zcc_pipeline.archive.opening import Archive
from zcc_pipeline.archive.stamps import Stamped
from zcc_pipeline.archive.storage import Worm
from zcc_pipeline.domain.archive_ledger import ArchivedRow, ArchiveWindow, DayLook
from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.domain.parts import in_parts
from zcc_pipeline.pipeline.archive_card_data import is_blocked
from zcc_pipeline.pipeline.archive_copying import copy_with_progress
from zcc_pipeline.pipeline.archive_days import Days
from zcc_pipeline.pipeline.archive_indexing import INDEX, refresh_index
from zcc_pipeline.pipeline.archive_snapshots import build_snapshot
from zcc_pipeline.pipeline.archive_sources import Found, SourceRecord, Sources, Verdicts
from zcc_pipeline.pipeline.retaining import PromiseReport, promise_retention
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.pipeline.storage_locks import StorageLocks

THREADS = 8
BATCH = 500
"""Objects between two checkpoints. Threads that have written their part of one wait for the others."""

_HELD = 2_000
"""Engagements whose payloads are held at a time: a day's files are read once for all of them."""

_MESSAGE = "as the source has it now"


@dataclass(frozen=True, slots=True)
class RefusedObject:
    """An engagement that could not be archived as it is, and why; the next export tries it again."""

    engagement_id: str
    day: date
    why: str


@dataclass(slots=True)
class ArchiveReport:
    """What an export into the archive did."""

    engagements: int = 0
    """Looked at."""
    created: int = 0
    versions: int = 0
    """Added to objects that were there."""
    unchanged: int = 0
    suppressed: int = 0
    """Not archived although the lake has something of them: they were erased."""
    held_back: int = 0
    """Not archived because a text has card data and is blocked; the manifest of its day says so."""
    bytes_written: int = 0
    healed: int = 0
    """Objects that a crash had kept out of the ledger."""
    refused: list[RefusedObject] = field(default_factory=list)
    days_touched: set[date] = field(default_factory=set)
    days_closed: set[date] = field(default_factory=set)
    days_reopened: set[date] = field(default_factory=set)
    days_open: set[date] = field(default_factory=set)
    retention: PromiseReport = field(default_factory=PromiseReport)
    """What the ledger was told about how long things are kept."""
    worm: Worm | None = None
    """What the storage promises about changing what was written, as it was tried when the export began."""
    ledger_size: int = 0
    root_hash: str = ""
    unwitnessed: set[str] = field(default_factory=set)
    """Kinds of error because of which a checkpoint has no copy elsewhere."""
    stamp: Stamped | None = None
    """What a time stamp authority said of the newest checkpoint; None where none is asked."""

    second_copy: Copied | None = None
    """What became of the second copy; None where there is none."""

    @property
    def is_clean(self) -> bool:
        """Nothing was refused, every checkpoint has its copy, and the second copy is up to date."""
        is_copied = self.second_copy is None or self.second_copy.is_up_to_date
        return not self.refused and not self.unwitnessed and is_copied


def archive_changes(runtime: Runtime, *, days: tuple[date, date] | None = None) -> ArchiveReport:
    """Archive every engagement of those days (both included; all days if None) that differs from what was archived.

    Raises ``TransientError`` where another process is at it, what the ledger raises where it is damaged, and
    ``ConfigurationError``, before anything is archived, for a file of the settings that is wrong.
    """
    report = ArchiveReport()
    _ = runtime.archive.retention, runtime.archive.roots, runtime.archive.copy_place
    with runtime.state.exports.exclusive("archive"):
        _Export(runtime, report).run(days or (date.min, date.max))
    return report


class _Export:
    """One run."""

    def __init__(self, runtime: Runtime, report: ArchiveReport) -> None:
        self._runtime, self._report = runtime, report
        self._archive: Archive = runtime.archive
        self._account = self._archive.account
        self._run_id = runtime.new_id()
        self._sources = Sources(runtime.lake, runtime.state.archive_marks)
        self._marks = runtime.state.archive_marks.all(DayLook.CHANGES)
        self._index_days: set[date] = set()
        self._held_days: set[date] = set()
        self._verdicts: Mapping[str, Verdicts] = {}
        self._locks = StorageLocks(runtime)
        self._days = Days(runtime, self._sources, log=self._append, say=self._of_day)

    def run(self, days: tuple[date, date]) -> None:
        self._report.worm = self._archive.place.worm()
        self._archive.objects.prepare()
        self._heal()
        first, last = days
        chosen = [day for day in self._sources.days() if first <= day <= last]
        self._runtime.progress.start("archive", len(chosen))
        with ThreadPoolExecutor(THREADS, thread_name_prefix="archive") as pool:
            for day in chosen:
                self._day(day, pool)
                self._runtime.progress.advance("archive")
        self._runtime.progress.finish("archive")
        refused = {each.day for each in self._report.refused}
        self._days.look(first, last, self._report.days_touched | refused, self._held_days)
        self._report.days_closed, self._report.days_open = self._days.closed, self._days.open
        self._report.days_reopened = self._days.reopened
        self._report.retention = promise_retention(self._runtime, days=days, before=self._locks.extend)
        self._report.unwitnessed |= self._report.retention.unwitnessed
        self._locks.catch_up()
        refresh_index(self._runtime, self._index_days)
        newest = self._archive.ledger.latest()
        if newest is not None:
            self._report.ledger_size, self._report.root_hash = newest.size, newest.root.hex()
        self._report.stamp, unsent = self._archive.vouch()
        self._report.unwitnessed |= set(unsent)
        self._report.second_copy = copy_with_progress(self._runtime)

    def _day(self, day: date, pool: ThreadPoolExecutor) -> None:
        state = self._runtime.state.archive
        known = state.on_days(day, day)
        if self._marks.get(day) == self._sources.fingerprint(day, known):
            self._report.engagements += len(known)
            self._report.unchanged += len(known)
            return
        left_out = self._left_out()
        changed: list[tuple[Found, str]] = []
        erased = self._runtime.suppressed()
        self._verdicts = self._sources.card_data(day)
        for found in self._sources.find(day):
            self._report.engagements += 1
            if found.engagement_id in erased:
                self._report.suppressed += 1
                continue
            source_hash = found.source_hash()
            row = known.get(found.engagement_id)
            if row is not None and row.source_hash == source_hash and not row.is_pending:
                self._report.unchanged += 1
            elif is_blocked(self._verdicts.get(found.engagement_id, {})):
                self._report.held_back += 1
                self._held_days.add(day)
            else:
                changed.append((found, source_hash))
        if changed:
            state.save_windows([ArchiveWindow(day, INDEX, "", is_closed=False)], now=self._runtime.clock.now())
            self._index_days.add(day)
            self._locks.expect(day)
        for part in in_parts(changed, _HELD):
            records = self._sources.records([found for found, _ in part])
            for batch in in_parts(part, BATCH):
                self._batch(day, batch, records, pool)
        if left_out == self._left_out():  # else the day is looked at again
            fingerprint = self._sources.fingerprint(day, state.on_days(day, day))
            self._runtime.state.archive_marks.save(DayLook.CHANGES, {day: fingerprint})

    def _left_out(self) -> int:
        """Engagements that are not archived as they are now."""
        return len(self._report.refused) + self._report.suppressed + self._report.held_back

    def _batch(
        self,
        day: date,
        batch: Sequence[tuple[Found, str]],
        records: Mapping[str, Sequence[SourceRecord]],
        pool: ThreadPoolExecutor,
    ) -> None:
        state, clock = self._runtime.state.archive, self._runtime.clock
        state.save((ArchivedRow(found.engagement_id, day, "", is_pending=True) for found, _ in batch), now=clock.now())
        groups = in_parts((found for found, _ in batch), self._archive.objects.at_once)
        outcomes: dict[str, Written | RefusedObject] = {}
        for written in pool.map(lambda group: self._write(day, group, records), groups):
            outcomes |= written
        rows, entries = [], []
        for found, source_hash in batch:
            outcome = outcomes[found.engagement_id]
            if isinstance(outcome, RefusedObject):
                self._report.refused.append(outcome)
                rows.append(ArchivedRow(found.engagement_id, day, ""))
                continue
            rows.append(ArchivedRow(found.engagement_id, day, source_hash, outcome.version, outcome.inventory_sha512))
            if outcome.is_new_version:
                entries.append(self._entry(outcome, day))
            self._count(day, outcome)
        self._append(entries)
        state.save(rows, now=clock.now())

    def _write(
        self, day: date, group: Sequence[Found], records: Mapping[str, Sequence[SourceRecord]]
    ) -> dict[str, Written | RefusedObject]:
        """What became of each engagement of a group."""
        drafts: dict[str, Draft] = {}
        outcomes: dict[str, Written | RefusedObject] = {}
        for found in group:
            each = found.engagement_id
            try:
                drafts[each] = Draft(self._snapshot(each, records[each]), self._locks.of(each, day))
            except PermanentError as error:
                outcomes[each] = RefusedObject(each, day, str(error))
        write = self._archive.objects.write_together
        written = write(list(drafts.values()), message=_MESSAGE, author=self._archive.author)
        for (each, draft), outcome in zip(drafts.items(), written, strict=True):
            if isinstance(outcome, Written):
                outcomes[each] = outcome
                self._locks.note(outcome, draft.lock)
            else:
                outcomes[each] = RefusedObject(each, day, str(outcome))
        return outcomes

    def _snapshot(self, engagement_id: str, records: Sequence[SourceRecord]) -> Snapshot:
        objects, object_id = self._archive.objects, object_id_of(self._account, engagement_id)
        return build_snapshot(
            object_id,
            records,
            self._runtime.files,
            objects.inventory(object_id),
            lambda path: objects.open(object_id, path),
            self._verdicts.get(engagement_id, {}),
        )

    def _count(self, day: date, written: Written) -> None:
        report = self._report
        report.bytes_written += written.bytes_written
        if not written.is_new_version:
            report.unchanged += 1
            return
        report.days_touched.add(day)
        if written.version == 1:
            report.created += 1
        else:
            report.versions += 1

    def _append(self, entries: Sequence[Entry]) -> None:
        """To the ledger; nothing where there is nothing to say."""
        if entries:
            appended: Appended = self._archive.ledger.append(entries)
            self._report.unwitnessed |= set(appended.unwitnessed)

    def _entry(self, written: Written, day: date | None) -> Entry:
        return Entry(
            Action.CREATE if written.version == 1 else Action.ADD_VERSION,
            self._archive.actor,
            self._run_id,
            object_id=written.object_id,
            version=written.version,
            inventory_sha512=written.inventory_sha512,
            day=day,
            storage_version=written.storage_version,
        )

    def _of_day(self, action: Action, day: date, dataset: str, manifest_sha512: str) -> Entry:
        return Entry(
            action,
            self._archive.actor,
            self._run_id,
            day=day,
            dataset=dataset,
            manifest_sha512=manifest_sha512,
        )

    def _heal(self) -> None:
        """Put right what a crash left: half-written objects, and objects that the ledger does not know of."""
        state, archive = self._runtime.state.archive, self._archive
        archive.objects.recover()
        archive.ledger.settle()
        pending = state.pending()
        self._days.heal(everything=state.is_empty())
        self._index_days |= {
            day
            for (day, dataset), row in state.windows(date.min, date.max).items()
            if dataset == INDEX and not row.is_closed
        }
        if pending:
            ids: Iterable[str] = [object_id_of(self._account, row.engagement_id) for row in pending]
        elif state.is_empty():
            ids = archive.objects.object_ids()  # the state was lost, or this archive was begun elsewhere
        else:
            return
        days = {object_id_of(self._account, row.engagement_id): row.day for row in pending}
        heads: Lookup[Logged] | None = None
        for batch in in_parts(ids, BATCH):
            heads = archive.ledger.heads() if heads is None else heads
            entries = [entry for each in batch for entry in self._unlogged(each, heads.get(each), days.get(each))]
            late = {entry.object_id for entry in entries if entry.object_id is not None}
            self._report.healed += len(late)
            self._append(entries)
            self._locks.settle(late)
        state.save((ArchivedRow(row.engagement_id, row.day, "") for row in pending), now=self._runtime.clock.now())

    def _unlogged(self, object_id: str, logged: Logged | None, day: date | None) -> Iterator[Entry]:
        """Entries of those versions that the ledger does not know."""
        place, key = self._archive.place, object_key(object_id)
        try:
            head = self._archive.objects.settle(object_id)
        except PermanentError:  # its next write says what is wrong with it, and refuses that one alone
            head = self._archive.objects.head(object_id)
        known = 0 if logged is None else logged.entry.version or 0
        for version in range(known + 1, (head.version if head else 0) + 1):
            digest = sha512(place.read(f"{key}/v{version}/{INVENTORY}") or b"").hexdigest()
            is_newest = head is not None and version == head.version
            storage_version = place.version_id(f"{key}/{INVENTORY}") if is_newest else None
            written = Written(object_id, version, digest, is_new_version=True, storage_version=storage_version)
            yield self._entry(written, day)
