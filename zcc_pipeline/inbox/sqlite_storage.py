"""The inbox in a SQLite file: WAL, every commit synced, one connection that writes and checkpoints.

Nothing else may write or checkpoint this file: SQLite before 3.51.3 can corrupt a WAL that two connections reset at
once. Readers open it read-only.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain
from pathlib import Path

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.events import PushedEvent
from zcc_pipeline.inbox.contract import InboxUnavailable
from zcc_pipeline.inbox.owner_lock import OwnerLock
from zcc_pipeline.inbox.storage import COLUMNS, FORGOTTEN_AT_ONCE, SCHEMA_VERSION, Row, check_version

WAL_LIMIT_BYTES = 32 * 1024 * 1024
"""A longer WAL is emptied as soon as no reader is in the way; without readers it stays at a fraction of this."""

_BUSY_TIMEOUT_SECONDS = 1.0
_CACHE_KIB = 32 * 1024
_CHECK_WAL_EVERY_ROWS = 2_000
_HARMLESS = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL}
"""Result codes after which the connection is as good as before."""
_FAULT_OF_THE_ROWS = (sqlite3.InterfaceError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.IntegrityError)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_SCHEMA = (
    """CREATE TABLE zcc_inbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- the keyword is what keeps numbers from being used again
        dedupe_key BLOB NOT NULL UNIQUE,
        intake TEXT NOT NULL,
        received_at INTEGER NOT NULL,           -- microseconds since 1970, UTC, as event_ts
        event TEXT NOT NULL,
        event_ts INTEGER,
        account_id TEXT,
        engagement_id TEXT,
        body BLOB NOT NULL
    )""",
    "CREATE TABLE zcc_inbox_seen (dedupe_key BLOB PRIMARY KEY, received_at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX zcc_inbox_seen_received_at ON zcc_inbox_seen (received_at)",
    "CREATE TABLE zcc_inbox_note (name TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE zcc_inbox_about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)
_NOTE = (
    "INSERT INTO zcc_inbox_note VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at WHERE excluded.at > at"
)
_SEQ_IN = "seq IN (SELECT value FROM json_each(?))"


def to_microseconds(moment: datetime) -> int:
    """Exact, unlike a float of seconds."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(value: int) -> datetime:
    """The inverse of ``to_microseconds``."""
    return _EPOCH + value * _MICROSECOND


