"""The append-only ledger: every action on the archive is a leaf, every append ends in a signed checkpoint.

Order of an append: tiles and entries, the checkpoint under its size, the newest checkpoint. A crash before the second
leaves tiles that nothing refers to and the next append writes anew; a crash after it leaves a signed checkpoint that
the next append takes for the newest, so there are never two signed trees of one size. Readers do not see its entries
until then: who decides from what the ledger says what is to be appended settles it first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from zcc_pipeline.archive.ledger.entry import HEADS, Action, Entry, Logged, decode, encode
from zcc_pipeline.archive.ledger.notes import BadNote, Checkpoint, Signer, Verifier, parse, sign, verify
from zcc_pipeline.archive.ledger.shelf import Shelf
from zcc_pipeline.archive.ledger.tiles import WIDTH, TileMissing, Tiles, bundle, tile_name
from zcc_pipeline.archive.ledger.tree import leaf_hash, root_of
from zcc_pipeline.archive.lookup import Lookup
from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import PermanentError, TransientError, ZccPipelineError

NEWEST = "checkpoint"
NOTES = "checkpoints"
KEYS = "keys"

Witness = Callable[[Checkpoint], None]
"""Keeps a copy of a checkpoint elsewhere; raises ``OSError`` or an error of the package where it could not."""


class LedgerMoved(TransientError):
    """Others have appended since the ledger was read for a decision: read it again and decide anew."""


class LedgerDamaged(PermanentError):
    """The ledger contradicts itself: nothing is appended until somebody has looked at it."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append did. ``unwitnessed`` names, by kind of error, the witnesses that have no copy of it."""

    checkpoint: Checkpoint
    logged: tuple[Logged, ...]
    unwitnessed: tuple[str, ...] = ()


def note_name(size: int) -> str:
    """Where the checkpoint of that size is kept for ever."""
    return f"{NOTES}/{size:012d}.note"


