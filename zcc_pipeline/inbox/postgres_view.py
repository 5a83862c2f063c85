"""Reading an inbox in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg2
import psycopg2.errors
import psycopg2.extensions

from zcc_pipeline.inbox.postgres_storage import connect, only_value, translated_errors
from zcc_pipeline.inbox.storage import check_version

LATE_MINUTES = 15
"""How long after it was received a row may become visible below others; see ``InboxReader.read_again_after``."""

_SESSION = "SET TIME ZONE 'UTC'; SET default_transaction_read_only = on; SET statement_timeout = '30s'"
_LAST_SETTLED = (
    f"SELECT max(seq) FROM zcc_inbox WHERE received_at < now() - interval '{LATE_MINUTES} minutes' AND seq <= ?"
)


class PostgresView:
    """One connection, read-only, every query a transaction of its own; made anew after it was lost."""

    seq_in = "seq = ANY(?)"

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg2.extensions.connection | None = None

    def select(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """See ``View``."""
        with translated_errors():
            try:
                with self._current_connection().cursor() as cursor:
                    cursor.execute(query.replace("?", "%s"), values)
                    return list(cursor.fetchall())
            except psycopg2.errors.UndefinedTable:
                return []
            except psycopg2.Error:
                self.close()
                raise

    def numbers(self, seqs: Sequence[int]) -> object:
        """See ``View``."""
        return list(seqs)

    def moment(self, value: Any) -> datetime:  # noqa: ANN401 as the database has it
        """See ``View``."""
        at: datetime = value
        return at.astimezone(UTC)

    def read_again_after(self, seq: int) -> int:
        """See ``View``."""
        found = self.select(_LAST_SETTLED, seq)
        return found[0][0] if found and found[0][0] is not None else 0

    def close(self) -> None:
        """See ``View``."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _current_connection(self) -> psycopg2.extensions.connection:
        if self._connection is None:
            connection = connect(self._url, name="zcc inbox reader")
            try:
                with connection.cursor() as cursor:
                    cursor.execute(_SESSION)
                    cursor.execute("SELECT to_regclass('zcc_inbox_about') IS NOT NULL")
                    if only_value(cursor):
                        cursor.execute("SELECT value FROM zcc_inbox_about WHERE name = 'schema'")
                        check_version(int(only_value(cursor)))
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection
