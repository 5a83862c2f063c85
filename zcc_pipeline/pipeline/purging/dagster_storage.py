"""Dagster's own storage. What it is told holds counts and masked samples, and no personal data; ids of engagements may
stand in it, and are overwritten where they do."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from zcc_pipeline.domain.errors import TransientError
from zcc_pipeline.pipeline.purging.report import Removed
from zcc_pipeline.pipeline.purging.subject import Subject
from zcc_pipeline.pipeline.runtime import Runtime

PLACE = "dagster"
ERASED = "(erased)"
_WORD = re.compile(r"[^\s\"'\\,;:<>(){}\[\]|`]+")
_LOGS = frozenset({".out", ".err", ".log"})
_SHORTEST = 8
"""An id that is shorter could be any word; it stays."""
_BUSY_SECONDS = 30.0


def clear(runtime: Runtime, subject: Subject) -> Iterator[Removed]:
    """SQLite files and logs of runs under home. Storage in PostgreSQL holds no more than ids, and is left to Dagster's
    own retention of runs."""
    folder = runtime.config.home / "dagster"
    ids = frozenset(each for each in subject.own_ids if len(each) >= _SHORTEST)
    rows = files = 0
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if not path.is_file():
            continue
        if path.suffix == ".db":
            rows += _clear_database(path, ids)
        elif path.suffix in _LOGS:
            files += _clear_log(path, ids)
    yield Removed(PLACE, "mentions in events of runs", rows)
    yield Removed(PLACE, "logs of runs", files)


def without(text: str, ids: frozenset[str]) -> str:
    """The text with every id in it overwritten."""
    return _WORD.sub(lambda found: ERASED if found.group() in ids else found.group(), text)


def _clear_database(path: Path, ids: frozenset[str]) -> int:
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
            changed = sum(_clear_table(connection, table, ids) for table in _tables(connection))
            if changed:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return changed
    except sqlite3.Error as error:
        raise TransientError(f"{path.name}: {error}") from error


def _tables(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return [name for (name,) in found.fetchall()]


def _clear_table(connection: sqlite3.Connection, table: str, ids: frozenset[str]) -> int:
    columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
    changed = 0
    for column in columns:
        found = connection.execute(f'SELECT rowid, "{column}" FROM "{table}" WHERE typeof("{column}") = \'text\' ')
        updates = [(fresh, rowid) for rowid, text in found if (fresh := without(text, ids)) != text]
        if updates:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', updates)
            connection.execute("COMMIT")
        changed += len(updates)
    return changed


def _clear_log(path: Path, ids: frozenset[str]) -> int:
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    fresh = without(text, ids)
    if fresh == text:
        return 0
    part = path.with_name(f"{path.name}.part")
    part.write_text(fresh, encoding="utf-8", errors="surrogateescape")
    part.replace(path)
    return 1