class SqliteStorage:
    """The one connection that writes; see ``Storage``."""

    def __init__(self, path: Path, *, host: str, clock: Clock, new_id: Callable[[datetime], str]) -> None:
        """Raises ``InboxOwned``, ``ConfigurationError`` (written by a newer version) and ``InboxUnavailable``."""
        self._path = path
        self._clock = clock
        self._new_id = new_id
        self._connection: sqlite3.Connection | None = None
        self._file = (0, 0)
        self._last_seq = 0
        self._rows_since_check = 0
        _make_folder(path.parent)
        self._lock = OwnerLock(path, host=host, clock=clock)
        try:
            with self._usable():
                pass
        except BaseException:
            self._lock.release()
            raise

    def to_row(self, event: PushedEvent) -> Row:
        """See ``Storage``."""
        event_ts = event.event_ts
        return (
            event.dedupe_key,
            event.intake,
            (event.received_at - _EPOCH) // _MICROSECOND,
            event.event,
            None if event_ts is None else (event_ts - _EPOCH) // _MICROSECOND,
            event.account_id,
            event.engagement_id,
            event.body,
        )

    def insert(self, rows: Sequence[Row]) -> list[int | None]:
        """See ``Storage``. One statement is one transaction; fetching row by row would hand Python's lock over for
        each of them, so nothing is fetched unless there are duplicates, and then as one value."""
        with self._usable() as connection:
            cursor = connection.execute(_insert_statement(len(rows)), list(chain.from_iterable(rows)))
            if cursor.rowcount == 0:
                return [None] * len(rows)
            previous, self._last_seq = self._last_seq, cursor.lastrowid or 0
            self._bound_wal(connection, len(rows))
            if cursor.rowcount == len(rows):  # then the numbers are consecutive, in the order given
                return list(range(self._last_seq - len(rows) + 1, self._last_seq + 1))
            query = "SELECT group_concat(hex(dedupe_key) || ' ' || seq) FROM zcc_inbox WHERE seq > ?"
            pairs = connection.execute(query, (previous,)).fetchone()[0]
        numbers = {key: int(seq) for key, seq in (pair.split(" ") for pair in pairs.split(","))}
        return [numbers.pop(row[0].hex().upper(), None) for row in rows]

    def remove(self, seqs: Sequence[int], remember_after: datetime) -> int:
        """See ``Storage``."""
        numbers = json.dumps(list(seqs))
        with self._usable() as connection, _transaction(connection):
            connection.execute(
                "INSERT OR IGNORE INTO zcc_inbox_seen SELECT dedupe_key, received_at FROM zcc_inbox"
                f" WHERE {_SEQ_IN} AND received_at >= ?",
                (numbers, to_microseconds(remember_after)),
            )
            return connection.execute(f"DELETE FROM zcc_inbox WHERE {_SEQ_IN}", (numbers,)).rowcount

    def forget(self, before: datetime) -> int:
        """See ``Storage``; also gives some free pages back to the file system."""
        oldest = f"SELECT dedupe_key FROM zcc_inbox_seen WHERE received_at < ? LIMIT {FORGOTTEN_AT_ONCE}"
        with self._usable() as connection:
            statement = f"DELETE FROM zcc_inbox_seen WHERE dedupe_key IN ({oldest})"
            forgotten = connection.execute(statement, (to_microseconds(before),)).rowcount
            _shrink(connection)
            return forgotten

    def scrub(self) -> bool:
        """See ``Storage``: removed rows lie in free pages of the file, and in its log, until both are written anew."""
        with self._usable() as connection:
            connection.execute("VACUUM")
            is_busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not is_busy

    def write_notes(self, notes: Mapping[str, datetime]) -> None:
        """See ``Storage``."""
        with self._usable() as connection, _transaction(connection):
            connection.executemany(_NOTE, [(name, to_microseconds(at)) for name, at in notes.items()])

    def probe(self) -> None:
        """See ``Storage``."""
        with self._usable() as connection:
            connection.execute(
                "INSERT INTO zcc_inbox_about VALUES ('probed_at', ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (self._clock.now().isoformat(),),
            )

    def free_bytes(self) -> int | None:
        """See ``Storage``."""
        try:
            status = os.statvfs(self._path.parent)
        except OSError:
            return None
        return status.f_bavail * status.f_frsize

    def close(self) -> None:
        """See ``Storage``. SQLite checkpoints and removes the WAL with the last connection."""
        self._disconnect()
        self._lock.release()

    @contextmanager
    def _usable(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._current_connection()
        except _FAULT_OF_THE_ROWS:
            raise
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _HARMLESS:
                self._disconnect()
            raise InboxUnavailable(f"inbox: {error}") from error
        except OSError as error:
            self._disconnect()
            raise InboxUnavailable(f"inbox: {error.strerror}") from error

    def _current_connection(self) -> sqlite3.Connection:
        """The connection, made anew after an error, and where the file under its name is no longer the same: SQLite
        would go on writing into a file that nobody can open any more."""
        connection = self._connection
        if connection is not None:
            try:
                if _identity(self._path) == self._file:
                    return connection
            except FileNotFoundError:
                pass
            # on closing, SQLite leaves the log of a file that was moved alone, and its name may be used anew
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._disconnect()
        return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_TIMEOUT_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection)
            self._create_or_check(connection)
            _settle_wal(connection)
            found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'zcc_inbox'").fetchone()
            self._last_seq = found[0] if found else 0
            self._file = _identity(self._path)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _create_or_check(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        check_version(version)
        if version == SCHEMA_VERSION:
            return
        with _transaction(connection):
            for statement in _SCHEMA:
                connection.execute(statement)
            inbox_id = self._new_id(self._clock.now())
            connection.execute("INSERT INTO zcc_inbox_about VALUES ('inbox_id', ?)", (inbox_id,))
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _bound_wal(self, connection: sqlite3.Connection, rows: int) -> None:
        """Readers that follow one another without a pause keep a WAL from starting over; then it is emptied here."""
        self._rows_since_check += rows
        if self._rows_since_check < _CHECK_WAL_EVERY_ROWS:
            return
        self._rows_since_check = 0
        try:
            if self._path.with_name(f"{self._path.name}-wal").stat().st_size <= WAL_LIMIT_BYTES:
                return
            connection.execute("PRAGMA busy_timeout = 50")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            connection.execute(f"PRAGMA busy_timeout = {round(_BUSY_TIMEOUT_SECONDS * 1000)}")
        except (OSError, sqlite3.Error):
            return  # the rows are committed; if something is broken, the next write says so


@lru_cache(maxsize=128)
def _insert_statement(rows: int) -> str:
    values = ", ".join(["(" + ", ".join("?" * len(COLUMNS)) + ")"] * rows)
    return (
        f"INSERT INTO zcc_inbox ({', '.join(COLUMNS)}) SELECT * FROM (VALUES {values})"
        " WHERE column1 NOT IN (SELECT dedupe_key FROM zcc_inbox_seen) ON CONFLICT (dedupe_key) DO NOTHING"
    )


def _prepare(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # only counts before the first table
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA cache_size = {-_CACHE_KIB}")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES // 2}")


def _settle_wal(connection: sqlite3.Connection) -> None:
    """Bring what an earlier connection left in the WAL into the database, synced.

    After a failed sync the kernel takes the written pages for clean: rows of the refused commit could be found in the
    WAL, be called duplicates when they are sent again, and yet be lost with the power.
    """
    _busy, in_wal, done = connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
    if in_wal != done:
        raise InboxUnavailable("inbox: a reader keeps the write-ahead log from being settled")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _shrink(connection: sqlite3.Connection) -> None:
    """Free pages are used again by the next rows; only where they are most of the file, some are given back."""
    free, pages = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("freelist_count", "page_count"))
    if free > pages // 2:
        connection.executescript("PRAGMA incremental_vacuum(1000)")  # a page per step: ``execute`` takes one only


def _identity(path: Path) -> tuple[int, int]:
    status = os.stat(path)  # noqa: PTH116 four times as fast as through Path, once per batch
    return status.st_dev, status.st_ino


def _make_folder(folder: Path) -> None:
    """Make it and sync its name: SQLite syncs the folder that the database is in, not the ones above."""
    if folder.is_dir():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise InboxUnavailable(f"inbox: cannot make its folder: {error.strerror}") from error
