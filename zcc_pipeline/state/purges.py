"""Purges that are under way, and what they take out of the ledgers themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date

import sqlalchemy as sa

from zcc_pipeline.domain.errors import TransientError
from zcc_pipeline.domain.parts import in_parts
from zcc_pipeline.domain.purging import PendingPurge, Traces
from zcc_pipeline.state.database import Database, id_parts
from zcc_pipeline.state.schema import (
    absences,
    archive_strays,
    archived,
    artefacts,
    differences,
    export_pieces,
    exports,
    purge_traces,
    purges,
    pushed_parts,
    quarantine,
    reads,
    refresh_due,
)

_ROWS = 500
_DAY = "day"
_ROW = [purges.c[name] for name in PendingPurge.__dataclass_fields__]
_BY_ENGAGEMENT = (
    artefacts,
    reads,
    differences,
    refresh_due,
    pushed_parts,
    exports,
    export_pieces,
    archived,
    archive_strays,
)
_TOUCHED = (*_BY_ENGAGEMENT, absences, quarantine, purges, purge_traces)


class StoredPurges:
    """Rows by engagement. Everything here may be repeated: what is done already changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_empty(self) -> bool:
        """Whether nothing is under way."""
        with self._database.read() as connection:
            return connection.execute(sa.select(purges.c.engagement_id).limit(1)).first() is None

    def pending(self) -> Sequence[PendingPurge]:
        """What has begun and not come to its end, in the order in which it began."""
        query = sa.select(*_ROW).order_by(purges.c.begun_at, purges.c.engagement_id)
        with self._database.read() as connection:
            return [PendingPurge(**row) for row in connection.execute(query).mappings()]

    def begin(self, rows: Iterable[PendingPurge]) -> None:
        """They are about to be erased. One that has begun before stays as it is."""
        values = [asdict(row) for row in rows]
        if values:
            with self._database.write() as connection:
                connection.execute(self._database.insert(purges).on_conflict_do_nothing(), values)

    def add_traces(self, found: Mapping[str, Traces]) -> None:
        """Keep, by engagement, under which ids and on which days something of it lies."""
        rows = [
            {"engagement_id": engagement_id, "kind": kind, "value": value}
            for engagement_id, traces in found.items()
            for kind, values in (
                *traces.record_ids.items(),
                (_DAY, frozenset(day.isoformat() for day in traces.days)),
            )
            for value in values
        ]
        with self._database.write() as connection:
            for some in in_parts(rows, _ROWS):
                connection.execute(self._database.insert(purge_traces).on_conflict_do_nothing(), some)

    def traces(self) -> Traces:
        """Those of everything that is under way, together."""
        record_ids: defaultdict[str, set[str]] = defaultdict(set)
        days: set[date] = set()
        with self._database.read() as connection:
            for kind, value in connection.execute(sa.select(purge_traces.c.kind, purge_traces.c.value)):
                if kind == _DAY:
                    days.add(date.fromisoformat(value))
                else:
                    record_ids[kind].add(value)
        return Traces({kind: frozenset(ids) for kind, ids in record_ids.items()}, frozenset(days))

    def traced(self) -> frozenset[str]:
        """Engagements of which traces are kept."""
        with self._database.read() as connection:
            return frozenset(connection.scalars(sa.select(purge_traces.c.engagement_id).distinct()))

    def mark_logged(self, engagement_ids: Iterable[str]) -> None:
        """The archive's ledger says so: there is no way back."""
        self._mark(engagement_ids, is_logged=True)

    def mark_out_of_inbox(self, engagement_ids: Iterable[str]) -> None:
        """Whoever owns the inbox has removed what was received of them."""
        self._mark(engagement_ids, is_out_of_inbox=True)

    def _mark(self, engagement_ids: Iterable[str], **values: bool) -> None:
        with self._database.write() as connection:
            for ids in id_parts(engagement_ids):
                connection.execute(sa.update(purges).where(purges.c.engagement_id.in_(ids)).values(**values))

    def abandon(self, engagement_ids: Iterable[str]) -> None:
        """Forget that they were to be erased: nothing of them was."""
        self._forget(engagement_ids)

    def finish(self, engagement_ids: Iterable[str]) -> None:
        """Nothing is left of them anywhere."""
        self._forget(engagement_ids)
        self._checkpoint()

    def _forget(self, engagement_ids: Iterable[str]) -> None:
        with self._database.write() as connection:
            if self._database.is_sqlite:
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            for ids in id_parts(engagement_ids):
                for table in (purge_traces, purges):
                    connection.execute(sa.delete(table).where(table.c.engagement_id.in_(ids)))

    def artefacts_of(self, engagement_ids: Iterable[str]) -> Iterator[tuple[str, str, date, str]]:
        """Files that were wanted of them: kind, id, day and engagement."""
        columns = [artefacts.c[name] for name in ("kind", "source_id", "day", "engagement_id")]
        with self._database.read() as connection:
            for ids in id_parts(engagement_ids):
                query = sa.select(*columns).where(artefacts.c.engagement_id.in_(ids))
                yield from (tuple(row) for row in connection.execute(query).fetchall())

    def find_quarantined(self, is_about: Callable[[str, str | None, bytes], bool]) -> Sequence[str]:
        """Ids of quarantined items, in whatever state, of which ``is_about`` says so: it is shown dataset, record and
        payload."""
        columns = [quarantine.c[name] for name in ("item_id", "dataset", "record_id", "payload")]
        with self._database.read() as connection:
            found = connection.execution_options(yield_per=_ROWS).execute(sa.select(*columns))
            return [item_id for item_id, dataset, record_id, payload in found if is_about(dataset, record_id, payload)]

    def erase(
        self, engagement_ids: Iterable[str], record_ids: Mapping[str, frozenset[str]], quarantined: Iterable[str]
    ) -> dict[str, int]:
        """Delete what the ledgers have of them; rows by table. What is under way itself stays until ``finish``."""
        ids = list(engagement_ids)
        counts: dict[str, int] = defaultdict(int)
        with self._database.write() as connection:

            def delete(
                table: sa.Table, column: sa.Column[str], values: Iterable[str], *more: sa.ColumnElement[bool]
            ) -> None:
                for some in id_parts(values):
                    gone = connection.execute(sa.delete(table).where(column.in_(some), *more)).rowcount
                    counts[table.name] += gone

            for table in _BY_ENGAGEMENT:
                delete(table, table.c.engagement_id, ids)
            for dataset, records in record_ids.items():
                delete(absences, absences.c.record_id, records, absences.c.dataset == dataset)
            every_id = frozenset(ids).union(*record_ids.values())
            delete(artefacts, artefacts.c.source_id, every_id)
            delete(differences, differences.c.subject_id, every_id)
            delete(quarantine, quarantine.c.item_id, quarantined)
        return {name: count for name, count in counts.items() if count}

    def scrub(self) -> None:
        """Write the database anew without what was deleted: until then its bytes lie in free pages.

        ``TransientError`` where others keep it from being done now. In PostgreSQL the tables concerned are written
        anew; its own log and its backups are beyond reach.
        """
        if not self._database.is_sqlite:
            names = ", ".join(table.name for table in _TOUCHED)
            with self._database.engine.connect() as connection:
                alone = connection.execution_options(isolation_level="AUTOCOMMIT")
                alone.exec_driver_sql(f"VACUUM (FULL) {names}")
            return
        with self._outside_transactions() as execute:
            execute("VACUUM")
        self._checkpoint()

    def _checkpoint(self) -> None:
        if not self._database.is_sqlite:
            return
        with self._outside_transactions() as execute:
            is_busy, _, _ = execute("PRAGMA wal_checkpoint(TRUNCATE)")[0]
        if is_busy:
            raise TransientError("state store: a reader keeps the write-ahead log from being emptied")

    def _outside_transactions(self) -> _Raw:
        return _Raw(self._database)


class _Raw:
    """SQLite's own connection, for statements that no transaction may hold."""

    def __init__(self, database: Database) -> None:
        self._connection = database.engine.raw_connection()

    def __enter__(self) -> Callable[[str], list[tuple[int, int, int]]]:
        def execute(statement: str) -> list[tuple[int, int, int]]:
            import sqlite3

            cursor = self._connection.cursor()
            try:
                cursor.execute(statement)
                return list(cursor.fetchall())
            except sqlite3.OperationalError as error:
                raise TransientError(f"state store: {error}") from error
            finally:
                cursor.close()

        return execute

    def __exit__(self, *_: object) -> None:
        self._connection.close()
