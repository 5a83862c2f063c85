"""Records that could not be processed: kept whole, with the reason, until somebody replays or drops them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b

import sqlalchemy as sa

from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.domain.ports import QuarantineItem, QuarantineState, RefusedRecord
from zcc_pipeline.state.database import Database, id_parts
from zcc_pipeline.state.schema import quarantine

_COLUMNS = [column for column in quarantine.c if column.name != "fingerprint"]
_REFUSED = [quarantine.c[name] for name in RefusedRecord.__dataclass_fields__]


class StoredQuarantine:
    """Implements ``Quarantine``."""

    def __init__(self, database: Database, new_id: Callable[[datetime], str]) -> None:
        self._database = database
        self._new_id = new_id

    def add(
        self,
        room: str,
        dataset: str,
        record_id: str | None,
        reason: str,
        detail: str,
        payload: bytes,
        now: datetime,
    ) -> str:
        """Hold a record and return its id.

        The same record refused again for the same reason is the same item, counted once more: reading a day every
        night does not fill the quarantine. One that was replayed and is refused again is held again; one that was
        dropped stays dropped.
        """
        refused = RefusedRecord(room, dataset, record_id, reason, detail, payload)
        with self._database.write() as connection:
            return self._hold(connection, refused, now)

    def add_all(self, records: Iterable[RefusedRecord], now: datetime) -> None:
        """The same for many, in one transaction: thousands of events of another account come at once."""
        with self._database.write() as connection:
            for refused in records:
                self._hold(connection, refused, now)

    def _hold(self, connection: sa.Connection, refused: RefusedRecord, now: datetime) -> str:
        insert = self._database.insert(quarantine)
        upsert = insert.on_conflict_do_update(
            index_elements=[quarantine.c.fingerprint],
            set_={
                "detail": insert.excluded.detail,
                "last_seen_at": insert.excluded.last_seen_at,
                "times_seen": quarantine.c.times_seen + 1,
                "state": sa.case((quarantine.c.state == "dropped", "dropped"), else_="held"),
            },
        ).returning(quarantine.c.item_id)
        values = {
            "item_id": self._new_id(now),
            "fingerprint": _fingerprint(refused),
            "room": refused.room,
            "dataset": refused.dataset,
            "record_id": refused.record_id,
            "reason": refused.reason,
            "detail": refused.detail,
            "payload": refused.payload,
            "state": "held",
            "first_seen_at": now,
            "last_seen_at": now,
            "times_seen": 1,
        }
        return str(connection.execute(upsert, values).scalar_one())

    def list(self, state: QuarantineState | None = "held") -> Sequence[QuarantineItem]:
        """Items in that state (None: all), oldest first."""
        query = sa.select(*_COLUMNS).order_by(quarantine.c.first_seen_at, quarantine.c.item_id)
        if state is not None:
            query = query.where(quarantine.c.state == state)
        with self._database.read() as connection:
            return [QuarantineItem(**row) for row in connection.execute(query).mappings()]

    def get(self, item_id: str) -> QuarantineItem | None:
        """One item with its payload, or None."""
        query = sa.select(*_COLUMNS).where(quarantine.c.item_id == item_id)
        with self._database.read() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return QuarantineItem(**row) if row else None

    def mark(self, item_id: str, state: QuarantineState) -> None:
        """Say what became of it; ``PermanentError`` where there is no such item."""
        with self._database.write() as connection:
            result = connection.execute(
                sa.update(quarantine).where(quarantine.c.item_id == item_id).values(state=state)
            )
            if result.rowcount == 0:
                raise PermanentError(f"no quarantined item {item_id}")

    def release(self, room: str, dataset: str, record_ids: Iterable[str]) -> int:
        """Those records have been processed after all: what was held of them counts as replayed; returns how many."""
        released = 0
        with self._database.write() as connection:
            for ids in id_parts(record_ids):
                its = sa.and_(
                    quarantine.c.room == room,
                    quarantine.c.dataset == dataset,
                    quarantine.c.record_id.in_(ids),
                    quarantine.c.state == "held",
                )
                released += connection.execute(sa.update(quarantine).where(its).values(state="replayed")).rowcount
        return released

    def rewrite(self, change: Callable[[bytes], bytes]) -> int:
        """Exchange the payload of each item, in whatever state, for what ``change`` makes of it; how many differed.

        One that becomes the same as another is that one. What was there is overwritten in SQLite's file, too.
        """
        with self._database.write() as connection:
            if self._database.is_sqlite:
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            changed = 0
            for (item_id,) in connection.execute(sa.select(quarantine.c.item_id)).fetchall():
                its = quarantine.c.item_id == item_id
                row = connection.execute(sa.select(*_REFUSED).where(its)).mappings().one()
                refused = RefusedRecord(**row)
                clean = replace(refused, payload=change(refused.payload))
                if clean.payload == refused.payload:
                    continue
                changed += 1
                fingerprint = _fingerprint(clean)
                is_known = sa.select(quarantine.c.item_id).where(quarantine.c.fingerprint == fingerprint)
                if connection.execute(is_known).first() is not None:
                    connection.execute(sa.delete(quarantine).where(its))
                else:
                    values = {"payload": clean.payload, "fingerprint": fingerprint}
                    connection.execute(sa.update(quarantine).where(its).values(**values))
        return changed


def _fingerprint(refused: RefusedRecord) -> str:
    digest = blake2b(digest_size=32)
    words = (refused.room, refused.dataset, refused.record_id or "", refused.reason)
    for part in (*(word.encode() for word in words), refused.payload):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
