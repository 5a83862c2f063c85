"""A file of versions that grows beside the lake until the commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, wait
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from zcc_pipeline.landing.schema import open_writer, rows_per_group, sync_file, write_versions


class StagedFile:
    """Written and synced in the thread of ``executor``, one table behind the caller; readable once finished."""

    def __init__(self, path: Path, target: str, executor: Executor) -> None:
        self.path, self.target = path, target
        self.raw_bytes = 0
        self._executor = executor
        self._writer: pq.ParquetWriter | None = None
        self._groups = 0
        self._last_write: Future[None] | None = None
        self._finished: Future[int] | None = None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more can be appended."""
        return self._finished is not None

    def append(self, table: pa.Table) -> list[tuple[int, int]]:
        """Hand over versions to be written; returns the number and the rows of each row group they become."""
        if self._last_write is not None:
            self._last_write.result()
        self.raw_bytes += table.nbytes
        size = rows_per_group(table)
        self._last_write = self._executor.submit(self._write, table, size)
        rows = [min(size, table.num_rows - start) for start in range(0, table.num_rows, size)]
        first, self._groups = self._groups, self._groups + len(rows)
        return list(enumerate(rows, start=first))

    def finish(self) -> Future[int]:
        """Begin to close and sync the file; the answer is its size in bytes."""
        if self._finished is None:
            self._finished = self._executor.submit(self._close)
        return self._finished

    def size_bytes(self) -> int:
        """Wait until the disk has the whole file."""
        finished = self.finish()
        if self._last_write is not None:
            self._last_write.result()
        return finished.result()

    def open_input(self) -> pa.NativeFile:
        """For comparing later records with what was staged; the file is finished by that."""
        self.size_bytes()
        return pa.OSFile(str(self.path), "r")

    def keep_only(self, mask: Callable[[Sequence[str], Sequence[str | None]], pa.Array]) -> tuple[int, int]:
        """Write it anew without the rows for whose record and engagement ids ``mask`` is false.

        Returns how many were taken out and how many are left; where none is left, the file is gone.
        """
        self.size_bytes()
        ids = pq.read_table(self.path, columns=["record_id", "engagement_id"])
        is_kept = mask(ids.column("record_id").to_pylist(), ids.column("engagement_id").to_pylist())
        dropped = is_kept.false_count
        if dropped == len(is_kept):
            self.path.unlink()
        elif dropped:
            rest = pq.read_table(self.path).filter(is_kept)
            self._finished = self._executor.submit(write_versions, self.path, rest)
            self.size_bytes()
        return dropped, len(is_kept) - dropped

    def discard(self) -> None:
        """Remove what was written; what is not yet begun is not begun any more."""
        tasks: list[Future[Any] | None] = [self._last_write, self._finished]
        wait([task for task in tasks if task is not None and not task.cancel()])
        if self._writer is not None:
            self._writer.close()
        self.path.unlink(missing_ok=True)

    def _write(self, table: pa.Table, rows_in_group: int) -> None:
        if self._writer is None:
            self._writer = open_writer(self.path, table.schema)
        self._writer.write_table(table, row_group_size=rows_in_group)

    def _close(self) -> int:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        return sync_file(self.path)
