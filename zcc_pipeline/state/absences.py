"""Records that a complete listing no longer shows: the time between the first such listing and the next decides."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

import sqlalchemy as sa

from zcc_pipeline.state.database import Database, id_parts
from zcc_pipeline.state.schema import absences


class StoredAbsences:
    """Implements ``AbsenceLedger``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self, dataset: str, record_ids: Iterable[str], day: date, at: datetime) -> dict[str, datetime]:
        """Note that a complete listing at ``at`` did not show them; returns since when each has been absent."""
        ids = sorted(set(record_ids))
        if not ids:
            return {}
        insert = self._database.insert(absences).on_conflict_do_nothing()
        rows = [{"dataset": dataset, "record_id": each, "day": day, "first_absent_at": at} for each in ids]
        since: dict[str, datetime] = {}
        with self._database.write() as connection:
            connection.execute(insert, rows)
            for some in id_parts(ids):
                query = sa.select(absences.c.record_id, absences.c.first_absent_at).where(
                    absences.c.dataset == dataset, absences.c.record_id.in_(some)
                )
                since.update((record_id, moment) for record_id, moment in connection.execute(query))
        return since

    def clear(self, dataset: str, record_ids: Iterable[str]) -> None:
        """They were seen again, or their deletion has been settled."""
        with self._database.write() as connection:
            for ids in id_parts(sorted(set(record_ids))):
                its = sa.and_(absences.c.dataset == dataset, absences.c.record_id.in_(ids))
                connection.execute(sa.delete(absences).where(its))

    def pending(self, dataset: str, day: date) -> dict[str, datetime]:
        """Absent records of that day, and since when."""
        query = sa.select(absences.c.record_id, absences.c.first_absent_at).where(
            absences.c.dataset == dataset, absences.c.day == day
        )
        with self._database.read() as connection:
            return {record_id: moment for record_id, moment in connection.execute(query)}  # noqa: C416 - typed rows
