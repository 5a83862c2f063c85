"""Everything that can be checked of an archive, found as it goes; days of work can be broken off and gone on with.

Order: the ledger, the storage root, every object against itself and the ledger, the storage's locks against what the
ledger promises, completeness, the index, the second copy. Exports may go on meanwhile: where an object and the ledger
disagree, both are asked again at the end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from zcc_pipeline.archive.holds import Standings
from zcc_pipeline.archive.ledger import Ledger, Shelf, check_ledger
from zcc_pipeline.archive.ocfl import check_root
from zcc_pipeline.archive.promised import promised_lock
from zcc_pipeline.archive.stamps import Roots, check_stamps
from zcc_pipeline.archive.storage import Lock, Place
from zcc_pipeline.archive.sums import check_sums
from zcc_pipeline.archive.verification import second_copy
from zcc_pipeline.archive.verification.findings import Area, Counts, Finding
from zcc_pipeline.archive.verification.locks import Promise, check_locks, has_locks
from zcc_pipeline.archive.verification.notebook import KnownHead, Notebook
from zcc_pipeline.archive.verification.objects import (
    Examined,
    against_ledger,
    as_finding,
    examine,
    iter_folders,
    look_at,
)
from zcc_pipeline.archive.verification.pace import Pace
from zcc_pipeline.archive.verification.windows import Windows, check_windows
from zcc_pipeline.domain.errors import ConfigurationError, PermanentError
from zcc_pipeline.domain.ports import Progress, Silence

INDEX = "index"
_OBJECTS, _LOCKS, _COPIES = "objects", "locks", "copies"
_SAVE_EVERY = 200
_ANEW = (Area.LEDGER, Area.ROOT, Area.LOCK, Area.COMPLETENESS, Area.INDEX)
"""Areas that are short, and looked at in whole however often a verification is broken off."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is verified. ``elsewhere`` are checkpoints that others have kept."""

    place: Place
    ledger: Ledger
    shelf: Shelf
    elsewhere: tuple[bytes, ...] = ()
    second_copy: Place | None = None
    roots: Roots | None = None
    """Who may sign time stamps; None: only what they stamp is looked at."""


