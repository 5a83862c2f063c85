"""Reads the lake: which files count, and the newest version of each record."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from zcc_pipeline.landing.batch import id_hashes, shape_hashes
from zcc_pipeline.landing.columns import Array, from_numpy, to_numpy
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


def read_ids(storage: Storage, file: LakeFile) -> Iterator[list[str]]:
    """The ids of a file's versions, a batch at a time."""
    with storage.open_input(file.path) as source, pq.ParquetFile(source) as parquet:
        for batch in parquet.iter_batches(_READ_ROWS, columns=["record_id"], use_threads=False):
            yield batch.column("record_id").to_pylist()


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
    parts: list[Array] = []
    ends: list[int] = []
    rows_so_far = 0
    for file in files:
        for part in _read_order(storage, file):
            parts.append(part)
            rows_so_far += len(part)
        ends.append(rows_so_far)
    if not rows_so_far:
        return
    rows = np.concatenate(parts)
    del parts
    is_newest = _is_newest(rows)
    if shapes is not None:
        is_newest &= np.isin(rows["shape"], shape_hashes(sorted(shapes)))
    if not with_deleted:
        is_newest &= ~rows["is_deleted"]
    for file, chosen in zip(files, np.split(is_newest, ends[:-1]), strict=True):
        if chosen.any():
            yield _Winners(file, chosen)


_ORDER = np.dtype(
    [
        ("id", np.int64),
        ("id_again", np.int64),
        ("shape", np.int64),
        ("as_of", np.int64),
        ("observed_at", np.int64),
        ("is_deleted", np.bool_),
    ]
)
"""What decides which version is the newest. Ids are held as 128 bits of hash: no two of them are taken for one."""


def _read_order(storage: Storage, file: LakeFile) -> Iterator[Array]:
    # `pq.read_table` would load pyarrow.dataset and pandas; Arrow's threads would each keep memory of their own.
    with storage.open_input(file.path) as source, pq.ParquetFile(source) as parquet:
        for batch in parquet.iter_batches(_READ_ROWS, columns=_ORDER_COLUMNS, use_threads=False):
            rows = np.empty(batch.num_rows, _ORDER)
            ids = batch.column("record_id").to_pylist()
            rows["id"] = id_hashes(ids)
            rows["id_again"] = id_hashes([record_id + "\0" for record_id in ids])
            shapes = batch.column("shape").dictionary_encode()
            rows["shape"] = shape_hashes(shapes.dictionary.to_pylist())[to_numpy(shapes.indices, "int32")]
            rows["as_of"] = to_numpy(batch.column("as_of"), "int64")
            rows["observed_at"] = to_numpy(batch.column("observed_at"), "int64")
            rows["is_deleted"] = to_numpy(batch.column("is_deleted"), "bool")
            yield rows


def _is_newest(rows: Array) -> Array:
    """Whether each row is the newest of its record in its shape; later rows win ties."""
    order = np.lexsort((rows["observed_at"], rows["as_of"], rows["shape"], rows["id_again"], rows["id"]))
    is_last = np.zeros(len(order), np.bool_)
    is_last[-1] = True
    for name in ("id", "id_again", "shape"):
        ordered = rows[name][order]
        is_last[:-1] |= ordered[1:] != ordered[:-1]
    is_newest = np.empty(len(order), np.bool_)
    is_newest[order] = is_last
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
