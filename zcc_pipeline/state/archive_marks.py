"""What each day was made of when the archive last looked at it, so that a day that is the same is not read again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date

import sqlalchemy as sa

from zcc_pipeline.domain.archive_ledger import DayLook
from zcc_pipeline.state.database import Database
from zcc_pipeline.state.schema import archive_marks, archive_strays

_ROWS = 500


class StoredArchiveMarks:
    """Fingerprints by day and by what was looked for, and which engagements have something far from their own day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, kind: DayLook) -> dict[date, str]:
        """The fingerprint of each day, as it was when that was last looked for."""
        columns = archive_marks.c
        with self._database.read() as connection:
            found = connection.execute(sa.select(columns.day, columns.fingerprint).where(columns.kind == kind.value))
            return {row.day: row.fingerprint for row in found}

    def save(self, kind: DayLook, marks: Mapping[date, str]) -> None:
        """Those days were looked at as they were then."""
        if marks:
            with self._database.write() as connection:
                self._save(connection, kind, marks)

    def strays(self) -> Mapping[str, set[date]]:
        """Days, by engagement, on which something of it lies far from its own."""
        columns = archive_strays.c
        with self._database.read() as connection:
            found: dict[str, set[date]] = defaultdict(set)
            for row in connection.execute(sa.select(columns.engagement_id, columns.day)):
                found[row.engagement_id].add(row.day)
            return found

    def save_strays(self, day: date, engagement_ids: Collection[str], fingerprint: str) -> None:
        """Those that have something on that day, in place of what was known of it, and what the day was then."""
        with self._database.write() as connection:
            connection.execute(sa.delete(archive_strays).where(archive_strays.c.day == day))
            rows = [{"day": day, "engagement_id": each} for each in sorted(engagement_ids)]
            for begin in range(0, len(rows), _ROWS):
                connection.execute(sa.insert(archive_strays), rows[begin : begin + _ROWS])
            self._save(connection, DayLook.STRAYS, {day: fingerprint})

    def _save(self, connection: sa.Connection, kind: DayLook, marks: Mapping[date, str]) -> None:
        insert = self._database.insert(archive_marks)
        upsert = insert.on_conflict_do_update(
            index_elements=[archive_marks.c.day, archive_marks.c.kind],
            set_={"fingerprint": insert.excluded.fingerprint},
        )
        rows = [{"day": day, "kind": kind.value, "fingerprint": mark} for day, mark in marks.items()]
        for begin in range(0, len(rows), _ROWS):
            connection.execute(upsert, rows[begin : begin + _ROWS])