@dataclass(slots=True)
class Verification:
    """One pass. ``notebook`` says how far an earlier one came; afterwards it holds all findings."""

    archive: Subject
    notebook: Notebook
    pace: Pace
    progress: Progress = field(default_factory=Silence)
    settled_before: date = date.max
    """Days from this one on may be open without that being a finding."""
    now: datetime | None = None
    """Until when the storage keeps things is held against this moment; None: it is not asked."""
    threads: int = 2
    counts: Counts = field(default_factory=Counts)
    _windows: Windows = field(default_factory=Windows)
    _standings: Standings | None = None
    """Where some storage is to keep what was promised."""
    _bytes_before: int = 0
    _size: int = 0
    _is_compared: bool = False

    def run(self) -> Iterator[Finding]:
        """Every finding, as it is found; those of the part that an earlier pass has done come first."""
        self.notebook.drop_findings(_ANEW)
        self.counts = self.notebook.counts()
        self._bytes_before = self.counts.bytes_read - self.pace.bytes_read
        self.counts.entries = self.counts.stamps = self.counts.windows = self.counts.index_files = 0
        self.counts.locked = 0
        self.counts.findings = 0
        for finding in self.notebook.findings():
            self.counts.findings += 1
            yield finding
        for finding in self._all():
            if self.notebook.add(finding):
                self.counts.findings += 1
                yield finding
        self._save()

    def _all(self) -> Iterator[Finding]:
        yield from self._check_ledger()
        for problem in check_root(self.archive.place):
            yield Finding(Area.ROOT, problem.path, "", problem.text)
        yield from self._check_objects()
        yield from self._settle_doubts()
        yield from self._check_locks(self.archive.place, Area.LOCK, self._promise)
        if self._is_compared:
            yield from check_windows(
                self.archive.place, self._windows, self.pace.spend, settled_before=self.settled_before
            )
            self.counts.windows = len(self._windows.closed)
        for key, text in check_sums(self.archive.place, INDEX, self.pace.spend):
            yield Finding(Area.INDEX, key, "", text)
        self.counts.index_files = sum(1 for _ in self.archive.place.keys(INDEX))
        if self.archive.second_copy is not None:
            yield from self._check_copy(self.archive.second_copy)

    def _check_ledger(self) -> Iterator[Finding]:
        archive = self.archive
        elsewhere: list[bytes] = list(archive.elsewhere)
        if archive.second_copy is not None:
            note = archive.second_copy.read(second_copy.CHECKPOINT)
            elsewhere += [] if note is None else [note]
        self.progress.start("ledger", None)
        for problem in check_ledger(archive.ledger, archive.shelf, elsewhere=elsewhere, advance=self._count_entries):
            yield Finding(Area.LEDGER, problem.where, "", problem.text)
        for name, text in check_stamps(archive.shelf, archive.roots):
            self.counts.stamps += 1
            if text:
                yield Finding(Area.LEDGER, name, "", text)
        self.progress.finish("ledger")
        self.notebook.forget_heads()
        yield from self._ask_for_locks()
        try:
            self._learn()
        except PermanentError as error:
            text = f"cannot be read to its end, so objects and manifests were not held against it ({error})"
            yield Finding(Area.LEDGER, "ledger", "", text)
        else:
            self._is_compared = True

    def _count_entries(self, entries: int) -> None:
        self.counts.entries += entries
        self.progress.advance("ledger", entries)

    def _learn(self) -> None:
        """Entries that are new since the last look."""
        for logged in self.archive.ledger.entries(self._size):
            self.notebook.learn(logged)
            self._windows.learn(logged)
            if self._standings is not None:
                self._standings.learn(logged)
            self._size = logged.seq + 1

    def _check_objects(self) -> Iterator[Finding]:
        after = self.notebook.mark(_OBJECTS)
        self.progress.start(_OBJECTS, None)
        for number, (key, head, examined) in enumerate(self._examined(after)):
            yield from self._judge(key, head, examined)
            self.notebook.set_mark(_OBJECTS, key)
            self.progress.advance(_OBJECTS)
            if number % _SAVE_EVERY == _SAVE_EVERY - 1:
                self._save()
        self._save()
        self.progress.finish(_OBJECTS)
        for folder in iter_folders(self.archive.place):
            if folder.is_stray:
                yield Finding(Area.ROOT, folder.key, "", "belongs to no object")

    def _judge(self, key: str, head: KnownHead | None, examined: Examined | None) -> Iterator[Finding]:
        shown = None if examined is None or examined.shown.digest is None else examined.shown
        if examined is not None:
            self.counts.objects += 1
            yield from map(as_finding, examined.problems)
        elif head is not None and head.is_purged:
            self.counts.purged += 1
        if self._is_compared and against_ledger(shown, head) is not None:
            self.notebook.doubt(key, head.object_id if head else shown.object_id if shown else None)

    def _examined(self, after: str) -> Iterator[tuple[str, KnownHead | None, Examined | None]]:
        """Objects in the place and in the ledger, in order; a few are read ahead on other threads."""
        place, spend = self.archive.place, self.pace.spend
        with ThreadPoolExecutor(self.threads) as pool:

            def begin(key: str, head: KnownHead | None) -> Callable[[], Examined | None]:
                future: Future[Examined] = pool.submit(examine, place, key, head.object_id if head else None, spend)
                return future.result

            yield from _ahead(
                (
                    (key, head, begin(key, head) if is_there else lambda: None)
                    for key, head, is_there in self._merged(after)
                ),
                2 * self.threads,
            )

    def _merged(self, after: str) -> Iterator[tuple[str, KnownHead | None, bool]]:
        folders = (folder.key for folder in iter_folders(self.archive.place, after=after) if not folder.is_stray)
        heads = self.notebook.heads(after) if self._is_compared else iter(())
        folder, head = next(folders, None), next(heads, None)
        while folder is not None or head is not None:
            if head is not None and (folder is None or head.key < folder):
                yield head.key, head, False
                head = next(heads, None)
            elif folder is not None:
                named = head if head is not None and head.key == folder else None
                yield folder, named, True
                folder = next(folders, None)
                head = next(heads, None) if named else head

    def _settle_doubts(self) -> Iterator[Finding]:
        """What still disagrees after the ledger was asked for what has happened meanwhile."""
        if not self._is_compared:
            return
        self._learn()
        for key, object_id in self.notebook.doubts():
            text = against_ledger(look_at(self.archive.place, key), self.notebook.head(key))
            if text is not None:
                yield Finding(Area.OBJECT, object_id or key, "", text)

    def _ask_for_locks(self) -> Iterator[Finding]:
        for place in (self.archive.place, self.archive.second_copy):
            try:
                if self.now is not None and place is not None and has_locks(place):
                    self._standings = Standings()
            except ConfigurationError as error:
                yield Finding(Area.LOCK, "bucket", "", f"how long it keeps things was not looked at: {error}")

    def _check_locks(self, place: Place, area: Area, promise: Promise) -> Iterator[Finding]:
        if self._standings is None or self.now is None or not self._is_compared:
            return
        self.progress.start(_LOCKS, None)
        try:
            for key, path, text in check_locks(
                place, promise, now=self.now, renew=self._learn, advance=self._count_locked
            ):
                head = self.notebook.head(key)
                yield Finding(area, head.object_id if head else key, path, text)
        except ConfigurationError as error:
            yield Finding(area, "bucket", "", f"how long it keeps things was not looked at to the end: {error}")
        self.progress.finish(_LOCKS)

    def _promise(self, key: str) -> Lock | None:
        head = self.notebook.head(key)
        if self._standings is None or head is None or head.is_purged:
            return None
        return promised_lock(self._standings, head.object_id)

    def _promise_of_copy(self, key: str) -> Lock | None:
        """Without holds: those that came since the last export are not in the copy yet."""
        lock = self._promise(key)
        return None if lock is None else replace(lock, is_held=None)

    def _count_locked(self) -> None:
        self.counts.locked += 1
        self.progress.advance(_LOCKS)

    def _check_copy(self, copy: Place) -> Iterator[Finding]:
        place, spend = self.archive.place, self.pace.spend
        for problem in check_root(copy):
            yield Finding(Area.SECOND_COPY, problem.path, "", problem.text)
        self.progress.start(_COPIES, None)
        after = self.notebook.mark(_COPIES)
        for number, (key, is_ours, is_theirs) in enumerate(second_copy.iter_both(place, copy, after=after)):
            if is_ours and is_theirs:
                yield from second_copy.check_copied(place, copy, key, spend)
            else:
                shown = look_at(place if is_ours else copy, key)
                name = shown.object_id if shown and shown.object_id else key
                yield Finding(
                    Area.SECOND_COPY,
                    name,
                    "",
                    "is missing" if is_ours else "is there, and the archive does not have it",
                )
            self.counts.copies += is_theirs
            self.notebook.set_mark(_COPIES, key)
            self.progress.advance(_COPIES)
            if number % _SAVE_EVERY == _SAVE_EVERY - 1:
                self._save()
        self.progress.finish(_COPIES)
        for folder in second_copy.strays(copy):
            yield Finding(Area.SECOND_COPY, folder.key, "", "belongs to no object")
        yield from self._check_locks(copy, Area.SECOND_COPY, self._promise_of_copy)
        yield from second_copy.check_beside(place, copy, spend)
        for key, text in check_sums(copy, INDEX, spend):
            yield Finding(Area.SECOND_COPY, key, "", text)

    def _save(self) -> None:
        self.counts.bytes_read = self._bytes_before + self.pace.bytes_read
        self.notebook.keep_counts(self.counts)
        self.notebook.save()


def _ahead(
    started: Iterable[tuple[str, KnownHead | None, Callable[[], Examined | None]]], depth: int
) -> Iterator[tuple[str, KnownHead | None, Examined | None]]:
    """Results in their order, with at most ``depth`` under way."""
    waiting: deque[tuple[str, KnownHead | None, Callable[[], Examined | None]]] = deque()
    for each in started:
        waiting.append(each)
        if len(waiting) > depth:
            key, head, result = waiting.popleft()
            yield key, head, result()
    while waiting:
        key, head, result = waiting.popleft()
        yield key, head, result()
