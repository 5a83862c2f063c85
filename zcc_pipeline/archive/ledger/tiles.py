"""The tree as plain files (https://c2sp.org/tlog-tiles): tiles of 256 hashes, and bundles of 256 entries.

A tile that is not full yet is another file, ``.p/<width>``: no file ever changes. Those are kept; they are small, and
whoever holds an old checkpoint can still check it against them.
"""

from __future__ import annotations

from collections.abc import Iterator

from zcc_pipeline.archive.ledger.shelf import Shelf
from zcc_pipeline.archive.ledger.tree import Frontier
from zcc_pipeline.domain.errors import PermanentError

WIDTH = 256
HASH_BYTES = 32
_HEIGHT = 8
_LONGEST_ENTRY = 65_535


class TileMissing(PermanentError):
    """A file of the ledger is not there, or not as long as its name says."""


def tile_name(kind: str, number: int, width: int = WIDTH) -> str:
    """``tile/<level or entries>/x001/x234/067``, with ``.p/<width>`` where it is not full."""
    text = f"{number % 1000:03d}"
    while number := number // 1000:
        text = f"x{number % 1000:03d}/{text}"
    return f"tile/{kind}/{text}" + ("" if width == WIDTH else f".p/{width}")


def bundle(entries: list[bytes]) -> bytes:
    """Entries as a file: each after its length in two bytes."""
    if any(len(entry) > _LONGEST_ENTRY for entry in entries):
        raise PermanentError("an entry of the ledger may have 65,535 bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unbundle(data: bytes, width: int, name: str) -> list[bytes]:
    """The first ``width`` entries of a bundle."""
    entries: list[bytes] = []
    at = 0
    while len(entries) < width and at + 2 <= len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        entries.append(data[at + 2 : end])
        at = end
    if len(entries) < width or at > len(data):
        raise TileMissing(f"{name} is cut off")
    return entries


class Tiles:
    """Reads a tree of a known size from a shelf."""

    def __init__(self, shelf: Shelf, size: int) -> None:
        self._shelf = shelf
        self.size = size

    def hashes(self, level: int, number: int, width: int) -> list[bytes]:
        """The first ``width`` hashes of a tile."""
        data = self._read(str(level), number, width, at_least=width * HASH_BYTES)
        return [data[at : at + HASH_BYTES] for at in range(0, width * HASH_BYTES, HASH_BYTES)]

    def entries(self, number: int, width: int) -> list[bytes]:
        """The first ``width`` entries of a bundle."""
        return unbundle(self._read("entries", number, width, at_least=0), width, tile_name("entries", number, width))

    def _read(self, kind: str, number: int, width: int, *, at_least: int) -> bytes:
        """The file of exactly that width; where it is gone, one that has grown further begins with the same."""
        held = min(WIDTH, (self.size >> (0 if kind == "entries" else _HEIGHT * int(kind))) - number * WIDTH)
        for each in dict.fromkeys((width, held, WIDTH)):
            data = self._shelf.read(tile_name(kind, number, each)) if each >= width else None
            if data is not None:
                if len(data) < at_least:
                    raise TileMissing(f"{tile_name(kind, number, each)} is cut off")
                return data
        raise TileMissing(f"{tile_name(kind, number, width)} is missing")

    def frontier(self, size: int) -> Frontier:
        """The right edge as it was at that size, from one tile a level."""
        found = Frontier()
        levels = range((max(size, 1).bit_length() - 1) // _HEIGHT, -1, -1)
        for level in levels:
            complete = size >> (_HEIGHT * level)
            width = complete % WIDTH
            if width:
                for each in self.hashes(level, complete // WIDTH, width):
                    found.push(each, height=_HEIGHT * level)
        return found

    def root(self, size: int) -> bytes:
        """The tree head as it was at that size."""
        return self.frontier(size).root()

    def all_entries(self, start: int = 0) -> Iterator[bytes]:
        """Entries in order, one bundle in memory at a time."""
        for number in range(start // WIDTH, -(-self.size // WIDTH)):
            width = min(WIDTH, self.size - number * WIDTH)
            yield from self.entries(number, width)[max(0, start - number * WIDTH) :]
