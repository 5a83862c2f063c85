"""An index of the objects in Parquet, made from the store alone: lose it, and it is made again.

It is read with DuckDB, pandas or anything else that reads Parquet; the archive itself never reads it.
"""

from __future__ import annotations

import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from zcc_pipeline.archive.naming import engagement_id_of
from zcc_pipeline.archive.ocfl import Inventory, ObjectStore
from zcc_pipeline.archive.storage import Place
from zcc_pipeline.archive.sums import write_sums

FOLDER = "index"
SCHEMA = pa.schema(
    [
        ("object_id", pa.string()),
        ("engagement_id", pa.string()),
        ("day", pa.date32()),
        ("channels", pa.list_(pa.string())),
        ("version", pa.int32()),
        ("inventory_sha512", pa.string()),
        ("files", pa.int32()),
        ("bytes", pa.int64()),
        ("retain_until", pa.date32()),
    ]
)
"""``day`` is the one on which the engagement started, in ``ZCC_TIMEZONE``; ``bytes`` are those of the newest
version's files as ``provenance.json`` tells them; ``retain_until`` is null where no date is set."""
_FROM_THE_API = frozenset({"list", "detail"})
"""Shapes whose day is the engagement's own; what an event told may have landed on another."""


def write_day(place: Place, objects: ObjectStore, day: date, object_ids: Iterable[str]) -> None:
    """The index of one day, anew from its objects."""
    rows = [row for object_id in object_ids if (row := _row(objects, object_id)) is not None]
    _write(place, day, rows)


def seal_index(place: Place) -> None:
    """List the digests of the index's files beside them, once they are as they are to stay."""
    write_sums(place, FOLDER)


def rebuild_index(place: Place, objects: ObjectStore, *, advance: Callable[[int], None] = lambda _objects: None) -> int:
    """Write the whole index anew from the store alone; returns how many objects there are.

    The same objects give the same files, byte for byte.
    """
    by_day: dict[date | None, list[dict[str, Any]]] = defaultdict(list)
    for object_id in objects.object_ids():
        row = _row(objects, object_id)
        if row is not None:
            by_day[row["day"]].append(row)
        advance(1)
    for key in set(place.keys(FOLDER)) - {_key(day) for day in by_day}:
        place.set_aside(key)
    for day, rows in by_day.items():
        _write(place, day, rows)
    if by_day:
        seal_index(place)
    return sum(map(len, by_day.values()))


def _write(place: Place, day: date | None, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    buffer = io.BytesIO()
    table = pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["object_id"])), SCHEMA)
    pq.write_table(table, buffer, compression="zstd")
    place.replace(_key(day), buffer.getvalue())


def _key(day: date | None) -> str:
    return f"{FOLDER}/date={day or '1970-01-01'}/part-0.parquet"


def _row(objects: ObjectStore, object_id: str) -> dict[str, Any] | None:
    inventory = objects.inventory(object_id)
    if inventory is None:
        return None
    origins = _json(objects, inventory, "provenance.json") or []
    of_engagement = [each for each in origins if each.get("dataset") == "zoom/engagements"]
    return {
        "object_id": object_id,
        "engagement_id": engagement_id_of(object_id),
        "day": min((_day(each) for each in of_engagement if each.get("shape") in _FROM_THE_API), default=None),
        "channels": sorted(_channels(objects, inventory, [each["path"] for each in of_engagement])),
        "version": inventory.head,
        "inventory_sha512": inventory.digest,
        "files": len(inventory.state),
        "bytes": sum(int(each.get("size_bytes") or 0) for each in origins),
        "retain_until": None,
    }


def _day(origin: dict[str, Any]) -> date:
    return date.fromisoformat(str(origin["day"]))


def _channels(objects: ObjectStore, inventory: Inventory, paths: list[str]) -> Iterator[str]:
    seen = set()
    for path in paths:
        content = _json(objects, inventory, path)
        channels = content.get("channels") if isinstance(content, dict) else None
        for each in channels if isinstance(channels, list) else ():
            if isinstance(each, dict) and isinstance(each.get("channel"), str):
                seen.add(each["channel"])
    yield from seen


def _json(objects: ObjectStore, inventory: Inventory, path: str) -> Any:  # noqa: ANN401 - any JSON
    if path not in inventory.state:
        return None
    try:
        with closing(objects.open(inventory.object_id, path)) as stream:
            return json.load(stream)
    except (ValueError, RecursionError):
        return None
