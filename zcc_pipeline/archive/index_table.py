"""The whole index as one Parquet file on this machine, for whoever asks with SQL.

A day is a row group, so that a day that changed is exchanged without reading what the others hold anew.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from zcc_pipeline.archive.index import SCHEMA, UNKNOWN_DAY, indexed_days, read_day
from zcc_pipeline.archive.storage import Place


def write_index_table(place: Place, path: Path, changed: Collection[date]) -> None:
    """Bring the file up to the index: days that changed are read from the place, the others from the file itself.

    A file that is not there, has other columns or another set of days is made anew from all days.
    """
    days = list(indexed_days(place))
    with _Kept(path) as kept:
        known = kept.days() if set(kept.days()) >= set(days) - set(changed) else {}
        _swap(path, (kept.group(known[day]) if day in known and day not in changed else day for day in days), place)


def write_empty_table(path: Path) -> None:
    """A file with the right columns and no rows."""
    _swap(path, (), None)


class _Kept:
    """The file as it is; without groups where there is none that could be taken over."""

    def __init__(self, path: Path) -> None:
        try:
            self._file: pq.ParquetFile | None = pq.ParquetFile(path)
        except (OSError, pa.ArrowInvalid):
            self._file = None
        if self._file is not None and self._file.schema_arrow != SCHEMA:
            self._file.close()
            self._file = None

    def __enter__(self) -> _Kept:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def days(self) -> dict[date, int]:
        """Number of the row group of each day."""
        if self._file is None:
            return {}
        found = {}
        for number in range(self._file.num_row_groups):
            first = self._file.read_row_group(number, columns=["day"]).column("day")[0].as_py()
            found[first or UNKNOWN_DAY] = number
        return found

    def group(self, number: int) -> pa.Table:
        """One day."""
        assert self._file is not None  # noqa: S101 - it has that group
        return self._file.read_row_group(number)


def _swap(path: Path, parts: Iterator[pa.Table | date] | tuple[()], place: Place | None) -> None:
    """Written beside, synced, renamed: a reader sees the one file or the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with pq.ParquetWriter(part, SCHEMA, compression="zstd") as writer:
            for each in parts:
                table = each
                if isinstance(each, date):
                    table = read_day(place, each) if place is not None else None
                if isinstance(table, pa.Table) and table.num_rows:
                    writer.write_table(table, row_group_size=table.num_rows)
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
