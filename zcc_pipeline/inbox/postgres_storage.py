"""The inbox in PostgreSQL, for several hosts that receive at once: the same columns, one owner per host.

Ownership is a session-level advisory lock, keyed by schema and host name, on the connection that writes: it ends with
the connection, however the process ends. A pooler that hands one connection to several clients breaks it; connect
directly. A lost connection is noticed by the server within half a minute, and only then may the host's next owner come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

import psycopg2
import psycopg2.errors
import psycopg2.extensions

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.events import PushedEvent
from zcc_pipeline.inbox.contract import InboxOwned, InboxUnavailable
from zcc_pipeline.inbox.storage import COLUMNS, FORGOTTEN_AT_ONCE, SCHEMA_VERSION, Row, check_version

CONNECT_TIMEOUT_SECONDS = 5
STATEMENT_TIMEOUT_SECONDS = 10
"""No insert lasts longer; ``InboxReader.read_again_after`` counts on it."""

_NOT_NOW = (
    psycopg2.OperationalError,
    psycopg2.InterfaceError,
    psycopg2.InternalError,
    psycopg2.ProgrammingError,  # no such table or schema, no permission: somebody has to act, then it works again
)
_TYPES = ("bytea", "text", "timestamptz", "text", "timestamptz", "text", "text", "bytea")
_SESSION = f"""
SET TIME ZONE 'UTC';
SET statement_timeout = '{STATEMENT_TIMEOUT_SECONDS}s';
SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
"""
_SCHEMA = """
CREATE TABLE zcc_inbox (
    seq bigserial PRIMARY KEY,
    dedupe_key bytea NOT NULL UNIQUE,
    intake text NOT NULL,
    received_at timestamptz NOT NULL,
    event text NOT NULL,
    event_ts timestamptz,
    account_id text,
    engagement_id text,
    body bytea NOT NULL
);
CREATE INDEX zcc_inbox_received_at ON zcc_inbox (received_at);
CREATE TABLE zcc_inbox_seen (dedupe_key bytea PRIMARY KEY, received_at timestamptz NOT NULL);
CREATE INDEX zcc_inbox_seen_received_at ON zcc_inbox_seen (received_at);
CREATE TABLE zcc_inbox_note (name text PRIMARY KEY, at timestamptz NOT NULL);
CREATE TABLE zcc_inbox_about (name text PRIMARY KEY, value text NOT NULL);
INSERT INTO zcc_inbox_about VALUES ('inbox_id', %s), ('schema', %s)
"""
# The first statement keeps prune (which takes the same lock alone) from moving a key to zcc_inbox_seen between the
# look into it and the look into zcc_inbox. Both statements are one transaction and one round trip.
_INSERT = (
    "SELECT pg_advisory_xact_lock_shared(%s);"
    f" INSERT INTO zcc_inbox ({', '.join(COLUMNS)})"
    f" SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in _TYPES)}) AS v ({', '.join(COLUMNS)})"
    " WHERE NOT EXISTS (SELECT FROM zcc_inbox_seen AS seen WHERE seen.dedupe_key = v.dedupe_key)"
    " ORDER BY v.dedupe_key"
    " ON CONFLICT (dedupe_key) DO NOTHING RETURNING seq, dedupe_key"
)
_REMOVE = (
    "SELECT pg_advisory_xact_lock(%s);"
    " WITH gone AS (DELETE FROM zcc_inbox WHERE seq = ANY(%s) RETURNING dedupe_key, received_at),"
    " remembered AS (INSERT INTO zcc_inbox_seen SELECT * FROM gone WHERE received_at >= %s ON CONFLICT DO NOTHING)"
    " SELECT count(*) FROM gone"
)
_FORGET = (
    "DELETE FROM zcc_inbox_seen WHERE dedupe_key IN"
    f" (SELECT dedupe_key FROM zcc_inbox_seen WHERE received_at < %s LIMIT {FORGOTTEN_AT_ONCE})"
)
_NOTE = (
    "INSERT INTO zcc_inbox_note VALUES (%s, %s)"
    " ON CONFLICT (name) DO UPDATE SET at = excluded.at WHERE excluded.at > zcc_inbox_note.at"
)
_PROBE = "INSERT INTO zcc_inbox_about VALUES ('probed_at', %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_HOLDER = """
SELECT a.application_name, a.backend_start FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
AND ((l.classid::bigint << 32) | l.objid::bigint) = %s
"""


class PostgresStorage:
    """The one connection of this host that writes; see ``Storage``."""

    def __init__(self, url: str, *, host: str, name: str, clock: Clock, new_id: Callable[[datetime], str]) -> None:
        """``name`` is what the server shows as the owner. Raises ``InboxOwned``, ``ConfigurationError`` (written by a
        newer version) and ``InboxUnavailable``."""
        self._url = url
        self._host = host
        self._name = name
        self._clock = clock
        self._new_id = new_id
        self._connection: psycopg2.extensions.connection | None = None
        self._rows_lock = 0
        with self._cursor():
            pass

    def to_row(self, event: PushedEvent) -> Row:
        """See ``Storage``."""
        return (
            event.dedupe_key,
            event.intake,
            event.received_at,
            event.event,
            event.event_ts,
            event.account_id,
            event.engagement_id,
            event.body,
        )

    def insert(self, rows: Sequence[Row]) -> list[int | None]:
        """See ``Storage``. The statement sorts, so that two hosts with the same events never wait for each other in a
        circle; rows that are handed over in order are not enough, for a join may change it."""
        columns = [list(column) for column in zip(*rows, strict=True)]
        with self._cursor() as cursor:
            cursor.execute(_INSERT, [self._rows_lock, *columns])
            numbers = {bytes(key): seq for seq, key in cursor.fetchall()}
        return [numbers.pop(row[0], None) for row in rows]

    def remove(self, seqs: Sequence[int], remember_after: datetime) -> int:
        """See ``Storage``."""
        with self._cursor() as cursor:
            cursor.execute(_REMOVE, (self._rows_lock, list(seqs), remember_after))
            removed: int = only_value(cursor)
            return removed

    def forget(self, before: datetime) -> int:
        """See ``Storage``."""
        with self._cursor() as cursor:
            cursor.execute(_FORGET, (before,))
            forgotten: int = cursor.rowcount
            return forgotten

    def scrub(self) -> bool:
        """See ``Storage``. The server's own log and its backups are beyond reach."""
        with self._cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            try:
                cursor.execute("VACUUM (FULL) zcc_inbox")
            finally:
                cursor.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT_SECONDS}s'")
            return True

    def write_notes(self, notes: Mapping[str, datetime]) -> None:
        """See ``Storage``."""
        with self._cursor() as cursor:
            cursor.executemany(_NOTE, list(notes.items()))

    def probe(self) -> None:
        """See ``Storage``."""
        with self._cursor() as cursor:
            cursor.execute(_PROBE, (self._clock.now().isoformat(),))

    def free_bytes(self) -> int | None:
        """Only the server knows."""
        return None

    def close(self) -> None:
        """See ``Storage``."""
        connection, self._connection = self._connection, None
        if connection is not None:
            _give_up_ownership(connection)
            connection.close()

    @contextmanager
    def _cursor(self) -> Iterator[psycopg2.extensions.cursor]:
        with translated_errors():
            try:
                if self._connection is None:
                    self._connection = self._connect()
                with self._connection.cursor() as cursor:
                    yield cursor
            except _NOT_NOW:
                self.close()  # cut off, shutting down, timed out: the next call starts anew
                raise

    def _connect(self) -> psycopg2.extensions.connection:
        connection = connect(self._url, name=self._name)
        try:
            with connection.cursor() as cursor:
                cursor.execute(_SESSION)
                cursor.execute("SELECT current_schema()")
                schema = only_value(cursor)
                self._own(cursor, schema)
                self._rows_lock = _lock_number("rows", schema)
                self._create_or_check(cursor)
        except BaseException:
            connection.close()
            raise
        return connection

    def _own(self, cursor: psycopg2.extensions.cursor, schema: str) -> None:
        number = _lock_number("owner", schema, self._host)
        cursor.execute("SELECT pg_try_advisory_lock(%s)", (number,))
        if not only_value(cursor):
            cursor.execute(_HOLDER, (number,))
            holder = cursor.fetchone()
            who = f"{holder[0]} (connected since {holder[1]:%Y-%m-%dT%H:%M:%SZ})" if holder else "another process"
            raise InboxOwned(f"{who} receives into this inbox already on host {self._host}")

    def _create_or_check(self, cursor: psycopg2.extensions.cursor) -> None:
        cursor.execute("BEGIN; SELECT pg_advisory_xact_lock(%s)", (self._rows_lock,))
        try:
            cursor.execute("SELECT to_regclass('zcc_inbox_about') IS NOT NULL")
            if not only_value(cursor):
                cursor.execute(_SCHEMA, (self._new_id(self._clock.now()), str(SCHEMA_VERSION)))
            cursor.execute("SELECT value FROM zcc_inbox_about WHERE name = 'schema'")
            check_version(int(only_value(cursor)))
        except BaseException:
            cursor.execute("ROLLBACK")
            raise
        cursor.execute("COMMIT")


def connect(url: str, *, name: str) -> psycopg2.extensions.connection:
    """A connection on which every statement is a transaction of its own unless told otherwise."""
    connection = psycopg2.connect(url, connect_timeout=CONNECT_TIMEOUT_SECONDS, application_name=name)
    connection.autocommit = True
    return connection


@contextmanager
def translated_errors() -> Iterator[None]:
    """What the server cannot do now is ``InboxUnavailable``; its first line goes along, values (personal data) never
    stand there."""
    try:
        yield
    except _NOT_NOW as error:
        raise InboxUnavailable(f"inbox: {str(error).strip().partition(chr(10))[0]}") from error


def only_value(cursor: psycopg2.extensions.cursor) -> Any:  # noqa: ANN401 whatever was asked for
    """Of a query that always has one row."""
    row = cursor.fetchone()
    return row[0] if row else None


def _lock_number(*parts: str) -> int:
    digest = hashlib.sha256("\0".join(["zcc-inbox", *parts]).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _give_up_ownership(connection: psycopg2.extensions.connection) -> None:
    """Before the connection is closed: the server notices that a little later, and a successor may come at once."""
    with suppress(psycopg2.Error), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock_all()")
