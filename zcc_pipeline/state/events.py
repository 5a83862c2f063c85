"""What became of received events, and what is to be done because of them.

Rows of an inbox are known by number. On a long history only those above the mark are kept one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from zcc_pipeline.domain.ports import DueRefresh, EventGap, PushedPart, WantedRefresh
from zcc_pipeline.state.database import Database, id_parts
from zcc_pipeline.state.schema import applied_events, event_gaps, event_marks, pushed_parts, refresh_due


class StoredEvents:
    """Implements ``EventLedger``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self, inbox_id: str) -> int:
        """Every row of that inbox up to this number is applied."""
        with self._database.read() as connection:
            return _mark(connection, inbox_id)

    def advance(self, inbox_id: str, seq: int) -> None:
        """Raise the mark: everything up to ``seq`` is applied, and no lower number can appear any more."""
        insert = self._database.insert(event_marks).values(inbox_id=inbox_id, seq=seq)
        upsert = insert.on_conflict_do_update(
            index_elements=[event_marks.c.inbox_id],
            set_={"seq": insert.excluded.seq},
            where=insert.excluded.seq > event_marks.c.seq,
        )
        below = sa.delete(applied_events).where(applied_events.c.inbox_id == inbox_id, applied_events.c.seq <= seq)
        with self._database.write() as connection:
            connection.execute(upsert)
            connection.execute(below)

    def applied(self, inbox_id: str, seqs: Iterable[int]) -> set[int]:
        """Those of the rows that are applied."""
        wanted = list(seqs)
        with self._database.read() as connection:
            mark = _mark(connection, inbox_id)
            found = {seq for seq in wanted if seq <= mark}
            for some in id_parts([seq for seq in wanted if seq > mark]):
                query = sa.select(applied_events.c.seq).where(
                    applied_events.c.inbox_id == inbox_id, applied_events.c.seq.in_(some)
                )
                found.update(connection.scalars(query))
        return found

    def apply(
        self,
        inbox_id: str,
        seqs: Iterable[int],
        *,
        due: Iterable[WantedRefresh] = (),
        gaps: Iterable[EventGap] = (),
        parts: Iterable[PushedPart] = (),
        now: datetime,
    ) -> None:
        """Keep that those rows are applied and what follows from them, all of it or nothing."""
        rows = [{"inbox_id": inbox_id, "seq": seq, "applied_at": now} for seq in seqs]
        gap_rows = [asdict(gap) | {"next_try_at": now} for gap in gaps]
        part_rows = [asdict(part) for part in _newest(parts)]
        insert = self._database.insert
        with self._database.write() as connection:
            if rows:
                connection.execute(insert(applied_events).on_conflict_do_nothing(), rows)
            if gap_rows:
                connection.execute(insert(event_gaps).on_conflict_do_nothing(), gap_rows)
            if part_rows:
                new = insert(pushed_parts)
                upsert = new.on_conflict_do_update(
                    index_elements=[pushed_parts.c.dataset, pushed_parts.c.record_id],
                    set_={"shape": new.excluded.shape, "said_at": new.excluded.said_at},
                    where=new.excluded.said_at > pushed_parts.c.said_at,
                )
                connection.execute(upsert, part_rows)
            self._want(connection, due)

    def want(self, due: Iterable[WantedRefresh]) -> None:
        """Add engagements to be read; one that waits already is due at the earlier time and read until the later."""
        with self._database.write() as connection:
            self._want(connection, due)

    def _want(self, connection: sa.Connection, due: Iterable[WantedRefresh]) -> None:
        rows = [
            {
                "engagement_id": each.engagement_id,
                "due_at": each.due_at,
                "read_after": each.due_at,
                "day": each.day,
                "first_due_at": each.due_at,
                "attempts": 0,
                "reason": each.reason,
            }
            for each in due
        ]
        if not rows:
            return
        insert, held = self._database.insert(refresh_due), refresh_due.c
        new = insert.excluded
        is_sooner = sa.or_(held.due_at.is_(None), new.due_at < held.due_at)
        upsert = insert.on_conflict_do_update(
            index_elements=[held.engagement_id],
            set_={
                "due_at": sa.case((is_sooner, new.due_at), else_=held.due_at),
                "read_after": sa.case((new.read_after > held.read_after, new.read_after), else_=held.read_after),
                "attempts": 0,
                "reason": new.reason,
            },
        )
        connection.execute(upsert, rows)

    def due(self, now: datetime, limit: int) -> Sequence[DueRefresh]:
        """Engagements to be read now, the longest waiting first."""
        query = sa.select(refresh_due).where(refresh_due.c.due_at <= now).order_by(refresh_due.c.due_at).limit(limit)
        with self._database.read() as connection:
            return [DueRefresh(**row) for row in connection.execute(query).mappings()]

    def waiting(self) -> Sequence[DueRefresh]:
        """All engagements that wait, also for later, and those given up."""
        query = sa.select(refresh_due).order_by(refresh_due.c.first_due_at, refresh_due.c.engagement_id)
        with self._database.read() as connection:
            return [DueRefresh(**row) for row in connection.execute(query).mappings()]

    def count_due(self, now: datetime) -> int:
        """How many engagements and gaps are due."""
        count = sa.select(sa.func.count())
        engagements = count.select_from(refresh_due).where(refresh_due.c.due_at <= now)
        gaps = count.select_from(event_gaps).where(event_gaps.c.next_try_at <= now)
        with self._database.read() as connection:
            return int(connection.scalar(engagements) or 0) + int(connection.scalar(gaps) or 0)

    def next_due_at(self) -> datetime | None:
        """When the next engagement is due; None where none waits."""
        with self._database.read() as connection:
            found: datetime | None = connection.scalar(sa.select(sa.func.min(refresh_due.c.due_at)))
        return found

    def settle(self, reads: Mapping[str, datetime]) -> None:
        """They were found by reads begun at those times: done, or due again where something happened since."""
        rows = [{"of": engagement_id, "begun_at": begun_at} for engagement_id, begun_at in reads.items()]
        if not rows:
            return
        held = refresh_due.c
        of: sa.BindParameter[str] = sa.bindparam("of")
        begun_at = sa.bindparam("begun_at", type_=held.read_after.type)
        done = sa.delete(refresh_due).where(held.engagement_id == of, held.read_after <= begun_at)
        again = sa.update(refresh_due).where(held.engagement_id == of).values(due_at=held.read_after, attempts=0)
        with self._database.write() as connection:
            connection.execute(done, rows)
            connection.execute(again, [{"of": row["of"]} for row in rows])

    def postpone(self, retries: Mapping[str, tuple[datetime | None, str]]) -> None:
        """They were not found or could not be read: when to try next (None: not any more), and why."""
        if not retries:
            return
        held = refresh_due.c
        update = (
            sa.update(refresh_due)
            .where(held.engagement_id == sa.bindparam("of"))
            .values(due_at=sa.bindparam("next_at"), reason=sa.bindparam("why"), attempts=held.attempts + 1)
        )
        rows = [{"of": key, "next_at": next_at, "why": why} for key, (next_at, why) in retries.items()]
        with self._database.write() as connection:
            connection.execute(update, rows)

    def forget_given_up(self, before: datetime) -> int:
        """Drop those given up whose first event is older than that; returns how many."""
        old = sa.delete(refresh_due).where(refresh_due.c.due_at.is_(None), refresh_due.c.first_due_at < before)
        with self._database.write() as connection:
            return connection.execute(old).rowcount

    def open_gaps(self, now: datetime) -> Sequence[EventGap]:
        """Gaps not polled yet and due to be."""
        columns = [event_gaps.c[name] for name in EventGap.__slots__]
        query = sa.select(*columns).where(event_gaps.c.next_try_at <= now).order_by(event_gaps.c.started_at)
        with self._database.read() as connection:
            return [EventGap(**row) for row in connection.execute(query).mappings()]

    def close_gap(self, gap: EventGap, outcome: str, *, now: datetime) -> None:
        """Its time has been polled, or that was given up, as ``outcome`` says."""
        self._update_gap(gap, outcome=outcome, closed_at=now, next_try_at=None)

    def postpone_gap(self, gap: EventGap, outcome: str, *, next_try_at: datetime) -> None:
        """Polling it failed and is tried again then."""
        self._update_gap(gap, outcome=outcome, next_try_at=next_try_at)

    def _update_gap(self, gap: EventGap, **values: object) -> None:
        update = (
            sa.update(event_gaps)
            .where(event_gaps.c.inbox_id == gap.inbox_id, event_gaps.c.seq == gap.seq)
            .values(attempts=gap.attempts + 1, **values)
        )
        with self._database.write() as connection:
            connection.execute(update)

    def parts_of(self, engagement_ids: Iterable[str]) -> Sequence[PushedPart]:
        """Pushed parts of those engagements on which no read has spoken yet."""
        found: list[PushedPart] = []
        with self._database.read() as connection:
            for some in id_parts(engagement_ids):
                query = sa.select(pushed_parts).where(pushed_parts.c.engagement_id.in_(some))
                found += [PushedPart(**row) for row in connection.execute(query).mappings()]
        return found

    def resolve(self, parts: Iterable[PushedPart]) -> None:
        """A read has confirmed or denied them; a younger word on the same part stays."""
        rows = [{"of": part.dataset, "record": part.record_id, "until": part.said_at} for part in parts]
        if not rows:
            return
        held = pushed_parts.c
        done = sa.delete(pushed_parts).where(
            held.dataset == sa.bindparam("of"),
            held.record_id == sa.bindparam("record"),
            held.said_at <= sa.bindparam("until", type_=held.said_at.type),
        )
        with self._database.write() as connection:
            connection.execute(done, rows)


def _mark(connection: sa.Connection, inbox_id: str) -> int:
    return int(connection.scalar(sa.select(event_marks.c.seq).where(event_marks.c.inbox_id == inbox_id)) or 0)


def _newest(parts: Iterable[PushedPart]) -> Iterator[PushedPart]:
    newest: dict[tuple[str, str], PushedPart] = {}
    for part in parts:
        key = (part.dataset, part.record_id)
        if key not in newest or newest[key].said_at < part.said_at:
            newest[key] = part
    yield from newest.values()
