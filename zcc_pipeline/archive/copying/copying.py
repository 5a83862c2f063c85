"""What has changed, into the second copy. Its own newest checkpoint says how far it is, and is written last.

Order: objects, manifests, index, the ledger's files, the ledger's newest checkpoint. A crash leaves the checkpoint that
was there, and the next time everything since then is looked at again. Each object is copied as the ledger names it:
what somebody has changed in the archive without an entry does not get into the copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

from zcc_pipeline.archive.completeness import day_folder
from zcc_pipeline.archive.copying.locks import CopyLocks
from zcc_pipeline.archive.copying.objects import copy_object, remove_object
from zcc_pipeline.archive.ledger import Action, BadNote, Checkpoint, Entry, Ledger, Shelf
from zcc_pipeline.archive.ledger.entry import HEADS
from zcc_pipeline.archive.ledger.ledger import KEYS, NEWEST, NOTES, note_name
from zcc_pipeline.archive.ledger.notes import verify
from zcc_pipeline.archive.ledger.tiles import WIDTH, TileMissing, Tiles, tile_name
from zcc_pipeline.archive.ocfl import ObjectStore
from zcc_pipeline.archive.ocfl.layout import object_key
from zcc_pipeline.archive.storage import UNKNOWN, FolderPlace, Lock, Place
from zcc_pipeline.archive.sums import SUMS, read_sums
from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.domain.parts import in_parts

LEDGER, INDEX = "ledger", "index"
_THREADS, _BATCH = 4, 500


class CopyRefused(PermanentError):
    """The copy and the archive contradict each other: somebody has to look which of them is right."""


@dataclass(slots=True)
class Copied:
    """What was brought into the second copy."""

    objects: int = 0
    removed: int = 0
    """Objects that were purged from the archive."""
    bytes_copied: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """Objects that are not right in the archive, by id; the next time they are tried again."""
    problem: str = ""
    """Why the copy is not up to date."""
    shares_disk: bool = False
    """It lies on the same device as the archive: a disk that breaks takes both."""

    @property
    def is_up_to_date(self) -> bool:
        """Whether all of the archive is in it."""
        return not self.problem and not self.failed


def bring_up_to_date(
    source: Place,
    target: Place,
    ledger: Ledger,
    shelf: Shelf,
    *,
    clock: Clock,
    everything: bool = False,
    ledger_lock: Lock = UNKNOWN,
    advance: Callable[[int], None] = lambda _objects: None,
) -> Copied:
    """``everything`` looks at every object of the ledger, not only at what is new since the copy's checkpoint.

    ``ledger_lock`` is how long storage that can is to keep the ledger's files; objects as long as the ledger promises.
    ``CopyRefused`` where the copy has signed entries that the archive does not have.
    """
    newest = ledger.latest()
    copied = Copied(shares_disk=shared_disk(source, target))
    if newest is None:
        return copied
    known = _known(target, ledger, shelf, newest)
    start = 0 if everything else known
    ObjectStore(target, clock=clock).prepare()
    for _ in target.interrupted():
        pass  # what a crash has left half staged is gone once it was looked at
    locks = CopyLocks.read(target, ledger, (start, newest.size), everything=everything)
    _copy_entries(source, target, ledger, (start, newest.size), locks, copied, advance)
    _copy_index(source, target)
    _copy_ledger(source, target, shelf, start, newest, ledger_lock)
    if not copied.failed:
        target.replace(f"{LEDGER}/{NEWEST}", newest.note, lock=ledger_lock)
    return copied


def shared_disk(source: Place, target: Place) -> bool:
    """Whether both are folders on one device; blocks are never shared, but the device is."""
    if not isinstance(source, FolderPlace) or not isinstance(target, FolderPlace):
        return False
    return _there(source.top).stat().st_dev == _there(target.top).stat().st_dev


def _there(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())


def _known(target: Place, ledger: Ledger, shelf: Shelf, newest: Checkpoint) -> int:
    """How many entries the copy has; its checkpoint must be one of this ledger's past."""
    note = target.read(f"{LEDGER}/{NEWEST}")
    if note is None:
        return 0
    try:
        held = verify(note, ledger.trusted_keys())
    except BadNote as error:
        raise CopyRefused(f"the second copy's checkpoint is not to be trusted: {error}") from None
    if held.size > newest.size:
        lost = held.size - newest.size
        raise CopyRefused(f"the second copy has {lost} signed entries that the archive's ledger has lost")
    try:
        root = Tiles(shelf, newest.size).root(held.size)
    except TileMissing as error:
        raise CopyRefused(f"the archive's ledger cannot be read: {error}") from None
    if root != held.root:
        raise CopyRefused(f"the first {held.size} entries of the archive's ledger are not those of the second copy")
    return held.size


