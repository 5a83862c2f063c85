"""What left for the CRMs: in flight before it is sent, and what became of it before the next is."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import sqlalchemy as sa

from zcc_pipeline.domain.export_ledger import (
    IN_FLIGHT,
    ExportBusy,
    ExportCount,
    ExportPiece,
    ExportPlan,
    ExportResult,
    ExportRow,
)
from zcc_pipeline.state.database import Database, id_parts
from zcc_pipeline.state.schema import export_pieces, exports

_LOCKS = 0x7A636300
"""First half of the number of an advisory lock in PostgreSQL; the CRM's name gives the second."""

_KEYS = (exports.c.crm, exports.c.engagement_id)
_PIECE_COLUMNS = [export_pieces.c[name] for name in ("engagement_id", "key", "is_done", "remote_id")]
_TAKEN = ("created", "updated", "unchanged")
_STILL_OPEN = (IN_FLIGHT, "unknown")


class StoredExports:
    """Implements ``ExportLedger``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def exclusive(self, crm: str) -> Iterator[None]:
        """Be the only one who exports to that CRM; ``ExportBusy`` where another process is.

        Held by the kernel, or by the session in PostgreSQL: it ends with the process, however that ends.
        """
        lock = self._locked_file(crm) if self._database.is_sqlite else self._locked_session(crm)
        with lock:
            yield

    def get(self, crm: str, engagement_ids: Iterable[str]) -> dict[str, ExportRow]:
        """Rows by engagement id; those never seen are left out."""
        rows: dict[str, ExportRow] = {}
        with self._database.read() as connection:
            for ids in id_parts(engagement_ids):
                query = sa.select(exports).where(exports.c.crm == crm, exports.c.engagement_id.in_(ids))
                rows.update((row.engagement_id, row) for row in _rows(connection, query))
        return rows

    def pieces(self, crm: str, engagement_ids: Iterable[str]) -> dict[str, list[ExportPiece]]:
        """Entries and attachments begun or done, by engagement id."""
        found: dict[str, list[ExportPiece]] = {}
        with self._database.read() as connection:
            for ids in id_parts(engagement_ids):
                query = sa.select(*_PIECE_COLUMNS).where(
                    export_pieces.c.crm == crm, export_pieces.c.engagement_id.in_(ids)
                )
                for row in connection.execute(query).mappings():
                    found.setdefault(row["engagement_id"], []).append(ExportPiece(**row))
        return found

    def begin(self, crm: str, plans: Iterable[ExportPlan], *, now: datetime) -> None:
        """They are about to be sent: in flight, carried by no job yet. What is known of the remote record stays."""
        rows = [_new_row(crm, plan, IN_FLIGHT, now) | {"attempts": 1} for plan in plans]
        self._upsert(rows, {"attempts": exports.c.attempts + 1})

    def job(self, crm: str, engagement_ids: Iterable[str], job_id: str) -> None:
        """A job of the CRM carries them."""
        with self._database.write() as connection:
            for ids in id_parts(engagement_ids):
                found = (exports.c.crm == crm) & exports.c.engagement_id.in_(ids)
                connection.execute(sa.update(exports).where(found).values(job_id=job_id))

    def begun(self, crm: str, pieces: Iterable[tuple[str, str]], *, now: datetime) -> None:
        """Entries or attachments (engagement id, key) are about to be sent. One that is done stays done."""
        rows = [
            {"crm": crm, "engagement_id": engagement_id, "key": key, "is_done": False, "changed_at": now}
            for engagement_id, key in pieces
        ]
        if rows:
            with self._database.write() as connection:
                connection.execute(self._database.insert(export_pieces).on_conflict_do_nothing(), rows)

    def done(self, crm: str, pieces: Iterable[tuple[str, str, str]], *, now: datetime) -> None:
        """Entries or attachments (engagement id, key, remote id) are there."""
        common = {"crm": crm, "is_done": True, "changed_at": now}
        rows = [
            common | {"engagement_id": engagement_id, "key": key, "remote_id": remote_id}
            for engagement_id, key, remote_id in pieces
        ]
        insert = self._database.insert(export_pieces)
        upsert = insert.on_conflict_do_update(
            index_elements=[export_pieces.c.crm, export_pieces.c.engagement_id, export_pieces.c.key],
            set_={name: insert.excluded[name] for name in ("is_done", "remote_id", "changed_at")},
        )
        if rows:
            with self._database.write() as connection:
                connection.execute(upsert, rows)

    def finish(self, crm: str, results: Iterable[ExportResult], *, now: datetime) -> None:
        """What became of records in flight, in one transaction. A job is remembered while its end is not known."""
        rows = [_finished(crm, result, now) for result in results]
        if not rows:
            return
        update = (
            sa.update(exports)
            .where(exports.c.crm == sa.bindparam("of_crm"), exports.c.engagement_id == sa.bindparam("of_engagement"))
            .values(
                status=sa.bindparam("to_status", type_=sa.String),
                code=sa.bindparam("to_code"),
                remote_object=sa.func.coalesce(sa.bindparam("to_object", type_=sa.Text), exports.c.remote_object),
                remote_id=sa.func.coalesce(sa.bindparam("to_id", type_=sa.Text), exports.c.remote_id),
                is_foreign=sa.bindparam("to_foreign", type_=sa.Boolean),
                job_id=sa.case((sa.bindparam("keeps_job", type_=sa.Boolean), exports.c.job_id), else_=None),
                attempts=sa.case((sa.bindparam("is_settled", type_=sa.Boolean), 0), else_=exports.c.attempts),
                changed_at=sa.bindparam("to_changed", type_=exports.c.changed_at.type),
                exported_at=sa.func.coalesce(
                    sa.bindparam("to_exported", type_=exports.c.exported_at.type), exports.c.exported_at
                ),
            )
        )
        with self._database.write() as connection:
            connection.execute(update, rows)

    def settle(self, crm: str, settled: Iterable[tuple[ExportPlan, ExportResult]], *, now: datetime) -> None:
        """Records decided upon without sending anything: unchanged, skipped, not mapped."""
        rows = [
            _new_row(crm, plan, result.status, now)
            | {"code": result.code, "attempts": 0}
            | {"remote_object": result.remote_object, "remote_id": result.remote_id, "is_foreign": result.is_foreign}
            for plan, result in settled
        ]
        new = self._database.insert(exports).excluded
        self._upsert(
            rows,
            {
                "attempts": 0,
                "remote_object": sa.func.coalesce(new.remote_object, exports.c.remote_object),
                "remote_id": sa.func.coalesce(new.remote_id, exports.c.remote_id),
                "is_foreign": sa.case((new.remote_id.is_not(None), new.is_foreign), else_=exports.c.is_foreign),
            },
        )

    def unsettled(self, crm: str) -> Sequence[ExportRow]:
        """Records in flight or unknown, oldest first."""
        query = (
            sa.select(exports)
            .where(exports.c.crm == crm, exports.c.status.in_(_STILL_OPEN))
            .order_by(exports.c.changed_at, exports.c.engagement_id)
        )
        with self._database.read() as connection:
            return _rows(connection, query)

    def coded(
        self, crm: str, codes: Sequence[str], *, since: date, unchanged_since: datetime, limit: int
    ) -> Sequence[str]:
        """Engagement ids of records with one of these codes that were taken or refused."""
        query = (
            sa.select(exports.c.engagement_id)
            .where(
                exports.c.crm == crm,
                exports.c.day >= since,
                exports.c.code.in_(codes),
                exports.c.status.in_((*_TAKEN, "failed_permanent")),
                exports.c.changed_at <= unchanged_since,
            )
            .order_by(exports.c.changed_at, exports.c.engagement_id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return list(connection.scalars(query))

    def offer_again(self, crm: str, engagement_id: str) -> bool:
        """A refused record is to be sent again in the next run; where the CRM had lost it, as a new one."""
        refused = sa.and_(
            exports.c.crm == crm, exports.c.engagement_id == engagement_id, exports.c.status == "failed_permanent"
        )
        with self._database.write() as connection:
            code = connection.execute(sa.select(exports.c.code).where(refused)).scalar_one_or_none()
            if code is None:
                return False
            values: dict[str, Any] = {"status": "failed_retryable", "code": "replayed"}
            if code == "not_found":
                values |= {"remote_object": None, "remote_id": None, "is_foreign": False}
                its = (export_pieces.c.crm == crm) & (export_pieces.c.engagement_id == engagement_id)
                connection.execute(sa.delete(export_pieces).where(its))
            connection.execute(sa.update(exports).where(refused).values(**values))
        return True

    def on_day(self, crm: str, day: date) -> Mapping[str, ExportRow]:
        """All rows of a day, by engagement id."""
        query = sa.select(exports).where(exports.c.crm == crm, exports.c.day == day)
        with self._database.read() as connection:
            return {row.engagement_id: row for row in _rows(connection, query)}

    def counts(self, crm: str) -> Sequence[ExportCount]:
        """Records by day and status."""
        keys = (exports.c.day, exports.c.status)
        query = sa.select(*keys, sa.func.count()).where(exports.c.crm == crm).group_by(*keys).order_by(*keys)
        with self._database.read() as connection:
            return [ExportCount(day, status, records) for day, status, records in connection.execute(query)]

    def _upsert(self, rows: list[dict[str, Any]], kept: dict[str, Any]) -> None:
        """Write the plans; what ``kept`` does not say of the columns that are not the plan's stays as it is."""
        if not rows:
            return
        insert = self._database.insert(exports)
        planned = ("day", "activity_hash", "mapping", "content_hash", "status", "code", "job_id", "changed_at")
        upsert = insert.on_conflict_do_update(
            index_elements=list(_KEYS), set_={name: insert.excluded[name] for name in planned} | kept
        )
        with self._database.write() as connection:
            connection.execute(upsert, rows)

    @contextmanager
    def _locked_file(self, crm: str) -> Iterator[None]:
        database = Path(self._database.engine.url.database or "")
        descriptor = os.open(database.with_name(f"{database.name}.{crm}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _busy(crm) from None
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _locked_session(self, crm: str) -> Iterator[None]:
        with self._database.engine.connect() as connection:
            session = connection.execution_options(isolation_level="AUTOCOMMIT")
            key = {"first": _LOCKS, "second": crc32(crm.encode()) & 0x7FFFFFFF}
            if not session.scalar(sa.text("SELECT pg_try_advisory_lock(:first, :second)"), key):
                raise _busy(crm)
            try:
                yield
            finally:
                connection.invalidate()  # the lock goes with the session, and the pool gets no session that holds one


def _busy(crm: str) -> ExportBusy:
    return ExportBusy(f"another process exports to {crm} now")


def _new_row(crm: str, plan: ExportPlan, status: str, now: datetime) -> dict[str, Any]:
    return {
        "crm": crm,
        **asdict(plan),
        "status": status,
        "code": "",
        "remote_object": None,
        "remote_id": None,
        "is_foreign": False,
        "job_id": None,
        "changed_at": now,
        "exported_at": None,
    }


def _finished(crm: str, result: ExportResult, now: datetime) -> dict[str, Any]:
    is_taken = result.status in _TAKEN
    return {
        "of_crm": crm,
        "of_engagement": result.engagement_id,
        "to_status": result.status,
        "to_code": result.code,
        "to_object": result.remote_object,
        "to_id": result.remote_id,
        "to_foreign": result.is_foreign,
        "keeps_job": result.status == "unknown",
        "is_settled": is_taken or result.status == "skipped",
        "to_changed": now,
        "to_exported": now if is_taken else None,
    }


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> list[ExportRow]:
    return [ExportRow(**row) for row in connection.execute(query).mappings()]
