"""Reads the lake: which files count, and the newest version of each record."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zcc_pipeline.landing.columns import Array, from_numpy, text_column, to_numpy
from zcc_pipeline.landing.layout import LakeFile, created_at, day_folder, is_lake_file
from zcc_pipeline.landing.schema import VERSION_SCHEMA, no_versions
from zcc_pipeline.landing.storage import Storage

SUPERSEDES = "zcc_pipeline.supersedes"
"""Key in the footer of a compacted file: the names, as JSON, of the files of its day that it replaces."""

_ORDER_COLUMNS = ["record_id", "shape", "as_of", "observed_at", "is_deleted"]
_READ_ROWS = 8_192

T = TypeVar("T")


def retry_once(read: Callable[[], T]) -> T:
    """Read again where a file vanished between listing and opening: a compaction's inputs are removed after a day."""
    try:
        return read()
    except FileNotFoundError:
        return read()


def list_day(storage: Storage, dataset: str, day: date) -> list[LakeFile]:
    """All files of a day, sorted by name, replaced ones included."""
    files = []
    for stored in storage.list_files(day_folder(dataset, day)):
        name = stored.path.rpartition("/")[2]
        if is_lake_file(name):
            written_at = created_at(name) or stored.modified_at
            url = storage.url_for(stored.path)
            files.append(LakeFile(dataset, day, name, stored.path, url, stored.size_bytes, written_at))
    return files


def superseded_names(storage: Storage, file: LakeFile) -> frozenset[str]:
    """What a compacted file says that it replaces."""
    with storage.open_input(file.path, is_sparse=True) as source, pq.ParquetFile(source) as parquet:
        listed = (parquet.metadata.metadata or {}).get(SUPERSEDES.encode(), b"[]")
    return frozenset(json.loads(listed))


def live_day(storage: Storage, dataset: str, day: date) -> list[LakeFile]:
    """The files of a day that count: those that no compacted file replaces."""
    files = list_day(storage, dataset, day)
    replaced: set[str] = set()
    for file in files:
        if file.is_compacted:
            replaced |= superseded_names(storage, file)
    return [file for file in files if file.name not in replaced]


@dataclass(slots=True)
class _Winners:
    """Rows of one file that hold the newest version of their record."""

    file: LakeFile
    is_newest: Array


def newest_versions(
    storage: Storage,
    files: Iterable[LakeFile],
    *,
    shapes: Collection[str] | None,
    with_deleted: bool,
    columns: Collection[str] | None = None,
) -> pa.Table:
    """The newest version per ``(record_id, shape)`` over those files.

    Newest by ``as_of``, then ``observed_at``, then file name, then place in the file. The first pass reads the
    ordering columns, the second the whole rows, and only of files that hold a newest version.
    """
    schema = VERSION_SCHEMA if columns is None else pa.schema([VERSION_SCHEMA.field(name) for name in columns])
    parts = [
        part
        for winners in _find_newest(storage, list(files), shapes=shapes, with_deleted=with_deleted)
        for part in _read_rows(storage, winners, schema)
    ]
    return pa.concat_tables(parts) if parts else no_versions(schema)


def _find_newest(
    storage: Storage, files: list[LakeFile], *, shapes: Collection[str] | None, with_deleted: bool
) -> Iterator[_Winners]:
    tables, sizes = [], []
    for file in files:
        # `pq.read_table` would load pyarrow.dataset and pandas; Arrow's threads would each keep memory of their own.
        with storage.open_input(file.path) as source, pq.ParquetFile(source) as parquet:
            table = parquet.read(columns=_ORDER_COLUMNS, use_threads=False)
        tables.append(table)
        sizes.append(table.num_rows)
    if not sum(sizes):
        return
    table = pa.concat_tables(tables)
    is_newest = _is_newest(table)
    if shapes is not None:
        wanted = text_column(sorted(shapes)).to_arrow()
        is_newest &= to_numpy(pc.is_in(table["shape"], value_set=wanted), "bool")
    if not with_deleted:
        is_newest &= ~to_numpy(table["is_deleted"], "bool")
    for file, chosen in zip(files, np.split(is_newest, np.cumsum(sizes)[:-1]), strict=True):
        if chosen.any():
            yield _Winners(file, chosen)


def _is_newest(table: pa.Table) -> Array:
    """Whether each row is the newest of its record; later rows win ties."""
    records = to_numpy(table["record_id"].combine_chunks().dictionary_encode().indices, "int32").astype(np.int64)
    shapes = to_numpy(table["shape"].combine_chunks().dictionary_encode().indices, "int32")
    group = records * (int(shapes.max()) + 1) + shapes
    as_of = to_numpy(table["as_of"], "int64")
    observed_at = to_numpy(table["observed_at"], "int64")
    order = np.lexsort((observed_at, as_of, group))
    ordered = group[order]
    is_newest = np.zeros(len(order), np.bool_)
    is_newest[order[np.append(ordered[1:] != ordered[:-1], True)]] = True
    return is_newest


def _read_rows(storage: Storage, winners: _Winners, schema: pa.Schema) -> Iterator[pa.Table]:
    start = 0
    with storage.open_input(winners.file.path) as source, pq.ParquetFile(source) as parquet:
        for batch in parquet.iter_batches(_READ_ROWS, columns=schema.names, use_threads=False):
            chosen = winners.is_newest[start : start + batch.num_rows]
            start += batch.num_rows
            if chosen.any():
                rows = batch if chosen.all() else batch.filter(from_numpy(chosen, pa.bool_()))
                yield pa.Table.from_batches([rows]).select(schema.names).cast(schema)