def _copy_entries(
    source: Place,
    target: Place,
    ledger: Ledger,
    span: tuple[int, int],
    locks: CopyLocks,
    copied: Copied,
    advance: Callable[[int], None],
) -> None:
    """Objects as the newest of those entries about each has them, and the manifests that they name."""
    start, end = span
    heads: dict[str, Entry] = {}
    days: set[date] = set()
    for logged in ledger.entries(start):
        if logged.seq >= end:
            break
        entry = logged.entry
        if entry.object_id is not None and (entry.action in HEADS or entry.action is Action.PURGE):
            heads[entry.object_id] = entry
        elif entry.action is Action.WINDOW_CLOSED and entry.day is not None:
            days.add(entry.day)
    _copy_manifests(source, target, days)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="copy") as pool:
        each_object = partial(_copy_one, source, target, locks)
        for batch in in_parts(heads.items(), _BATCH):
            for object_id, outcome in zip((each[0] for each in batch), pool.map(each_object, batch), strict=True):
                _count(copied, object_id, outcome)
                advance(1)
        others = locks.others(frozenset(heads))
        list(pool.map(lambda each: target.protect(object_key(each), locks.of(each)), others))


@dataclass(frozen=True, slots=True)
class _Outcome:
    bytes_copied: int = 0
    is_removed: bool = False
    why_not: str = ""


def _copy_one(source: Place, target: Place, locks: CopyLocks, item: tuple[str, Entry]) -> _Outcome:
    object_id, entry = item
    try:
        if entry.action is Action.PURGE:
            return _Outcome(is_removed=remove_object(target, object_id))
        digest, lock = entry.inventory_sha512 or "", locks.of(object_id)
        copied = copy_object(source, target, object_id, digest, lock, protect=locks.has_news(object_id))
        return _Outcome(copied)
    except (PermanentError, FileNotFoundError) as error:
        return _Outcome(why_not=str(error) if isinstance(error, PermanentError) else "is not all there")


def _count(copied: Copied, object_id: str, outcome: _Outcome) -> None:
    copied.objects += outcome.bytes_copied > 0
    copied.removed += outcome.is_removed
    copied.bytes_copied += outcome.bytes_copied
    if outcome.why_not:
        copied.failed[object_id] = outcome.why_not


def _copy_manifests(source: Place, target: Place, days: Iterable[date]) -> None:
    """All manifests of days that were closed; none of them ever changes."""
    for day in sorted(days):
        folder = day_folder(day)
        there = set(target.keys(folder))
        for key in source.keys(folder):
            data = None if key in there else source.read(key)
            if data is not None:
                target.replace(key, data)


def _copy_index(source: Place, target: Place) -> None:
    """Files whose digests differ; the list of digests last."""
    ours, theirs = read_sums(source, INDEX), read_sums(target, INDEX)
    if ours == theirs:
        return
    for path, digest in ours.items():
        if theirs.get(path) != digest and (data := source.read(f"{INDEX}/{path}")) is not None:
            target.replace(f"{INDEX}/{path}", data)
    for path in theirs.keys() - ours.keys():
        target.remove(f"{INDEX}/{path.partition('/')[0]}")
    if (listed := source.read(f"{INDEX}/{SUMS}")) is not None:
        target.replace(f"{INDEX}/{SUMS}", listed)


def _copy_ledger(source: Place, target: Place, shelf: Shelf, start: int, newest: Checkpoint, lock: Lock) -> None:
    """Notes, stamps, keys, and the tiles that belong to a signed size: what a crash has left over is not copied."""
    after = note_name(start) if start else ""
    notes = [name for name in shelf.names(NOTES, after=after) if int(Path(name).stem) <= newest.size]
    sizes = [int(Path(name).stem) for name in notes if name.endswith(".note")]
    names = dict.fromkeys((*_tiles(start, newest.size, sizes), *notes, *shelf.names(KEYS)))
    for name in names:
        data = source.read(f"{LEDGER}/{name}")
        if data is not None and target.read(f"{LEDGER}/{name}") is None:
            target.replace(f"{LEDGER}/{name}", data, lock=lock)


def _tiles(start: int, end: int, sizes: Iterable[int]) -> Iterator[str]:
    """Names of full tiles completed from ``start`` to ``end``, and of those that were not full at ``sizes``."""
    level, before, complete = 0, start, end
    while complete:
        for number in range(before // WIDTH, complete // WIDTH):
            yield from (tile_name(kind, number) for kind in _kinds(level))
        level, before, complete = level + 1, before // WIDTH, complete // WIDTH
    for size in sizes:
        level, complete = 0, size
        while complete:
            number, width = divmod(complete, WIDTH)
            if width:
                yield from (tile_name(kind, number, width) for kind in _kinds(level))
            level, complete = level + 1, complete // WIDTH


def _kinds(level: int) -> tuple[str, ...]:
    return ("entries", "0") if level == 0 else (str(level),)
