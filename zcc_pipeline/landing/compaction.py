"""Merges a day's small files. The new file's footer names what it replaces; the replaced ones go a day later."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.landing.columns import from_numpy
from zcc_pipeline.landing.layout import LakeFile, day_folder, file_name
from zcc_pipeline.landing.reading import SUPERSEDES, list_day, live_day, superseded_names
from zcc_pipeline.landing.schema import VERSION_SCHEMA, open_writer, rows_per_group, sync_file
from zcc_pipeline.landing.storage import Storage

SMALL_BYTES = 64 << 20
"""Files of this size and above are left alone: merging them again and again would cost more than it saves."""

SUPERSEDED_KEPT = timedelta(days=1)
"""How long a replaced file stays for readers that have already listed it."""

_BATCH_ROWS = 8_192
_GROUP_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class CompactionResult:
    """What a compaction did; all zero where there was nothing to merge."""

    files_merged: int = 0
    rows: int = 0
    duplicates_dropped: int = 0
    bytes_before: int = 0
    bytes_after: int = 0


def compact_day(
    storage: Storage, dataset: str, day: date, *, clock: Clock, new_id: Callable[[], str]
) -> CompactionResult:
    """Merge the small live files of a day, keeping every version.

    Only exact duplicates in a row go: the same record, shape, content, time and tombstone, as two writers of the same
    page may leave them.
    """
    everything = list_day(storage, dataset, day)
    inputs = [file for file in live_day(storage, dataset, day) if file.size_bytes < SMALL_BYTES]
    if len(inputs) < 2:
        return CompactionResult()
    name = file_name(clock.now(), new_id(), compacted=True)
    staged = storage.staging_path(f"{day.isoformat()}-{name}")
    try:
        rows, duplicates = _merge(storage, inputs, staged, _replaced_by(storage, inputs, everything))
        size = sync_file(staged)
        storage.publish(staged, f"{day_folder(dataset, day)}/{name}")
    finally:
        staged.unlink(missing_ok=True)
    return CompactionResult(len(inputs), rows, duplicates, sum(file.size_bytes for file in inputs), size)


def _replaced_by(storage: Storage, inputs: list[LakeFile], everything: list[LakeFile]) -> list[str]:
    """The inputs, and what they replaced themselves and still lies there: it must not come back when they go."""
    names = {file.name for file in inputs}
    for file in inputs:
        if file.is_compacted:
            names |= superseded_names(storage, file)
    return sorted(names & {file.name for file in everything})


def _merge(storage: Storage, inputs: list[LakeFile], target: Path, replaced: list[str]) -> tuple[int, int]:
    """Stream the distinct versions of the inputs into one file; returns rows written and duplicates dropped."""
    newest: dict[bytes, bytes] = {}
    rows = duplicates = 0
    with open_writer(target) as writer:
        for group in _groups(_batches(storage, inputs)):
            is_news = np.fromiter((_is_news(*digests, newest) for digests in _digests(group)), np.bool_, group.num_rows)
            kept = group if is_news.all() else group.filter(from_numpy(is_news, pa.bool_()))
            rows += kept.num_rows
            duplicates += group.num_rows - kept.num_rows
            if kept.num_rows:
                writer.write_table(kept, row_group_size=rows_per_group(kept))
        writer.add_key_value_metadata({SUPERSEDES: json.dumps(replaced)})
    return rows, duplicates


def _is_news(record: bytes, version: bytes, newest: dict[bytes, bytes]) -> bool:
    """Whether a row says something else than the row before it of the same record.

    Only the row before counts: of A, B, A within one moment the second A is news, or B would be taken for the newest.
    """
    if newest.get(record) == version:
        return False
    newest[record] = version
    return True


def _batches(storage: Storage, inputs: list[LakeFile]) -> Iterator[pa.Table]:
    for file in inputs:
        with storage.open_input(file.path) as source, pq.ParquetFile(source) as parquet:
            for batch in parquet.iter_batches(_BATCH_ROWS):
                yield pa.Table.from_batches([batch]).cast(VERSION_SCHEMA)


def _groups(batches: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Small batches together, so that many small files do not make many small row groups."""
    waiting: list[pa.Table] = []
    size = 0
    for batch in batches:
        waiting.append(batch)
        size += batch.nbytes
        if size >= _GROUP_BYTES:
            yield pa.concat_tables(waiting)
            waiting, size = [], 0
    if waiting:
        yield pa.concat_tables(waiting)


def _digests(table: pa.Table) -> Iterator[tuple[bytes, bytes]]:
    """Which record, and what makes its version distinct: everything but when and by whom it was landed."""
    columns = zip(
        table["record_id"].to_pylist(),
        table["shape"].to_pylist(),
        table["content_hash"].to_pylist(),
        table["as_of"].cast(pa.int64()).to_pylist(),
        table["is_deleted"].to_pylist(),
        table["engagement_id"].to_pylist(),
        table["route"].to_pylist(),
        strict=True,
    )
    for version in columns:
        yield _digest(version[:2]), _digest(version[2:])


def _digest(values: tuple[object, ...]) -> bytes:
    return sha256(repr(values).encode()).digest()[:16]


def sweep_superseded(storage: Storage, dataset: str, day: date, *, now: datetime) -> int:
    """Remove the files of a day that were replaced more than a day ago; returns how many."""
    files = list_day(storage, dataset, day)
    by_name = {file.name: file for file in files}
    removed: set[str] = set()
    for file in files:
        if file.is_compacted and file.created_at <= now - SUPERSEDED_KEPT:
            removed |= superseded_names(storage, file) & by_name.keys()
    for name in sorted(removed):
        storage.delete(by_name[name].path)
    return len(removed)
