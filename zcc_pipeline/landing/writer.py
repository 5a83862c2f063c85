"""Appends the versions of one dataset: everything appears at the commit, or nothing does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from datetime import date
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.datasets import Dataset
from zcc_pipeline.domain.errors import RecordRejected
from zcc_pipeline.domain.records import LandingCounts, RecordChunk
from zcc_pipeline.domain.window import Window
from zcc_pipeline.landing.batch import Batch, BatchBuilder
from zcc_pipeline.landing.columns import Array, from_numpy
from zcc_pipeline.landing.days import NO_TIME, days_of, to_microseconds
from zcc_pipeline.landing.gate import AskSuppressed, Gate
from zcc_pipeline.landing.known import DayVersions
from zcc_pipeline.landing.layout import day_folder, file_name
from zcc_pipeline.landing.screening import Screening
from zcc_pipeline.landing.staged_file import StagedFile
from zcc_pipeline.landing.storage import Storage
from zcc_pipeline.landing.version_rule import judge

FLUSH_BYTES = 8 << 20
"""Records held in memory before they are compared and compressed; each such part is a row group."""

_FILE_BYTES = 128 << 20
"""Uncompressed size at which a file is finished and the next begun."""

_OPEN_FILES = 32
"""Days with a file open at once: a writer without a window may be handed records of any number of days."""

Reject = Callable[[str, bytes], None]


class LakeWriter:
    """Lands records of one dataset. Use as a context manager; without ``commit`` nothing of it appears in the lake.

    Not for use from several threads at once. Files are compressed and synced in the lake's thread, one behind the
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
        executor: Executor,
        screening: Screening | None = None,
        suppressed: AskSuppressed | None = None,
    ) -> None:
        self._storage, self._dataset = storage, dataset
        self._timezone, self._clock, self._new_id = timezone, clock, new_id
        self._load_day, self._window, self._flush_bytes = load_day, window, flush_bytes
        self._builder, self._reject = BatchBuilder(), reject
        self._days: dict[date, DayVersions] = {}
        self._staged: list[StagedFile] = []
        self._open: dict[date, StagedFile] = {}
        self._observed_at = 0
        self._counts = LandingCounts()
        self._is_closed = False
        self._executor = executor
        self._screening = screening
        self._screened: tuple[Batch, Array, Future[Sequence[int]]] | None = None
        self._gate = None if suppressed is None else Gate(suppressed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closed = True
        if self._screened is not None:
            self._screened[2].cancel()
        self._days.clear()
        for staged in self._staged:
            staged.discard()

    @property
    def counts(self) -> LandingCounts:
        """What became of the records as far as they were flushed; whoever never commits learns what would become."""
        return self._counts

    def add(self, chunk: RecordChunk) -> None:
        """Take records in; they are written once enough have come together.

        Those of erased engagements are counted and dropped. Records that are not UTF-8 text go to ``reject``, or raise
        ``RecordRejected`` where there is none.
        """
        if self._is_closed:
            raise ValueError("this writer has already been committed or left")
        if chunk.dataset != self._dataset.name:
            raise ValueError(f"a chunk of {chunk.dataset} was handed to the writer of {self._dataset.name}")
        self._counts.received += len(chunk)
        if self._gate is not None:
            offered, chunk = len(chunk), self._gate.admit(chunk)
            self._counts.suppressed += offered - len(chunk)
        self._builder.add(chunk)
        if self._builder.weight_bytes >= self._flush_bytes:
            self.begin_flush()

    def commit(self) -> LandingCounts:
        """Publish everything and say what became of the records. The writer is closed afterwards."""
        self.flush()
        if self._screening is not None:
            self._screening.finish()
        self._is_closed = True
        if self._gate is not None and self._gate.has_closed_further():
            self._staged = [staged for staged in self._staged if self._drop_erased(staged, self._gate)]
        for staged in self._staged:
            self._counts.bytes_written += staged.size_bytes()
        for staged in self._staged:
            self._storage.publish(staged.path, staged.target)
            self._counts.files_written += 1
        self._staged.clear()
        return self._counts

    def _drop_erased(self, staged: StagedFile, gate: Gate) -> bool:
        """Take out what was erased after it was staged; False where nothing is left of the file."""
        dropped, left = staged.keep_only(gate.mask)
        counts = self._counts
        counts.suppressed += dropped
        for name in ("new", "changed", "deleted"):  # which of them they were is not known any more, the sum is
            taken = min(dropped, getattr(counts, name))
            setattr(counts, name, getattr(counts, name) - taken)
            dropped -= taken
        return left > 0

    def flush(self) -> None:
        """Compare what was added so far with the lake and write what is new; happens by itself every few megabytes."""
        self.begin_flush()
        self._end_flush()

    def begin_flush(self) -> None:
        """The part of it that needs no waiting. Where records are screened, the first glance at a batch is left to the
        thread and the batch lands when the next one is handed over: a pull would else spend a tenth of its time on it.
        """
        if not len(self._builder):
            return
        batch, self._builder = self._builder.take(), BatchBuilder()
        readable = self._without_rejected(batch)
        if self._screening is None:
            self._land(batch, readable)
            return
        suspects = self._executor.submit(self._screening.glance, batch)
        self._end_flush()
        self._screened = batch, readable, suspects

    def _end_flush(self) -> None:
        if self._screening is None or self._screened is None:
            return
        (batch, readable, suspects), self._screened = self._screened, None
        self._screening.look(self._dataset.name, batch, readable, suspects.result())
        self._land(batch, readable)

    def _land(self, batch: Batch, readable: Array) -> None:
        rows, ordinals = self._assign_days(batch, readable)
        self._counts.out_of_window += len(readable) - len(rows)
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
            part = table if len(kept) == len(batch) else table.take(from_numpy(kept, pa.int64()))
            self._stage(day, part, batch.id_keys[kept])

    def _without_rejected(self, batch: Batch) -> Array:
        bad_rows = batch.bad_rows()
        for row in bad_rows.tolist():
            reason = f"{self._dataset.name}: the record is not UTF-8 text"
            if self._reject is None:
                raise RecordRejected(reason)
            self._reject(reason, batch.payloads.raw(row))
        return np.setdiff1d(np.arange(len(batch)), bad_rows) if len(bad_rows) else np.arange(len(batch))

    def _assign_days(self, batch: Batch, rows: Array) -> tuple[Array, Array]:
        """The rows that belong into the window, and the local day of each.

        A record without a time of its own belongs to the window it was listed for, else to the moment it speaks for.
        """
        moments, window = batch.occurred_at, self._window
        if window is None:
            moments = np.where(moments == NO_TIME, batch.as_of, moments)
        else:
            start, end = to_microseconds(window.start), to_microseconds(window.end)
            moments = np.where(moments == NO_TIME, start, moments)
            is_inside = (moments >= start) & (moments < end)
            rows = rows[is_inside[rows]]
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
        staged = self._open.pop(day, None)
        if staged is None or staged.is_finished:
            staged = self._new_file(day)
        groups = staged.append(table)
        self._days[day].append(staged.open_input, groups, keys)
        if staged.raw_bytes >= _FILE_BYTES:
            staged.finish()
        else:
            self._open[day] = staged
        if len(self._open) > _OPEN_FILES:
            self._open.pop(next(iter(self._open))).finish()

    def _new_file(self, day: date) -> StagedFile:
        name = file_name(self._clock.now(), self._new_id())
        path = self._storage.staging_path(f"{day.isoformat()}-{name}")
        staged = StagedFile(path, f"{day_folder(self._dataset.name, day)}/{name}", self._executor)
        self._staged.append(staged)
        return staged
