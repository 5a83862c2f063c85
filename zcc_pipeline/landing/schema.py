"""The columns of a record version, and how versions are written to Parquet."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HASH_BYTES = 16

VERSION_SCHEMA = pa.schema(
    [
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("shape", pa.string(), nullable=False),
        pa.field("engagement_id", pa.string()),
        pa.field("payload", pa.string(), nullable=False),
        pa.field("content_hash", pa.binary(HASH_BYTES), nullable=False),
        pa.field("as_of", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("observed_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("route", pa.string(), nullable=False),
        pa.field("is_deleted", pa.bool_(), nullable=False),
        pa.field("batch_id", pa.string(), nullable=False),
    ]
)
"""A row is a version of a record as received."""

VERSION_COLUMNS = ["record_id", "shape", "content_hash", "as_of", "observed_at", "is_deleted"]
"""Everything the version rule needs except the payload, so that payloads are read only where hashes differ."""

_ROW_GROUP_BYTES = 16 << 20
_ROW_GROUP_ROWS = 50_000
_REPEATING = ["shape", "route", "batch_id", "as_of", "observed_at"]
_WITH_STATISTICS = ["record_id", "as_of", "observed_at"]


def open_writer(path: Path, schema: pa.Schema = VERSION_SCHEMA) -> pq.ParquetWriter:
    """A Parquet writer of versions.

    Arrow's own schema is left out of the footer, so that columns handed over as dictionaries are read as plain strings.
    """
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=_REPEATING,
        write_statistics=_WITH_STATISTICS,
        store_schema=False,
    )


def no_versions(schema: pa.Schema = VERSION_SCHEMA) -> pa.Table:
    """A table without rows. ``schema.empty_table()`` would import pandas, which costs half a second and 40 MB."""
    return pa.Table.from_batches([], schema=schema)


def rows_per_group(table: pa.Table) -> int:
    """Rows of a row group: bounded in bytes, so that reading one group for one payload stays cheap in memory."""
    if table.num_rows == 0:
        return _ROW_GROUP_ROWS
    bytes_per_row = max(1, int(table.nbytes) // int(table.num_rows))
    return max(1, min(_ROW_GROUP_ROWS, _ROW_GROUP_BYTES // bytes_per_row))


def write_versions(path: Path, table: pa.Table) -> int:
    """Write one file of versions and wait until the disk has it; returns its size in bytes."""
    with open_writer(path, table.schema) as writer:
        writer.write_table(table, row_group_size=rows_per_group(table))
    return sync_file(path)


def sync_file(path: Path) -> int:
    """Wait until the disk has the file; returns its size in bytes."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        return os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)
