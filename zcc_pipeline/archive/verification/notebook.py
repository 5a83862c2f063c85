"""What a verification keeps on disk: heads of the ledger, findings, and how far it is.

On disk because an archive may hold more objects than memory does ids, and because a verification of days goes on where
it was broken off. It holds ids and digests, nothing of what the objects hold.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from zcc_pipeline.archive.ledger import Action, Logged
from zcc_pipeline.archive.ledger.entry import HEADS
from zcc_pipeline.archive.ocfl.layout import object_key
from zcc_pipeline.archive.verification.findings import Area, Counts, Finding

_TABLES = """
create table if not exists heads (
    key text primary key, object_id text not null, version integer, digest text, seq integer not null,
    is_purged integer not null
) without rowid;
create table if not exists findings (
    id integer primary key, area text not null, place text not null, path text not null, text text not null,
    unique (area, place, path, text)
);
create table if not exists doubts (key text primary key, object_id text) without rowid;
create table if not exists marks (name text primary key, value text not null) without rowid;
"""
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class KnownHead:
    """The last word of the ledger on an object."""

    key: str
    object_id: str
    version: int | None
    digest: str | None
    seq: int
    is_purged: bool


class Notebook:
    """One verification's; a context manager. Use it from one thread."""

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        if not resume:
            self._delete()
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = normal")
        self._database.executescript(_TABLES)
        self._database.execute("begin")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def save(self) -> None:
        """From here a verification that is broken off goes on."""
        self._database.execute("commit")
        self._database.execute("begin")

    def forget(self) -> None:
        """It has come to its end: the next one begins anew."""
        self._database.close()
        self._delete()

    def _delete(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def mark(self, name: str) -> str:
        """A word kept under that name; empty where there is none."""
        row = self._database.execute("select value from marks where name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def set_mark(self, name: str, value: str) -> None:
        """Keep a word."""
        self._database.execute("insert or replace into marks values (?, ?)", (name, value))

    def keep_counts(self, counts: Counts) -> None:
        """So that a verification in two parts counts both."""
        for name, value in asdict(counts).items():
            self.set_mark(f"count {name}", str(value))

    def counts(self) -> Counts:
        """As kept."""
        return Counts(**{name: int(self.mark(f"count {name}") or 0) for name in asdict(Counts())})

    def add(self, finding: Finding) -> bool:
        """Keep a finding; whether it is new."""
        cursor = self._database.execute(
            "insert or ignore into findings (area, place, path, text) values (?, ?, ?, ?)",
            (finding.area, finding.where, finding.path, finding.text),
        )
        return cursor.rowcount > 0

    def findings(self) -> Iterator[Finding]:
        """All, in the order in which they were found."""
        with closing(self._database.cursor()) as cursor:
            for area, where, path, text in cursor.execute("select area, place, path, text from findings order by id"):
                yield Finding(Area(area), where, path, text)

    def drop_findings(self, areas: Iterable[Area]) -> None:
        """Those areas are looked at once more."""
        self._database.executemany("delete from findings where area = ?", [(area,) for area in areas])

    def forget_heads(self) -> None:
        """The ledger is read from its beginning."""
        self._database.execute("delete from heads")

    def learn(self, logged: Logged) -> None:
        """What an entry says of an object's newest version."""
        entry = logged.entry
        if entry.object_id is None or not (entry.action in HEADS or entry.action == Action.PURGE):
            return
        self._database.execute(
            "insert or replace into heads values (?, ?, ?, ?, ?, ?)",
            (
                object_key(entry.object_id),
                entry.object_id,
                entry.version,
                entry.inventory_sha512,
                logged.seq,
                entry.action == Action.PURGE,
            ),
        )

    def head(self, key: str) -> KnownHead | None:
        """What the ledger says of the object under a key."""
        row = self._database.execute("select * from heads where key = ?", (key,)).fetchone()
        return _head(row) if row else None

    def heads(self, after: str) -> Iterator[KnownHead]:
        """All whose key is later than that, in order. What changes meanwhile behind the reader does no harm."""
        while True:
            rows = self._database.execute(
                "select * from heads where key > ? order by key limit ?", (after, _BATCH)
            ).fetchall()
            if not rows:
                return
            yield from map(_head, rows)
            after = rows[-1][0]

    def doubt(self, key: str, object_id: str | None) -> None:
        """An object and the ledger disagree; an export that is under way may still bring them together."""
        self._database.execute("insert or replace into doubts values (?, ?)", (key, object_id))

    def doubts(self) -> Iterator[tuple[str, str | None]]:
        """Those objects, in order."""
        after = ""
        while True:
            rows = self._database.execute(
                "select key, object_id from doubts where key > ? order by key limit ?", (after, _BATCH)
            ).fetchall()
            if not rows:
                return
            yield from rows
            after = rows[-1][0]


def _head(row: tuple[str, str, int | None, str | None, int, int]) -> KnownHead:
    key, object_id, version, digest, seq, is_purged = row
    return KnownHead(key, object_id, version, digest, seq, bool(is_purged))
