"""Connections: SQLite or PostgreSQL, a transaction for reading, one for writing, errors by consequence."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from zcc_pipeline.domain.errors import ConfigurationError, TransientError
from zcc_pipeline.domain.parts import in_parts

if TYPE_CHECKING:  # only the dialect in use is imported, when it is used
    from sqlalchemy.dialects import postgresql, sqlite

BUSY_TIMEOUT_SECONDS = 30
"""How long SQLite waits for another process's write; no transaction here comes near it."""

T = TypeVar("T")

_IDS_PER_QUERY = 5_000

_PURPOSE = "where ledgers are kept: a SQLite file, or PostgreSQL when several hosts share them"
_EXAMPLE = "postgresql://zcc@db.example.com/zcc"


def parse_state_url(text: str) -> sa.URL:
    """The URL of a state store; a plain path means a SQLite file. ``ConfigurationError`` for anything else."""
    if "://" not in text:
        if not text:
            raise ConfigurationError("ZCC_STATE_URL", "is empty", purpose=_PURPOSE, example=_EXAMPLE)
        return sa.URL.create("sqlite", database=str(Path(text).absolute()))
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        # the text itself may hold a password, so it is not repeated
        raise ConfigurationError("ZCC_STATE_URL", "is not a URL", purpose=_PURPOSE, example=_EXAMPLE) from None
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database not in (None, "", ":memory:"):
        return url.set(drivername="sqlite")
    if backend in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg2")
    problem = "must name a SQLite file or a PostgreSQL database"
    raise ConfigurationError("ZCC_STATE_URL", problem, purpose=_PURPOSE, example=_EXAMPLE)


def open_ledger_engine(url: sa.URL) -> sa.Engine:
    """Transactions that are on disk once committed: on SQLite each commit is synced, writers queue up in ``BEGIN
    IMMEDIATE``."""
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, hide_parameters=True, pool_pre_ping=True)
    engine = _open_sqlite(url, synchronous="FULL")
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def open_rate_engine(url: sa.URL) -> sa.Engine:
    """Single statements, each its own transaction, not synced: after a power cut the budget may have forgotten a
    moment."""
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            isolation_level="AUTOCOMMIT",
            connect_args={"options": _with_option(url, "-c synchronous_commit=off")},
        )
    return _open_sqlite(url, synchronous="NORMAL")


def _with_option(url: sa.URL, option: str) -> str:
    given = url.query.get("options", ())
    return " ".join([given] if isinstance(given, str) else given) + f" {option}"


def _open_sqlite(url: sa.URL, *, synchronous: Literal["FULL", "NORMAL"]) -> sa.Engine:
    engine = sa.create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun here, not guessed by the driver
        _use_write_ahead_log(connection)
        connection.execute(f"PRAGMA synchronous = {synchronous}")

    return engine


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch to it once per file. Of several processes that do so at once SQLite refuses some without waiting for the
    lock; those wait for it here, with the busy time-out, and look again.
    """
    for attempt in range(_SWITCHES):
        if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
            return
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if attempt == _SWITCHES - 1:
                raise
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("COMMIT")


def _begin_sqlite(connection: sa.Connection) -> None:
    is_read = connection.get_execution_options().get("zcc_read", False)
    connection.exec_driver_sql("BEGIN" if is_read else "BEGIN IMMEDIATE")


_SWITCHES = 20
"""How often the switch to the write-ahead log is tried; more processes than that do not create one file at once."""


class Database:
    """Transactions on one engine; what the database cannot do now becomes a ``TransientError``."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._reading = engine.execution_options(zcc_read=True)
        self.is_sqlite = engine.dialect.name == "sqlite"

    def insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """The database's own ``INSERT``, the one that knows ``ON CONFLICT``."""
        if self.is_sqlite:
            from sqlalchemy.dialects.sqlite import insert as insert_sqlite

            return insert_sqlite(table)
        from sqlalchemy.dialects.postgresql import insert as insert_postgresql

        return insert_postgresql(table)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction: all of it or nothing, on disk when the block is left."""
        with translated_errors(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A consistent view that never waits for a writer."""
        with translated_errors(), self._reading.begin() as connection:
            yield connection


def id_parts(ids: Iterable[T]) -> Iterator[list[T]]:
    """Ids for one query each: a statement takes a limited number of bound values (SQLite 32,766)."""
    return in_parts(ids, _IDS_PER_QUERY)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Busy, unreachable or cut off is transient; the driver's text goes along, bound values (personal data) do not."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise TransientError(f"state store: {_first_line(error)}") from error


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().partition("\n")[0]