class Ledger:
    """One ledger. ``signers`` may be empty for whoever only reads; ``trusted`` are the keys known from elsewhere."""

    def __init__(
        self,
        shelf: Shelf,
        *,
        origin: str,
        trusted: Sequence[Verifier],
        clock: Clock,
        signers: Sequence[Signer] = (),
        witnesses: Sequence[Witness] = (),
    ) -> None:
        self._shelf = shelf
        self._origin = origin
        self._trusted = tuple(trusted)
        self._clock = clock
        self._signers = tuple(signers)
        self._witnesses = tuple(witnesses)

    def trusted_keys(self) -> tuple[Verifier, ...]:
        """Those that are trusted: known from elsewhere, and those that they have introduced one after the other.

        A key that was introduced takes the place of the others: what comes after is not theirs to sign.
        """
        found = list(self._trusted)
        for name in self._shelf.names(KEYS):
            seq = name.removeprefix(f"{KEYS}/")
            key = self._introduced(int(seq), found) if seq.isdecimal() else None
            if key is not None:
                others = (each for each in found if each != key)
                found = [replace(each, until=int(seq) + 1) if each.until is None else each for each in others]
                found.append(key)
        return tuple(found)

    def _introduced(self, seq: int, trusted: Sequence[Verifier]) -> Verifier | None:
        """The key that an entry introduces, if a key that was trusted before has signed the tree that ends in it."""
        note = self._shelf.read(note_name(seq + 1))
        if note is None:
            return None
        try:
            checkpoint = verify(note, trusted)
            tiles = Tiles(self._shelf, checkpoint.size)
            (leaf,) = tiles.all_entries(seq)
            if tiles.root(seq + 1) != checkpoint.root:
                return None
            entry = decode(leaf).entry
            return Verifier.parse(entry.key) if entry.action == Action.KEY_ROTATED and entry.key else None
        except (BadNote, TileMissing, PermanentError):
            return None

    def latest(self) -> Checkpoint | None:
        """The newest checkpoint; None before the first entry. ``BadNote`` where nobody trusted has signed it."""
        note = self._shelf.read(NEWEST)
        return None if note is None else verify(note, self.trusted_keys())

    def settle(self) -> None:
        """Let readers see what a crash has kept from them: entries that were signed when it came.

        Writes nothing where there was no such crash; raises like ``append`` where the ledger is damaged.
        """
        if self._unsettled(self.latest()) is not None:
            with self._shelf.alone():
                self._settled_size()

    def entries(self, start: int = 0) -> Iterator[Logged]:
        """All entries from that number on, as far as the newest checkpoint reaches."""
        newest = self.latest()
        if newest is not None:
            for leaf in Tiles(self._shelf, newest.size).all_entries(start):
                yield decode(leaf)

    def heads(self) -> Lookup[Logged]:
        """Of each object the entry that tells its newest version, or that it was purged."""
        found = Lookup(Logged)
        for logged in self.entries():
            entry = logged.entry
            if entry.object_id is not None and (entry.action in HEADS or entry.action == Action.PURGE):
                found.put(entry.object_id, logged)
        return found

    def rotate(self, signer: Signer, *, actor: str, run_id: str) -> Appended:
        """Let another key sign from now on; this once the old ones sign as well, which is what makes it trusted.

        It is done once the file under ``keys`` is there; a crash before that leaves everything to the old keys.
        """
        entry = Entry(Action.KEY_ROTATED, actor, run_id, key=str(signer.verifier))
        with self._shelf.alone():
            checkpoint, logged = self._append([entry], (*self._signers, signer), onto=None)
            self._shelf.write(f"{KEYS}/{logged[0].seq:012d}", f"{signer.verifier}\n".encode())
        self._signers = (signer,)
        return Appended(checkpoint, tuple(logged), self._tell(checkpoint))

    def append(self, entries: Sequence[Entry], *, onto: int | None = None) -> Appended:
        """Add entries in this order. When it returns they are on disk and signed for.

        ``onto`` is the number of entries that a decision was made from; ``LedgerMoved`` where there are others by now.
        """
        if not entries:
            raise ValueError("nothing to append")
        with self._shelf.alone():
            checkpoint, logged = self._append(entries, self._signers, onto=onto)
        return Appended(checkpoint, tuple(logged), self._tell(checkpoint))

    def _append(
        self, entries: Sequence[Entry], signers: Sequence[Signer], *, onto: int | None
    ) -> tuple[Checkpoint, list[Logged]]:
        if not self._signers:
            raise PermanentError("this ledger was opened for reading: it has no key to sign with")
        self._refuse_strangers()
        size = self._settled_size()
        if onto is not None and onto != size:
            raise LedgerMoved("the archive's ledger has new entries since it was read")
        tiles = Tiles(self._shelf, size)
        logged = self._place(entries, size, tiles)
        checkpoint = self._grow(tiles, [encode(each) for each in logged], signers)
        self._shelf.write(note_name(checkpoint.size), checkpoint.note)
        self._shelf.write(NEWEST, checkpoint.note)
        return checkpoint, logged

    def _refuse_strangers(self) -> None:
        trusted = {verifier: verifier for verifier in self.trusted_keys()}
        known = [trusted[signer.verifier] for signer in self._signers if signer.verifier in trusted]
        if not known:
            raise BadNote("the key that is to sign is not trusted: let the key that has signed so far introduce it")
        if all(verifier.until is not None for verifier in known):
            raise BadNote(
                f"the key that is to sign was replaced at entry {known[0].until}: use the new one "
                "(ZCC_ARCHIVE_SIGNING_KEY, where that holds the old one)"
            )

    def _settled_size(self) -> int:
        """Size of the tree to build on: of the newest checkpoint, or of one that a crash kept from becoming it."""
        newest = self.latest()
        unsettled = self._unsettled(newest)
        if unsettled is not None:
            kept = verify(unsettled, self.trusted_keys())
            self._agree(kept)
            self._shelf.write(NEWEST, unsettled)
            return kept.size
        if newest is None:
            return 0
        self._agree(newest)
        return newest.size

    def _unsettled(self, newest: Checkpoint | None) -> bytes | None:
        """The note of a larger tree than the newest checkpoint's."""
        size = 0 if newest is None else newest.size
        names = [name for name in self._shelf.names(NOTES, after=note_name(size)) if name.endswith(".note")]
        last = self._shelf.read(names[-1]) if names else None
        return last if last is not None and parse(last)[0].size > size else None

    def _agree(self, checkpoint: Checkpoint) -> None:
        try:
            root = Tiles(self._shelf, checkpoint.size).root(checkpoint.size)
        except TileMissing as error:
            raise LedgerDamaged(f"the ledger was signed with {checkpoint.size} entries, and {error}") from None
        if root != checkpoint.root:
            raise LedgerDamaged(f"the tree of {checkpoint.size} entries is not the one that was signed")

    def _place(self, entries: Sequence[Entry], size: int, tiles: Tiles) -> list[Logged]:
        """Number and date them. The time never runs backwards, whatever the clock does."""
        now = self._clock.now()
        last = decode(next(tiles.all_entries(size - 1))).time if size else now
        clock = now if now < last else None
        return [Logged(size + offset, max(now, last), entry, clock) for offset, entry in enumerate(entries)]

    def _grow(self, tiles: Tiles, leaves: list[bytes], signers: Sequence[Signer]) -> Checkpoint:
        """Write the files that change, and sign."""
        start, end = tiles.size, tiles.size + len(leaves)
        self._write_bundles(tiles, leaves, start, end)
        hashes = [leaf_hash(leaf) for leaf in leaves]
        level = 0
        while hashes:
            hashes = self._write_level(tiles, level, hashes, start, end)
            level, start, end = level + 1, start // WIDTH, end // WIDTH
        grown = Tiles(self._shelf, tiles.size + len(leaves))
        return sign(self._origin, grown.size, grown.root(grown.size), signers)

    def _write_bundles(self, tiles: Tiles, leaves: list[bytes], start: int, end: int) -> None:
        for number, first, last in _touched(start, end):
            held = tiles.entries(number, first) if first else []
            taken = leaves[: last - first]
            leaves = leaves[last - first :]
            self._shelf.write(tile_name("entries", number, last), bundle(held + taken))

    def _write_level(self, tiles: Tiles, level: int, hashes: list[bytes], start: int, end: int) -> list[bytes]:
        """Write one level's tiles; returns what they add to the level above."""
        above = []
        for number, first, last in _touched(start, end):
            held = tiles.hashes(level, number, first) if first else []
            tile = held + hashes[: last - first]
            hashes = hashes[last - first :]
            self._shelf.write(tile_name(str(level), number, last), b"".join(tile))
            if last == WIDTH:
                above.append(root_of(tile))
        return above

    def _tell(self, checkpoint: Checkpoint) -> tuple[str, ...]:
        failed = []
        for witness in self._witnesses:
            try:
                witness(checkpoint)
            except (OSError, ZccPipelineError) as error:
                failed.append(type(error).__name__)
        return tuple(failed)


def _touched(start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Tiles that grow from ``start`` to ``end``: number, width before, width afterwards."""
    number = start // WIDTH
    while number * WIDTH < end:
        first = max(start - number * WIDTH, 0)
        yield number, first, min(end - number * WIDTH, WIDTH)
        number += 1
