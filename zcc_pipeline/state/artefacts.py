"""The file ledger: which files are wanted, stored, failed (to be tried again) or gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from zcc_pipeline.domain.completeness import ArtefactKind, Reason
from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.domain.ports import ArtefactRow, StoredFile, WantedArtefact
from zcc_pipeline.state.database import Database, id_parts
from zcc_pipeline.state.schema import artefacts

_COLUMNS = [column for column in artefacts.c if column.name != "tried_at"]

# What Zoom deletes soonest comes first (https://support.zoom.com/hc/en/article?id=zm_kb&sysparm_article=KB0058770).
_FETCH_ORDER = sa.case(
    (artefacts.c.kind.in_([ArtefactKind.VOICEMAIL, ArtefactKind.VOICEMAIL_TRANSCRIPT]), 0),
    (artefacts.c.kind == ArtefactKind.RECORDING, 2),
    else_=1,
)


@dataclass(frozen=True, slots=True)
class ArtefactCount:
    """How many files of one day, kind and state there are, and their bytes."""

    day: date
    kind: ArtefactKind
    state: str
    files: int
    size_bytes: int


class StoredArtefacts:
    """Implements ``ArtefactLedger``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def want(self, wanted: Iterable[WantedArtefact], *, now: datetime) -> int:
        """Add those not known yet, due at once; returns how many were new. Known rows keep their state.

        An engagement id that was not known at first is filled in.
        """
        fresh = {"state": "wanted", "attempts": 0, "first_seen_at": now, "next_try_at": now}
        rows = [
            {
                "kind": item.kind,
                "source_id": item.source_id,
                "engagement_id": item.engagement_id,
                "day": item.day,
                "occurred_at": item.occurred_at,
                **fresh,
            }
            for item in wanted
        ]
        if not rows:
            return 0
        insert = self._database.insert(artefacts)
        with self._database.write() as connection:
            added = connection.execute(insert.on_conflict_do_nothing().returning(artefacts.c.source_id), rows)
            new = len(added.all())
            if new < len(rows):
                _fill_engagements(connection, rows)
        return new

    def get(self, kind: ArtefactKind, source_ids: Iterable[str]) -> dict[str, ArtefactRow]:
        """Rows by source id; ids that are not known are left out."""
        rows: dict[str, ArtefactRow] = {}
        with self._database.read() as connection:
            for ids in id_parts(source_ids):
                query = sa.select(*_COLUMNS).where(artefacts.c.kind == kind, artefacts.c.source_id.in_(ids))
                rows.update((row.source_id, row) for row in _rows(connection.execute(query)))
        return rows

    def on_days(self, first: date, last: date, *, kind: ArtefactKind | None = None) -> Sequence[ArtefactRow]:
        """All rows of those days."""
        query = sa.select(*_COLUMNS).where(artefacts.c.day.between(first, last))
        if kind is not None:
            query = query.where(artefacts.c.kind == kind)
        with self._database.read() as connection:
            return _rows(connection.execute(query))

    def due(
        self,
        now: datetime,
        first: date,
        last: date,
        kinds: Iterable[ArtefactKind] | None = None,
        *,
        limit: int | None = None,
    ) -> Sequence[ArtefactRow]:
        """Files to fetch now: wanted or failed, and their time has come. Voicemail first, then transcripts, oldest
        first."""
        query = sa.select(*_COLUMNS).where(
            artefacts.c.state.in_(["wanted", "failed"]),
            artefacts.c.next_try_at <= now,
            artefacts.c.day.between(first, last),
        )
        if kinds is not None:
            query = query.where(artefacts.c.kind.in_(list(kinds)))
        query = query.order_by(_FETCH_ORDER, artefacts.c.occurred_at, artefacts.c.source_id).limit(limit)
        with self._database.read() as connection:
            return _rows(connection.execute(query))

    def not_stored(self, kind: ArtefactKind) -> Sequence[ArtefactRow]:
        """Files that the source still has to give: wanted or failed, oldest first by their own time."""
        query = (
            sa.select(*_COLUMNS)
            .where(artefacts.c.state.in_(["wanted", "failed"]), artefacts.c.kind == kind)
            .order_by(artefacts.c.occurred_at, artefacts.c.source_id)
        )
        with self._database.read() as connection:
            return _rows(connection.execute(query))

    def counts(self, first: date, last: date) -> Sequence[ArtefactCount]:
        """Files and bytes per day, kind and state."""
        keys = (artefacts.c.day, artefacts.c.kind, artefacts.c.state)
        query = (
            sa.select(*keys, sa.func.count(), sa.func.coalesce(sa.func.sum(artefacts.c.size_bytes), 0))
            .where(artefacts.c.day.between(first, last))
            .group_by(*keys)
            .order_by(*keys)
        )
        with self._database.read() as connection:
            return [
                ArtefactCount(day, ArtefactKind(kind), state, files, int(size_bytes))
                for day, kind, state, files, size_bytes in connection.execute(query)
            ]

    def mark_stored(self, kind: ArtefactKind, stored: Mapping[str, StoredFile], *, now: datetime) -> None:
        """These files, by source id, are on disk, synced and named; the ledger knows of all of them or of none.

        One stored again with the same content keeps its first time.
        """

        def change(row: sa.RowMapping) -> dict[str, Any]:
            file = stored[row["source_id"]]
            is_same = row["state"] == "stored" and row["sha256"] == file.sha256
            return {
                "state": "stored",
                "stored_at": row["stored_at"] if is_same else now,
                "path": file.path,
                "size_bytes": file.size_bytes,
                "sha256": file.sha256,
                "sha512": file.sha512,
                "media_type": file.media_type,
                "next_try_at": None,
                "not_found_since": None,
                "reason": None,
                "evidence": None,
                **_attempt(row, now),
            }

        self._change(kind, stored, change)

    def mark_failed(
        self,
        kind: ArtefactKind,
        source_id: str,
        *,
        reason: Reason,
        evidence: str,
        next_try_at: datetime | None,
        now: datetime,
    ) -> None:
        """An attempt failed; the file is due again at ``next_try_at`` (None: not by itself).

        With ``Reason.NOT_READY`` (the source answered 404) the row remembers since when. A file already stored, or
        already known to be gone, stays so.
        """

        def change(row: sa.RowMapping) -> dict[str, Any]:
            if row["state"] in ("stored", "gone"):
                return {}
            is_not_found = reason is Reason.NOT_READY
            return {
                "state": "failed",
                "reason": reason,
                "evidence": evidence,
                "next_try_at": next_try_at,
                "not_found_since": (row["not_found_since"] or now) if is_not_found else None,
                **_attempt(row, now),
            }

        self._change(kind, [source_id], change)

    def mark_gone(self, kind: ArtefactKind, source_id: str, *, reason: Reason, evidence: str, now: datetime) -> None:
        """The source has it no more; it is not tried again. A file already stored stays stored, with the evidence
        beside it."""

        def change(row: sa.RowMapping) -> dict[str, Any]:
            if row["state"] == "stored":
                return {"reason": reason, "evidence": evidence}
            return {
                "state": "gone",
                "reason": reason,
                "evidence": evidence,
                "next_try_at": None,
                **_attempt(row, now),
            }

        self._change(kind, [source_id], change)

    def retry(self, kind: ArtefactKind, source_ids: Iterable[str], *, now: datetime) -> int:
        """Make failed and gone files due at once, as when the source lists them again; returns how many."""
        with self._database.write() as connection:
            changed = 0
            for ids in id_parts(source_ids):
                changed += connection.execute(
                    sa.update(artefacts)
                    .where(
                        artefacts.c.kind == kind,
                        artefacts.c.source_id.in_(ids),
                        artefacts.c.state.in_(["failed", "gone"]),
                    )
                    .values(state="wanted", next_try_at=now, not_found_since=None, reason=None, evidence=None)
                ).rowcount
        return changed

    def _change(
        self, kind: ArtefactKind, source_ids: Iterable[str], change: Callable[[sa.RowMapping], dict[str, Any]]
    ) -> None:
        """Rows are locked in the order of their ids, so that two who change the same never wait in a circle."""
        with self._database.write() as connection:
            for ids in id_parts(source_ids):
                of_them = sa.select(artefacts).where(artefacts.c.kind == kind, artefacts.c.source_id.in_(ids))
                found = connection.execute(of_them.order_by(artefacts.c.source_id).with_for_update()).mappings()
                rows = {row["source_id"]: row for row in found}
                changes: dict[tuple[str, ...], list[dict[str, Any]]] = {}
                for source_id in ids:
                    if source_id not in rows:
                        raise PermanentError(f"{kind} {source_id} was never wanted")
                    values = change(rows[source_id])
                    if values:
                        changes.setdefault(tuple(values), []).append({"key": source_id, **values})
                for names, parameters in changes.items():
                    update = sa.update(artefacts).where(
                        artefacts.c.kind == kind, artefacts.c.source_id == sa.bindparam("key")
                    )
                    connection.execute(update.values({name: sa.bindparam(name) for name in names}), parameters)


