"""Is the ledger what it was? Every byte is hashed again; earlier checkpoints, kept here or elsewhere, must fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from zcc_pipeline.archive.ledger.entry import decode
from zcc_pipeline.archive.ledger.ledger import NEWEST, NOTES, Ledger
from zcc_pipeline.archive.ledger.notes import BadNote, Checkpoint, Verifier, verify
from zcc_pipeline.archive.ledger.shelf import Shelf
from zcc_pipeline.archive.ledger.tiles import WIDTH, TileMissing, Tiles, bundle, tile_name
from zcc_pipeline.archive.ledger.tree import Frontier, leaf_hash, root_of
from zcc_pipeline.domain.errors import PermanentError


@dataclass(frozen=True, slots=True)
class LedgerProblem:
    """Something that is not as it was signed. ``where`` is a file of the ledger, or ``elsewhere`` for a copy."""

    where: str
    text: str


@dataclass
class _Recount:
    """The tree built anew from its entries; remembers its roots at the sizes that somebody has signed."""

    wanted: frozenset[int]
    frontier: Frontier = field(default_factory=Frontier)
    size: int = 0
    roots: dict[int, bytes] = field(default_factory=dict)

    def add(self, leaf: bytes) -> None:
        self.frontier.push(leaf)
        self.size += 1
        if self.size in self.wanted:
            self.roots[self.size] = self.frontier.root()


def check_ledger(
    ledger: Ledger,
    shelf: Shelf,
    *,
    elsewhere: Iterable[bytes] = (),
    advance: Callable[[int], None] = lambda _entries: None,
) -> Iterator[LedgerProblem]:
    """Everything that is wrong, as it is found. ``elsewhere`` are checkpoints that others have kept."""
    trusted = ledger.trusted_keys()
    note = shelf.read(NEWEST)
    if note is None:
        yield from _without_newest(shelf, elsewhere, trusted)
        return
    try:
        newest = verify(note, trusted)
    except BadNote as error:
        yield LedgerProblem(NEWEST, str(error))
        newest = None
    signed: list[tuple[str, Checkpoint]] = []
    for where, each in _notes(shelf, elsewhere):
        try:
            signed.append((where, verify(each, trusted)))
        except BadNote as error:
            yield LedgerProblem(where, str(error))
    if newest is None:
        return
    signed.append((NEWEST, newest))
    recount = _Recount(frozenset(checkpoint.size for _, checkpoint in signed))
    yield from _entries(Tiles(shelf, newest.size), recount, advance)
    yield from _levels(Tiles(shelf, newest.size))
    yield from _unfinished_tiles(shelf, newest.size, recount.wanted)
    yield from _against(signed, recount, newest)


def _without_newest(shelf: Shelf, elsewhere: Iterable[bytes], trusted: Sequence[Verifier]) -> Iterator[LedgerProblem]:
    for where, each in _notes(shelf, elsewhere):
        try:
            size = verify(each, trusted).size
        except BadNote as error:
            yield LedgerProblem(where, str(error))
        else:
            yield LedgerProblem(NEWEST, f"is missing, and {where} has signed {size} entries")


def _notes(shelf: Shelf, elsewhere: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    for name in shelf.names(NOTES):
        if name.endswith(".note"):
            yield name, shelf.read(name) or b""
    for note in elsewhere:
        yield "elsewhere", note


def _entries(tiles: Tiles, recount: _Recount, advance: Callable[[int], None]) -> Iterator[LedgerProblem]:
    """Entries against the hashes of their tiles; numbers and times in order."""
    before: datetime | None = None
    for number in range(-(-tiles.size // WIDTH)):
        width = min(WIDTH, tiles.size - number * WIDTH)
        try:
            leaves = tiles.entries(number, width)
            hashes = tiles.hashes(0, number, width)
        except TileMissing as error:
            yield LedgerProblem(tile_name("entries", number, width), str(error))
            return
        for offset, (leaf, held) in enumerate(zip(leaves, hashes, strict=True)):
            seq = number * WIDTH + offset
            found = leaf_hash(leaf)
            if found != held:
                where, tile = tile_name("entries", number, width), tile_name("0", number, width)
                yield LedgerProblem(where, f"entry {seq} is not the one that was hashed in {tile}: one of them differs")
            recount.add(found)
            try:
                logged = decode(leaf)
            except PermanentError as error:
                yield LedgerProblem(tile_name("entries", number, width), f"entry {seq}: {error}")
                continue
            if logged.seq != seq or (before is not None and logged.time < before):
                yield LedgerProblem(tile_name("entries", number, width), f"entry {seq} is out of its order")
            before = logged.time
        advance(width)


def _levels(tiles: Tiles) -> Iterator[LedgerProblem]:
    """Each tile above the first against the tiles under it."""
    level, below = 1, tiles.size // WIDTH
    while below:
        for number in range(-(-below // WIDTH)):
            width = min(WIDTH, below - number * WIDTH)
            name = tile_name(str(level), number, width)
            try:
                held = tiles.hashes(level, number, width)
                found = [root_of(tiles.hashes(level - 1, number * WIDTH + each, WIDTH)) for each in range(width)]
            except TileMissing as error:
                yield LedgerProblem(name, str(error))
                continue
            if held != found:
                yield LedgerProblem(name, "does not follow from the tiles under it")
        level, below = level + 1, below // WIDTH


def _unfinished_tiles(shelf: Shelf, size: int, signed: Iterable[int]) -> Iterator[LedgerProblem]:
    """Tiles as they were at earlier checkpoints, where they are kept: each is how the tile of today begins.

    Others may lie about: a crash leaves some that nothing was ever signed for.
    """
    tiles = Tiles(shelf, size)
    for each in sorted(set(signed)):
        level, complete = 0, each
        while complete and each <= size:
            number, width = divmod(complete, WIDTH)
            if width:
                kinds = ("entries", "0") if level == 0 else (str(level),)
                yield from (
                    LedgerProblem(name, "is not how the tile of today begins")
                    for kind in kinds
                    if (held := shelf.read(name := tile_name(kind, number, width))) is not None
                    and held != _beginning(tiles, kind, number, width)
                )
            level, complete = level + 1, complete // WIDTH


def _beginning(tiles: Tiles, kind: str, number: int, width: int) -> bytes | None:
    """What the widest tile there is begins with; None where it cannot be read, which is told of elsewhere."""
    full = min(WIDTH, (tiles.size if kind == "entries" else tiles.size >> (8 * int(kind))) - number * WIDTH)
    try:
        if kind == "entries":
            return bundle(tiles.entries(number, full)[:width])
        return b"".join(tiles.hashes(int(kind), number, full)[:width])
    except TileMissing:
        return None


def _against(
    signed: Sequence[tuple[str, Checkpoint]], recount: _Recount, newest: Checkpoint
) -> Iterator[LedgerProblem]:
    for where, checkpoint in signed:
        if checkpoint.origin != newest.origin:
            yield LedgerProblem(where, "is a checkpoint of another ledger")
        elif checkpoint.size > newest.size:
            lost = checkpoint.size - newest.size
            yield LedgerProblem(where, f"the ledger was cut: {lost} entries that were signed are gone")
        elif checkpoint.size and recount.roots.get(checkpoint.size) != checkpoint.root:
            yield LedgerProblem(where, f"the first {checkpoint.size} entries are not those that were signed")
