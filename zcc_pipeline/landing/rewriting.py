"""Puts other payloads into files of versions, in their place: where card data has to go, and for nothing else.

As with what is erased, whoever relies on a file never changing reads the lake anew afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256

import pyarrow as pa
import pyarrow.parquet as pq

from zcc_pipeline.landing.layout import LakeFile
from zcc_pipeline.landing.reading import SUPERSEDES
from zcc_pipeline.landing.schema import HASH_BYTES, VERSION_SCHEMA, open_writer, rows_per_group, sync_file
from zcc_pipeline.landing.storage import Storage

_READ_ROWS = 8_192

Change = Callable[[pa.Table], Mapping[int, bytes | None]]
"""Is shown some rows and gives other payloads for those that are to have one, None for those that are to go; it is
asked twice about each row."""


def look_at(storage: Storage, file: LakeFile, change: Change) -> int:
    """How many rows would be changed."""
    with storage.open_input(file.path) as source, pq.ParquetFile(source) as parquet:
        batches = parquet.iter_batches(_READ_ROWS, use_threads=False)
        return sum(len(change(pa.Table.from_batches([batch]).cast(VERSION_SCHEMA))) for batch in batches)


def rewrite_payloads(storage: Storage, file: LakeFile, change: Change) -> int:
    """Put the changed file in the place of the file, under its name, and count the rows; nothing where there are none.

    Its footer still says which files it replaces. A crash leaves the file as it was or as it is to be.
    """
    if not look_at(storage, file, change):
        return 0
    staged = storage.staging_path(f"rewritten-{file.dataset.replace('/', '-')}-{file.day}-{file.name}")
    rows = 0
    try:
        with storage.open_input(file.path) as source, pq.ParquetFile(source) as parquet, open_writer(staged) as writer:
            for batch in parquet.iter_batches(_READ_ROWS, use_threads=False):
                table = pa.Table.from_batches([batch]).cast(VERSION_SCHEMA)
                changed = change(table)
                rows += len(changed)
                rest = _with(table, changed) if changed else table
                if rest.num_rows:
                    writer.write_table(rest, row_group_size=rows_per_group(rest))
            replaced = (parquet.metadata.metadata or {}).get(SUPERSEDES.encode())
            if replaced is not None:
                writer.add_key_value_metadata({SUPERSEDES: replaced.decode()})
        sync_file(staged)
        storage.publish(staged, file.path)
        return rows
    finally:
        staged.unlink(missing_ok=True)


def _with(table: pa.Table, changed: Mapping[int, bytes | None]) -> pa.Table:
    payloads = {row: payload for row, payload in changed.items() if payload is not None}
    texts, hashes = table.column("payload").to_pylist(), table.column("content_hash").to_pylist()
    for row, payload in payloads.items():
        texts[row], hashes[row] = payload.decode("utf-8", "surrogatepass"), sha256(payload).digest()[:HASH_BYTES]
    for name, values in (("payload", texts), ("content_hash", hashes)):
        field = VERSION_SCHEMA.field(name)
        table = table.set_column(table.schema.get_field_index(name), field, pa.array(values, field.type))
    return table.take(pa.array([row for row in range(len(table)) if changed.get(row, b"") is not None], pa.int64()))
