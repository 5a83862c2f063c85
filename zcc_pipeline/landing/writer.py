"""Appends the versions of one dataset: everything appears at the commit, or nothing does."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.datasets import Dataset
from zcc_pipeline.domain.records import LandingCounts, RecordChunk
from zcc_pipeline.domain.window import Window, day_of
from zcc_pipeline.landing.batch import Array, Batch, BatchBuilder, Reject
from zcc_pipeline.landing.days import NO_TIME, days_of, to_microseconds
from zcc_pipeline.landing.known import DayVersions
from zcc_pipeline.landing.layout import day_folder, file_name
from zcc_pipeline.landing.schema import rows_per_group, write_versions
from zcc_pipeline.landing.storage import Storage
from zcc_pipeline.landing.version_rule import judge

FLUSH_BYTES = 32 << 20


@dataclass(slots=True)
class _StagedFile:
    """A file being written beside the lake, or waiting there for the commit."""

    path: Path
    target: str
    written: Future[int]

    def open_input(self) -> pa.NativeFile:
        """For comparing later records with it before it is published."""
        self.written.result()
        return pa.OSFile(str(self.path), "r")


class LakeWriter:
    """Lands records of one dataset. Use as a context manager; without ``commit`` nothing of it appears in the lake.

    Not for use from several threads at once. Files are compressed and synced in a thread of its own, one behind the
    caller, so that a caller who waits for the network gives it the processor.
    """

    def __init__(
        self,
        storage: Storage,
        dataset: Dataset,
        *,
        timezone: ZoneInfo,
        clock: Clock,
        new_id: Callable[[], str],
        load_day: Callable[[date], DayVersions],
        window: Window | None,
        flush_bytes: int,
        reject: Reject | None,
    ) -> None:
        self._storage, self._dataset = storage, dataset
        self._timezone, self._clock, self._new_id = timezone, clock, new_id
        self._load_day, self._window, self._flush_bytes = load_day, window, flush_bytes
        self._builder = BatchBuilder(reject)
        self._days: dict[date, DayVersions] = {}
        self._staged: list[_StagedFile] = []
        self._observed_at = 0
        self._counts = LandingCounts()
        self._is_closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="landing")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closed = True
        self._thread.shutdown(wait=True)
        for staged in self._staged:
            staged.path.unlink(missing_ok=True)

    def add(self, chunk: RecordChunk) -> None:
        """Take records in; they are written once enough have come together.

        Records that are not UTF-8 text go to ``reject``, or raise ``RecordRejected`` where there is none.
        """
        if self._is_closed:
            raise ValueError("this writer has already been committed or left")
        if chunk.dataset != self._dataset.name:
            raise ValueError(f"a chunk of {chunk.dataset} was handed to the writer of {self._dataset.name}")
        self._counts.received += len(chunk)
        self._builder.add(chunk)
        if self._builder.weight_bytes >= self._flush_bytes:
            self._flush()

    def commit(self) -> LandingCounts:
        """Publish everything and say what became of the records. The writer is closed afterwards."""
        self._flush()
        self._is_closed = True
        for staged in self._staged:
            self._counts.bytes_written += staged.written.result()
            self._storage.publish(staged.path, staged.target)
            self._counts.files_written += 1
        self._staged.clear()
        return self._counts

    def _flush(self) -> None:
        if not len(self._builder):
            return
        batch = self._builder.take()
        rows, ordinals = self._assign_days(batch)
        self._counts.out_of_window += len(batch) - len(rows)
        self._observed_at = max(to_microseconds(self._clock.now()), self._observed_at + 1)
        observed_at = np.full(len(batch), self._observed_at)
        kept_by_day = []
        for ordinal in np.unique(ordinals).tolist():
            day = date.fromordinal(ordinal)
            kept = self._judge_day(batch, rows[ordinals == ordinal], day, observed_at)
            if len(kept):
                kept_by_day.append((day, kept))
        if not kept_by_day:
            return
        self._observed_at = int(observed_at.max())
        table = batch.to_table(observed_at)
        for day, kept in kept_by_day:
            part = table if len(kept) == len(batch) else table.take(pa.array(kept))
            self._stage(day, part, batch.keys[kept])

    def _assign_days(self, batch: Batch) -> tuple[Array, Array]:
        """The rows that belong into the window, and the local day of each.

        A record without a time of its own belongs to the window it was listed for, else to the moment it speaks for.
        """
        moments, window = batch.occurred_at, self._window
        if window is None:
            moments = np.where(moments == NO_TIME, batch.as_of, moments)
            rows = np.arange(len(batch))
        else:
            start, end = to_microseconds(window.start), to_microseconds(window.end)
            moments = np.where(moments == NO_TIME, start, moments)
            rows = np.flatnonzero((moments >= start) & (moments < end))
            if len(rows) and day_of(window.start, self._timezone) == day_of_last_moment(window, self._timezone):
                return rows, np.full(len(rows), day_of(window.start, self._timezone).toordinal())
        return rows, days_of(moments[rows], self._timezone)

    def _judge_day(self, batch: Batch, rows: Array, day: date, observed_at: Array) -> Array:
        known = self._days.get(day)
        if known is None:
            known = self._days[day] = self._load_day(day)
        verdict = judge(
            batch,
            rows,
            known,
            observed_at=self._observed_at,
            volatile_fields=self._dataset.volatile_fields,
        )
        kept = rows[verdict.is_kept]
        observed_at[kept] = verdict.observed_at[verdict.is_kept]
        is_deleted = batch.is_deleted[kept]
        was_known = verdict.is_known[verdict.is_kept]
        counts = self._counts
        counts.deleted += int(is_deleted.sum())
        counts.new += int((~is_deleted & ~was_known).sum())
        counts.changed += int((~is_deleted & was_known).sum())
        counts.unchanged += len(rows) - len(kept)
        if len(kept):
            counts.days.add(day.isoformat())
        return kept

    def _stage(self, day: date, table: pa.Table, keys: Array) -> None:
        if self._staged:
            self._staged[-1].written.result()  # one file at a time, so that memory stays flat
        name = file_name(self._clock.now(), self._new_id())
        path = self._storage.staging_path(f"{day.isoformat()}-{name}")
        target = f"{day_folder(self._dataset.name, day)}/{name}"
        staged = _StagedFile(path, target, self._thread.submit(partial(write_versions, path, table)))
        self._staged.append(staged)
        size = rows_per_group(table)
        groups = [min(size, table.num_rows - start) for start in range(0, table.num_rows, size)]
        self._days[day].append(staged.open_input, groups, keys)


def day_of_last_moment(window: Window, timezone: ZoneInfo) -> date:
    """The day of the last microsecond that belongs to the window."""
    return day_of(window.end - (window.end - window.start).resolution, timezone)
