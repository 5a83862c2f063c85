"""More rows than memory should hold, by key: in a temporary file of SQLite's own, which is gone with the process."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator
from threading import Lock
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")
_CACHE_KIB = 2_000
_PAGE = 1_000


class Lookup(Generic[T]):
    """Values of one type (plain, a dataclass, a typed dict) under keys that are not empty. Threads may share it."""

    def __init__(self, kind: type[T]) -> None:
        self._encode, self._decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(kind).decode
        # An empty name is a private file, in memory until it outgrows the cache (sqlite.org/inmemorydb.html).
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._database.close)
        self._one = Lock()
        self._database.execute(f"pragma cache_size = -{_CACHE_KIB}")
        self._database.execute("create table rows (number integer primary key, key blob not null unique, value blob)")
        self._database.execute("begin")

    def get(self, key: str) -> T | None:
        """What was last put under the key; None where nothing was."""
        with self._one:
            row = self._database.execute("select value from rows where key = ?", (_bytes(key),)).fetchone()
        return None if row is None else self._decode(row[0])

    def put(self, key: str, value: T) -> None:
        """In place of what was under the key, and in its place in the order."""
        with self._one:
            self._database.execute(
                "insert into rows (key, value) values (?, ?) on conflict (key) do update set value = excluded.value",
                (_bytes(key), self._encode(value)),
            )

    def __len__(self) -> int:
        with self._one:
            return int(self._database.execute("select count(*) from rows").fetchone()[0])

    def items(self) -> Iterator[tuple[str, T]]:
        """All, in the order in which their keys first came; putting meanwhile does no harm."""
        return self._pages("select number, key, value from rows where number > ? order by number limit ?", 0)

    def sorted_items(self) -> Iterator[tuple[str, T]]:
        """All, in the order of the bytes of their keys."""
        return self._pages("select key, key, value from rows where key > ? order by key limit ?", b"")

    def _pages(self, query: str, after: int | bytes) -> Iterator[tuple[str, T]]:
        while True:
            with self._one:
                rows = self._database.execute(query, (after, _PAGE)).fetchall()
            for _, key, value in rows:
                yield key.decode("utf-8", "surrogatepass"), self._decode(value)
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]


def _bytes(key: str) -> bytes:
    """Ids come from outside and may hold what UTF-8 cannot."""
    return key.encode("utf-8", "surrogatepass")
