"""The rate budget that all processes on one Zoom account share: a generic cell rate algorithm in one SQL statement.

``arrival`` is the theoretical arrival time: it moves on by one interval with each slot taken. A slot is free once the
clock is no more than ``burst - 1`` intervals behind it. One statement reads, decides and writes, so no two processes
get the same slot and nothing is left locked when one of them dies.
"""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from zcc_pipeline.domain.datasets import Label
from zcc_pipeline.state.database import Database, translated_errors

CLOCK_STEP_SECONDS = 300.0
"""A clock that is further back than this has been set back (hosts that agree are within seconds): the budget starts
afresh, rather than make everybody wait until the old time comes round again."""


def _statements(greatest: str) -> tuple[sa.TextClause, sa.TextClause]:
    """Reserve, and look only; the two databases differ in what they call the larger of two values."""
    is_set_back = f"(:now + {CLOCK_STEP_SECONDS} < zcc_rate.seen_at)"
    slot = (
        f"(CASE WHEN {is_set_back} THEN :now "
        f"ELSE {greatest}(:now, zcc_rate.blocked_until, zcc_rate.arrival - :tolerance) END)"
    )
    arrival = f"(CASE WHEN {is_set_back} THEN :now ELSE {greatest}(zcc_rate.arrival, {slot}) END)"
    reserve = f"""
        INSERT INTO zcc_rate (label, arrival, slot, blocked_until, seen_at)
        VALUES (:label, :now + :interval, :now, 0, :now)
        ON CONFLICT (label) DO UPDATE SET
            arrival = {arrival} + :interval,
            slot = {slot},
            blocked_until = CASE WHEN {is_set_back} THEN 0 ELSE zcc_rate.blocked_until END,
            seen_at = CASE WHEN {is_set_back} THEN :now ELSE {greatest}(zcc_rate.seen_at, :now) END
        WHERE {slot} <= :not_later_than
        RETURNING slot
    """
    return sa.text(reserve), sa.text(f"SELECT {slot} FROM zcc_rate WHERE label = :label")


class SharedRateBudget:
    """Implements ``RateBudget``. Times are seconds since the epoch."""

    def __init__(self, database: Database) -> None:
        self._engine = database.engine
        self._greatest = "MAX" if database.is_sqlite else "GREATEST"
        self._reserve, self._peek = _statements(self._greatest)
        self._block = sa.text(
            "INSERT INTO zcc_rate (label, arrival, slot, blocked_until, seen_at) VALUES (:label, 0, 0, :until, 0) "
            "ON CONFLICT (label) DO UPDATE SET "
            f"blocked_until = {self._greatest}(zcc_rate.blocked_until, excluded.blocked_until)"
        )
        self._spend = sa.text(
            "INSERT INTO zcc_heavy_day (day, spent) VALUES (:day, :amount) ON CONFLICT (day) DO UPDATE SET "
            "spent = zcc_heavy_day.spent + :amount WHERE zcc_heavy_day.spent + :amount <= :cap RETURNING spent"
        ).bindparams(sa.bindparam("day", type_=sa.Date))
        self._spent = sa.text("SELECT spent FROM zcc_heavy_day WHERE day = :day").bindparams(
            sa.bindparam("day", type_=sa.Date)
        )

    def reserve(
        self, label: Label, *, interval_seconds: float, burst: int, now: float, not_later_than: float | None = None
    ) -> float:
        """Take the next free slot and return its time; see ``RateBudget.reserve``."""
        values = {
            "label": str(label),
            "now": now,
            "interval": interval_seconds,
            "tolerance": max(0, burst - 1) * interval_seconds,
        }
        with translated_errors(), self._engine.connect() as connection:
            if not_later_than is None or now <= not_later_than:
                limit = float("inf") if not_later_than is None else not_later_than
                slot = connection.execute(self._reserve, {**values, "not_later_than": limit}).scalar()
                if slot is not None:
                    return float(slot)
            slot = connection.execute(self._peek, values).scalar()
            return now if slot is None else float(slot)

    def block(self, label: Label, *, until: float) -> None:
        """Nobody gets a slot of that label before ``until``. Never shortens an earlier block."""
        with translated_errors(), self._engine.connect() as connection:
            connection.execute(self._block, {"label": str(label), "until": until})

    def spend_daily(self, day: date, *, amount: int, cap: int) -> bool:
        """Count heavy calls against the day; False, and nothing counted, where ``cap`` would be passed."""
        if amount > cap:
            return False
        with translated_errors(), self._engine.connect() as connection:
            spent = connection.execute(self._spend, {"day": day, "amount": amount, "cap": cap}).scalar()
        return spent is not None

    def spent_daily(self, day: date) -> int:
        """Heavy calls counted on that day."""
        with translated_errors(), self._engine.connect() as connection:
            return int(connection.execute(self._spent, {"day": day}).scalar() or 0)
