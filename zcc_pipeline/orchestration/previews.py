"""A few masked records of a day, as a table of fields."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import dagster as dg
import msgspec
import pyarrow.parquet as pq

from zcc_pipeline.orchestration.masking import mask_fields
from zcc_pipeline.pipeline.runtime import Runtime

RECORDS = 3
_NAMES = ("first", "second", "third")


def preview(runtime: Runtime, dataset: str, days: Iterable[date]) -> dg.TableMetadataValue | None:
    """Fields of the first records of the newest of those days that has any; None where none has."""
    for day in sorted(days, reverse=True):
        payloads = _first_payloads(runtime, dataset, day)
        if payloads:
            return _table([mask_fields(payload) for payload in payloads])
    return None


def _first_payloads(runtime: Runtime, dataset: str, day: date) -> list[dict[str, object]]:
    """Read from one file only, and no more of it than is shown."""
    for file in reversed(runtime.lake.files(dataset, day)):
        with runtime.lake.storage.open_input(file.path) as stream:
            batches = pq.ParquetFile(stream).iter_batches(batch_size=RECORDS, columns=["payload"])
            payloads = next(batches, None)
        if payloads is not None and payloads.num_rows:
            return [_decode(payload) for payload in payloads.column("payload").to_pylist()]
    return []


def _decode(payload: str) -> dict[str, object]:
    try:
        return msgspec.json.decode(payload, type=dict[str, object])
    except msgspec.MsgspecError:
        return {}


def _table(records: list[dict[str, str]]) -> dg.TableMetadataValue:
    names = _NAMES[: len(records)]
    fields = list(dict.fromkeys(field for record in records for field in record))
    rows = [
        dg.TableRecord(
            {"field": field} | {name: record.get(field, "") for name, record in zip(names, records, strict=True)}
        )
        for field in fields
    ]
    schema = dg.TableSchema([dg.TableColumn(name, "string") for name in ("field", *names)])
    return dg.MetadataValue.table(rows, schema)
