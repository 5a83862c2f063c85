"""What came of reading one engagement: found, not there, no answer, no scope, or failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import date, datetime

import sqlalchemy as sa

from zcc_pipeline.domain.ports import ReadOutcome, ReadRow
from zcc_pipeline.state.database import Database, id_parts
from zcc_pipeline.state.schema import reads

_FIELDS = tuple(each.name for each in fields(ReadRow))


class StoredReads:
    """Implements ``ReadLedger``: the newest read per engagement and dataset."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self,
        engagement_id: str,
        dataset: str,
        outcome: ReadOutcome,
        evidence: str,
        day: date,
        ended_at: datetime | None,
        now: datetime,
    ) -> None:
        """Keep the outcome of one read; ``evidence`` holds status and code, never URLs or personal data."""
        self.record_all([ReadRow(engagement_id, dataset, outcome, evidence, day, ended_at, now)])

    def record_all(self, rows: Iterable[ReadRow]) -> None:
        """Keep many outcomes in one transaction. An older read never replaces a newer one."""
        values = [{name: getattr(row, name) for name in _FIELDS} for row in rows]
        if not values:
            return
        insert = self._database.insert(reads)
        new = insert.excluded
        upsert = insert.on_conflict_do_update(
            index_elements=[reads.c.dataset, reads.c.engagement_id],
            set_={
                "outcome": new.outcome,
                "evidence": new.evidence,
                "day": new.day,
                "ended_at": sa.func.coalesce(new.ended_at, reads.c.ended_at),
                "read_at": new.read_at,
            },
            where=new.read_at >= reads.c.read_at,
        )
        with self._database.write() as connection:
            connection.execute(upsert, values)

    def get(self, dataset: str, engagement_ids: Iterable[str]) -> dict[str, ReadRow]:
        """Reads of that dataset by engagement id; those never read are left out."""
        found: dict[str, ReadRow] = {}
        with self._database.read() as connection:
            for ids in id_parts(engagement_ids):
                query = sa.select(reads).where(reads.c.dataset == dataset, reads.c.engagement_id.in_(ids))
                found.update((row.engagement_id, row) for row in _rows(connection, query))
        return found

    def on_days(self, first: date, last: date, *, dataset: str | None = None) -> Sequence[ReadRow]:
        """All reads of engagements of those days."""
        query = sa.select(reads).where(reads.c.day.between(first, last))
        if dataset is not None:
            query = query.where(reads.c.dataset == dataset)
        with self._database.read() as connection:
            return _rows(connection, query)

    def ended_since(self, dataset: str, moment: datetime, *, before: date) -> Sequence[ReadRow]:
        """Reads of engagements that ended at that moment or later and began before that day."""
        query = sa.select(reads).where(reads.c.dataset == dataset, reads.c.ended_at >= moment, reads.c.day < before)
        with self._database.read() as connection:
            return _rows(connection, query)


def _rows(connection: sa.Connection, query: sa.Select[tuple[object, ...]]) -> list[ReadRow]:
    return [ReadRow(**row) for row in connection.execute(query).mappings()]
