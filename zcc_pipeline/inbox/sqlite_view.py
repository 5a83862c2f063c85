"""Reading a SQLite inbox beside its owner, who alone writes and checkpoints it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from zcc_pipeline.inbox.contract import InboxUnavailable
from zcc_pipeline.inbox.sqlite_storage import from_microseconds
from zcc_pipeline.inbox.storage import check_version

_BUSY_TIMEOUT_SECONDS = 5.0


class SqliteView:
    """A connection per query, ``mode=ro``: the file may appear, be replaced or lose its WAL between two of them, and
    nothing is left open that would keep the owner's WAL from starting over."""

    seq_in = "seq IN (SELECT value FROM json_each(?))"

    def __init__(self, path: Path) -> None:
        self._path = path

    def select(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """See ``View``.

        A reader in WAL mode needs the ``-wal`` and ``-shm`` files. Where they are missing (the owner has closed the
        inbox) SQLite makes them; where this user may not do that, nobody writes and everything is in the database
        file, which is then read as it is.
        """
        if not self._path.exists():
            return []
        try:
            return self._select("mode=ro", query, values)
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise InboxUnavailable(f"inbox: {error}") from error
            if self._has_wal():
                problem = "this user needs write permission for its folder, to read beside the process that writes"
                raise InboxUnavailable(f"inbox: {problem}") from error
        try:
            return self._select("mode=ro&immutable=1", query, values)
        except sqlite3.Error as error:
            raise InboxUnavailable(f"inbox: {error}") from error

    def numbers(self, seqs: Sequence[int]) -> object:
        """See ``View``."""
        return json.dumps(list(seqs))

    def moment(self, value: Any) -> datetime:  # noqa: ANN401 as the database has it
        """See ``View``."""
        return from_microseconds(value)

    def read_again_after(self, seq: int) -> int:
        """See ``View``: one writer, so numbers become visible in order."""
        return seq

    def close(self) -> None:
        """Nothing stays open."""

    def _select(self, mode: str, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        uri = f"{self._path.as_uri()}?{mode}"
        with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT_SECONDS, isolation_level=None)) as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                return []  # its owner is about to create it
            check_version(version)
            return connection.execute(query, values).fetchall()

    def _has_wal(self) -> bool:
        try:
            return self._path.with_name(f"{self._path.name}-wal").stat().st_size > 0
        except OSError:
            return False
