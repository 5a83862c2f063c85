"""The window ledger: what was listed, when, how much was announced and how much came."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.domain.ports import SCOPE_PROBLEM, WindowRow
from zcc_pipeline.domain.window import Window
from zcc_pipeline.state.database import Database
from zcc_pipeline.state.schema import windows


class StoredWindows:
    """Implements ``WindowLedger``."""

    def __init__(self, database: Database, new_id: Callable[[datetime], str]) -> None:
        self._database = database
        self._new_id = new_id

    def begin(self, dataset: str, window: Window, *, day: date, now: datetime) -> str:
        """Open a row and return its batch id. A row that is never finished tells of a run that died."""
        batch_id = self._new_id(now)
        with self._database.write() as connection:
            connection.execute(
                sa.insert(windows),
                {
                    "batch_id": batch_id,
                    "dataset": dataset,
                    "window_start": window.start,
                    "window_end": window.end,
                    "day": day,
                    "started_at": now,
                    "rows": 0,
                    "pages": 0,
                    "api_calls": 0,
                    "is_complete": False,
                },
            )
        return batch_id

    def finish(
        self,
        batch_id: str,
        *,
        rows: int,
        announced: int | None,
        pages: int,
        api_calls: int,
        is_complete: bool,
        error: str | None,
        now: datetime,
    ) -> None:
        """Close the row; ``PermanentError`` where there is none."""
        with self._database.write() as connection:
            result = connection.execute(
                sa.update(windows)
                .where(windows.c.batch_id == batch_id)
                .values(
                    rows=rows,
                    announced=announced,
                    pages=pages,
                    api_calls=api_calls,
                    is_complete=is_complete,
                    error=error,
                    finished_at=now,
                )
            )
            if result.rowcount == 0:
                raise PermanentError(f"no window was begun under batch id {batch_id}")

    def latest(self, dataset: str, first: date, last: date) -> Sequence[WindowRow]:
        """The newest finished row of each day in the range, complete or not, by day."""
        rank = sa.func.row_number().over(
            partition_by=windows.c.day, order_by=(windows.c.finished_at.desc(), windows.c.batch_id.desc())
        )
        ranked = (
            sa.select(windows, rank.label("rank"))
            .where(windows.c.dataset == dataset, windows.c.day.between(first, last), windows.c.finished_at.is_not(None))
            .subquery()
        )
        with self._database.read() as connection:
            found = connection.execute(sa.select(ranked).where(ranked.c.rank == 1).order_by(ranked.c.day))
            return [_row(row) for row in found.mappings()]

    def last_complete_at(self, dataset: str, day: date) -> datetime | None:
        """When the newest complete listing of that day began: it speaks for nothing that happened later."""
        return self.complete_days(dataset, day, day).get(day)

    def complete_days(self, dataset: str, first: date, last: date) -> dict[date, datetime]:
        """For each day that was ever listed completely: when the newest complete listing began."""
        with self._database.read() as connection:
            found = connection.execute(
                sa.select(windows.c.day, sa.func.max(windows.c.started_at))
                .where(windows.c.dataset == dataset, windows.c.day.between(first, last), windows.c.is_complete)
                .group_by(windows.c.day)
            )
            return {day: started_at for day, started_at in found}  # noqa: C416 - typed rows, not tuples

    def unread_days(self, datasets: Iterable[str], first: date, last: date, *, limit: int) -> list[date]:
        """Days on which the listing of one of the datasets was begun and never came to its end, those that were tried
        longest ago first. A listing that was last refused for want of a scope is not among them."""
        of_one = (windows.c.dataset, windows.c.day)
        newest_first = (windows.c.started_at.desc(), windows.c.batch_id.desc())
        tries = (
            sa.select(
                windows.c.day,
                windows.c.started_at,
                windows.c.error,
                sa.func.max(sa.case((windows.c.is_complete, 1), else_=0)).over(partition_by=of_one).label("is_read"),
                sa.func.row_number().over(partition_by=of_one, order_by=newest_first).label("rank"),
            )
            .where(windows.c.dataset.in_(list(datasets)), windows.c.day.between(first, last))
            .subquery()
        )
        lacks_scope = sa.func.coalesce(tries.c.error, "").startswith(SCOPE_PROBLEM)
        query = (
            sa.select(tries.c.day)
            .where(tries.c.rank == 1, tries.c.is_read == 0, ~lacks_scope)
            .group_by(tries.c.day)
            .order_by(sa.func.max(tries.c.started_at), tries.c.day)
        )
        with self._database.read() as connection:
            return list(connection.execute(query.limit(limit)).scalars())


def _row(found: sa.RowMapping) -> WindowRow:
    values: dict[str, Any] = dict(found)
    values.pop("rank")
    return WindowRow(window=Window(values.pop("window_start"), values.pop("window_end")), **values)
