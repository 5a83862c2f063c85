"""What push and poll did not agree on, each once, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import sqlalchemy as sa

from zcc_pipeline.domain.parts import in_parts
from zcc_pipeline.domain.ports import DifferenceRow
from zcc_pipeline.state.database import Database
from zcc_pipeline.state.schema import differences

_ROWS_PER_INSERT = 1_000


class StoredDifferences:
    """Implements ``DifferenceLedger``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record_all(self, rows: Iterable[DifferenceRow]) -> int:
        """Write them in one transaction; returns how many were not known before.

        One that is known keeps the time it was detected; its outcome and evidence become those given.
        """
        values = [{name: getattr(row, name) for name in DifferenceRow.__dataclass_fields__} for row in rows]
        if not values:
            return 0
        insert = self._database.insert(differences)
        upsert = insert.on_conflict_do_update(
            index_elements=[differences.c.event, differences.c.subject_id, differences.c.direction],
            set_={name: insert.excluded[name] for name in ("outcome", "evidence", "judged_at", "day", "engagement_id")},
        )
        with self._database.write() as connection:
            before = _count(connection)
            for some in in_parts(values, _ROWS_PER_INSERT):
                connection.execute(upsert, some)
            return _count(connection) - before

    def on_days(self, first: date, last: date) -> Sequence[DifferenceRow]:
        """All that were found about those days, in the order in which they were detected."""
        query = (
            sa.select(differences)
            .where(differences.c.day.between(first, last))
            .order_by(differences.c.detected_at, differences.c.event, differences.c.subject_id)
        )
        with self._database.read() as connection:
            return [DifferenceRow(**row) for row in connection.execute(query).mappings()]


def _count(connection: sa.Connection) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(differences)) or 0
