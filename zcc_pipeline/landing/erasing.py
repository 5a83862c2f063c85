"""Takes rows out of files of versions: for a purge, and for nothing else. Whatever else reads the lake may rely on it
that a file never changes; here one is replaced, in one step, by the same file without some of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from zcc_pipeline.domain.purging import mentions
from zcc_pipeline.landing.columns import Array, from_numpy, to_numpy
from zcc_pipeline.landing.layout import LakeFile
from zcc_pipeline.landing.reading import SUPERSEDES
from zcc_pipeline.landing.schema import VERSION_SCHEMA, open_writer, rows_per_group, sync_file
from zcc_pipeline.landing.storage import Storage

_READ_ROWS = 8_192
_LOOKED_AT = ["record_id", "engagement_id", "payload"]
_NAMES = ["record_id", "engagement_id"]


@dataclass(frozen=True, slots=True)
class Doomed:
    """Which rows are to go: those of the engagements, and of those that say no engagement, the ones that name one of
    the ids anywhere in their payload, or whose record is one of theirs."""

    engagement_ids: frozenset[str]
    mentioned: frozenset[str] = frozenset()
    """Ids of engagements, recordings, voicemails, notes: what is theirs alone."""
    record_ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By dataset."""


@dataclass(frozen=True, slots=True)
class DoomedRow:
    """One version of a record that is to go. ``engagement_id`` is None where only its payload tells."""

    record_id: str
    engagement_id: str | None
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ErasedRows:
    """What became of one file."""

    rows: int = 0
    bytes_before: int = 0
    bytes_after: int = 0


def find_rows(storage: Storage, file: LakeFile, doomed: Doomed) -> Iterator[DoomedRow]:
    """Rows of a file that are to go. Payloads are read only where a row says no engagement."""
    with storage.open_input(file.path) as source, pq.ParquetFile(source) as parquet:
        for group in range(parquet.num_row_groups):
            table = parquet.read_row_group(group, columns=_NAMES, use_threads=False)
            has_nameless = table.column("engagement_id").null_count > 0
            is_doomed = _of_engagements(table, doomed)
            if not has_nameless and not is_doomed.any():
                continue
            table = parquet.read_row_group(group, columns=_LOOKED_AT, use_threads=False)
            is_doomed = _is_doomed(table, file.dataset, doomed)
            for row in table.filter(from_numpy(is_doomed, pa.bool_())).to_pylist():
                payload = row["payload"].encode("utf-8", "surrogatepass")
                yield DoomedRow(row["record_id"], row["engagement_id"], payload)


def find_shared(storage: Storage, file: LakeFile, record_ids: AbstractSet[str], doomed: Doomed) -> Iterator[str]:
    """Those of the records that an engagement which stays has as well."""
    wanted = pa.array(sorted(record_ids), pa.string())
    with storage.open_input(file.path) as source, pq.ParquetFile(source) as parquet:
        for batch in parquet.iter_batches(_READ_ROWS, columns=_NAMES, use_threads=False):
            table = pa.Table.from_batches([batch])
            is_wanted = pc.is_in(table.column("record_id"), value_set=wanted)
            for row in table.filter(is_wanted).to_pylist():
                if row["engagement_id"] is not None and row["engagement_id"] not in doomed.engagement_ids:
                    yield row["record_id"]


def erase_rows(storage: Storage, file: LakeFile, doomed: Doomed) -> ErasedRows:
    """Put the file without them in its place, under its name; a file of nothing else is removed.

    Its footer still says which files it replaces. A crash leaves the file as it was or as it is to be.
    """
    if next(find_rows(storage, file, doomed), None) is None:
        return ErasedRows()
    staged = storage.staging_path(f"erased-{file.dataset.replace('/', '-')}-{file.day}-{file.name}")
    erased = kept = 0
    try:
        with storage.open_input(file.path) as source, pq.ParquetFile(source) as parquet, open_writer(staged) as writer:
            for batch in parquet.iter_batches(_READ_ROWS, use_threads=False):
                table = pa.Table.from_batches([batch]).cast(VERSION_SCHEMA)
                is_doomed = _is_doomed(table, file.dataset, doomed)
                left = table.filter(from_numpy(~is_doomed, pa.bool_()))
                erased += table.num_rows - left.num_rows
                kept += left.num_rows
                if left.num_rows:
                    writer.write_table(left, row_group_size=rows_per_group(left))
            replaced = (parquet.metadata.metadata or {}).get(SUPERSEDES.encode())
            if replaced is not None:
                writer.add_key_value_metadata({SUPERSEDES: replaced.decode()})
        if kept == 0:
            storage.delete(file.path)
            return ErasedRows(erased, file.size_bytes, 0)
        size = sync_file(staged)
        storage.publish(staged, file.path)
        return ErasedRows(erased, file.size_bytes, size)
    finally:
        staged.unlink(missing_ok=True)


def _is_doomed(table: pa.Table, dataset: str, doomed: Doomed) -> Array:
    found = _of_engagements(table, doomed)
    nameless = np.flatnonzero(to_numpy(pc.is_null(table.column("engagement_id")).combine_chunks(), "bool"))
    if not len(nameless):
        return found
    records = doomed.record_ids.get(dataset, frozenset())
    rows = table.select(["record_id", "payload"]).take(from_numpy(nameless, pa.int64()))
    for row, record_id, payload in zip(
        nameless, rows.column("record_id").to_pylist(), rows.column("payload").to_pylist(), strict=True
    ):
        found[row] = record_id in records or mentions(payload.encode("utf-8", "surrogatepass"), doomed.mentioned)
    return found


def _of_engagements(table: pa.Table, doomed: Doomed) -> Array:
    wanted = pa.array(sorted(doomed.engagement_ids), pa.string())
    found = pc.is_in(table.column("engagement_id"), value_set=wanted)
    return np.array(to_numpy(found.combine_chunks(), "bool"))
