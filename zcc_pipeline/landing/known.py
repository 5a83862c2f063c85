"""What a day of the lake already holds, in twelve bytes a version, with the rest left on disk until it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from zcc_pipeline.landing.batch import id_hashes, shape_hashes
from zcc_pipeline.landing.columns import Array, from_numpy, to_numpy
from zcc_pipeline.landing.schema import VERSION_COLUMNS

Opener = Callable[[], pa.NativeFile]

_LONGEST_RUN = 1 << 17


@dataclass(slots=True)
class _Segment:
    """One row group of one file."""

    open_input: Opener
    row_group: int
    first_row: int


@dataclass(slots=True)
class Versions:
    """Stored versions, as far as the version rule needs them; parallel columns."""

    rows: Array
    """Number of the version within the day: growing with the file's name and the place in the file."""
    id_keys: Array
    """Stand for the record whatever its shape."""
    keys: Array
    """Stand for the record in its shape."""
    record_ids: pa.Array
    shapes: pa.Array
    hashes: Array
    as_of: Array
    observed_at: Array
    is_deleted: Array

    def __len__(self) -> int:
        return len(self.rows)


class _Run:
    """Keys in order, each with the row that holds it."""

    def __init__(self, keys: Array, rows: Array) -> None:
        order = np.argsort(keys)
        self.keys, self.rows = keys[order], rows[order]

    def is_worth_merging(self, older: _Run) -> bool:
        """Few runs make looking things up quick; merging large ones would cost more memory than the runs themselves."""
        return len(older.keys) < 2 * len(self.keys) and len(older.keys) + len(self.keys) <= _LONGEST_RUN

    def merged(self, other: _Run) -> _Run:
        return _Run(np.concatenate([self.keys, other.keys]), np.concatenate([self.rows, other.rows]))

    def find(self, keys: Array) -> tuple[Array, Array]:
        """Row and key of every entry whose key is among those asked for, which are sorted and distinct."""
        left = np.searchsorted(self.keys, keys, side="left")
        counts = np.searchsorted(self.keys, keys, side="right") - left
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        places = np.repeat(left, counts) + within
        return self.rows[places], self.keys[places]


class DayVersions:
    """All versions of one day: those on disk when the writer first touched the day, and those that it added since.

    Holds only a 64-bit key of its id and a row number for each version (sorted runs that merge as they grow); ids,
    shapes, hashes and times are read again from the row groups in which a key is found, payloads from there too.
    """

    def __init__(self) -> None:
        self._segments: list[_Segment] = []
        self._runs: list[_Run] = []
        self._rows = 0

    def load(self, openers: Iterable[Opener]) -> None:
        """Take in the keys of files, in the order of their names."""
        for open_input in openers:
            keys = []
            groups = []
            with open_input() as source, pq.ParquetFile(source) as file:
                for number in range(file.metadata.num_row_groups):
                    table = file.read_row_group(number, columns=["record_id"])
                    groups.append((number, table.num_rows))
                    keys.append(id_hashes(table["record_id"].to_pylist()))
            self.append(open_input, groups, np.concatenate(keys) if keys else np.empty(0, np.int64))

    def append(self, open_input: Opener, groups: list[tuple[int, int]], keys: Array) -> None:
        """Take in more row groups (number in their file, rows), whose keys are known."""
        first_row = self._rows
        for number, rows in groups:
            self._segments.append(_Segment(open_input, number, self._rows))
            self._rows += rows
        if len(keys):
            self._runs.append(_Run(keys, np.arange(first_row, self._rows, dtype=np.uint32)))
        while len(self._runs) > 1 and self._runs[-1].is_worth_merging(self._runs[-2]):
            self._runs.append(self._runs.pop().merged(self._runs.pop()))

    def find(self, id_keys: Array) -> Versions | None:
        """The versions, in every shape, of the records asked for (sorted, distinct keys); None where there is none:
        no reading."""
        found = [pair for pair in (run.find(id_keys) for run in self._runs) if len(pair[0])]
        if not found:
            return None
        rows = np.concatenate([pair[0] for pair in found])
        order = np.argsort(rows)
        rows = rows[order]
        id_keys = np.concatenate([pair[1] for pair in found])[order]
        table = self._read(rows, VERSION_COLUMNS)
        shapes = table["shape"].combine_chunks()
        distinct = shapes.dictionary_encode()
        return Versions(
            rows=rows.astype(np.int64),
            id_keys=id_keys,
            keys=id_keys ^ shape_hashes(distinct.dictionary.to_pylist())[to_numpy(distinct.indices, "int32")],
            record_ids=table["record_id"].combine_chunks(),
            shapes=shapes,
            hashes=to_numpy(table["content_hash"], "uint64").reshape(-1, 2),
            as_of=to_numpy(table["as_of"], "int64"),
            observed_at=to_numpy(table["observed_at"], "int64"),
            is_deleted=to_numpy(table["is_deleted"], "bool"),
        )

    def payloads(self, rows: Array) -> dict[int, bytes]:
        """The payloads of those versions by their number."""
        rows = np.unique(rows)
        if not len(rows):
            return {}
        texts = self._read(rows, ["payload"])["payload"].combine_chunks().cast(pa.binary()).to_pylist()
        return dict(zip(rows.tolist(), texts, strict=True))

    def _read(self, rows: Array, columns: list[str]) -> pa.Table:
        """Those rows (sorted), reading only the row groups they are in, one at a time."""
        starts = np.array([segment.first_row for segment in self._segments], np.int64)
        owners = np.searchsorted(starts, rows, side="right") - 1
        parts = []
        for owner in np.unique(owners).tolist():
            segment = self._segments[owner]
            within = rows[owners == owner].astype(np.int64) - segment.first_row
            with segment.open_input() as source, pq.ParquetFile(source) as file:
                group = file.read_row_group(segment.row_group, columns=columns)
            parts.append(group if len(within) == group.num_rows else group.take(from_numpy(within, pa.int64())))
        return pa.concat_tables(parts)