def _attempt(row: sa.RowMapping, now: datetime) -> dict[str, Any]:
    """The same report handed in twice counts as one attempt."""
    return {"attempts": row["attempts"] + (row["tried_at"] != now), "tried_at": now}


def _fill_engagements(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    days = [row["day"] for row in rows]
    nameless = connection.execute(
        sa.select(artefacts.c.kind, artefacts.c.source_id).where(
            artefacts.c.engagement_id.is_(None), artefacts.c.day.between(min(days), max(days))
        )
    )
    keys = {(kind, source_id) for kind, source_id in nameless}
    changes = [
        {"k": row["kind"], "s": row["source_id"], "e": row["engagement_id"]}
        for row in rows
        if row["engagement_id"] is not None and (row["kind"], row["source_id"]) in keys
    ]
    if changes:
        connection.execute(
            sa.update(artefacts)
            .where(artefacts.c.kind == sa.bindparam("k"), artefacts.c.source_id == sa.bindparam("s"))
            .values(engagement_id=sa.bindparam("e")),
            changes,
        )


def _rows(found: sa.CursorResult[Any]) -> list[ArtefactRow]:
    rows = []
    for values in found.mappings():
        fields = dict(values)
        fields["kind"] = ArtefactKind(fields["kind"])
        fields["reason"] = Reason(fields["reason"]) if fields["reason"] else None
        rows.append(ArtefactRow(**fields))
    return rows
