"""An index of the objects in Parquet, made from the store and the ledger alone: lose it, and it is made again.

It is read with DuckDB, pandas or anything else that reads Parquet; nothing that decides about the archive reads it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from datetime import date
from itertools import groupby
from typing import Any, TypedDict

import pyarrow as pa
import pyarrow.parquet as pq

from zcc_pipeline.archive.holds import Standings
from zcc_pipeline.archive.lookup import Lookup
from zcc_pipeline.archive.naming import engagement_id_of
from zcc_pipeline.archive.ocfl import Inventory, ObjectStore
from zcc_pipeline.archive.storage import Place
from zcc_pipeline.archive.sums import SUMS, write_sums
from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.domain.parts import in_parts

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
        ("retention_class", pa.string()),
        ("held", pa.bool_()),
    ]
)
MEANINGS: Mapping[str, str] = {
    "object_id": "Name of the OCFL object.",
    "engagement_id": "Zoom's id of the engagement.",
    "day": "Day on which the engagement started, in ZCC_TIMEZONE; null where nothing archived tells it.",
    "channels": "Channels that the archived engagement names.",
    "version": "Newest version of the object.",
    "inventory_sha512": "SHA-512 of its inventory, as the ledger's newest entry about it has it.",
    "files": "Files in the newest version.",
    "bytes": "Size of those of them that came from Zoom, as provenance.json tells.",
    "retain_until": "Last day on which it must be there, as promised in the ledger; null: nobody promised one.",
    "retention_class": "Retention class that the last day comes from.",
    "held": "Whether a matter holds it, by its id or by its day.",
}
"""What each column says, for the docs and for who reads the table."""
_ROWS = 5_000
"""In a row group."""
UNKNOWN_DAY = date(1970, 1, 1)
"""In whose folder objects lie of which no day is known."""


class _Row(TypedDict):
    """One object, as in ``MEANINGS``."""

    object_id: str
    engagement_id: str | None
    day: date | None
    channels: list[str]
    version: int
    inventory_sha512: str
    files: int
    bytes: int
    retain_until: date | None
    retention_class: str | None
    held: bool


_FROM_THE_API = frozenset({"list", "detail"})
"""Shapes whose day is the engagement's own; what an event told may have landed on another."""


def write_day(place: Place, objects: ObjectStore, day: date, object_ids: Iterable[str], standings: Standings) -> None:
    """The index of one day, anew from its objects and from what the ledger says of keeping them."""
    _write(place, day, (row for each in sorted(object_ids) if (row := _row(objects, each, standings)) is not None))


def renew_day(place: Place, objects: ObjectStore, day: date, standings: Standings) -> bool:
    """Bring one day up to what the ledger says of keeping now, without reading its objects; whether that was news.

    What was purged is gone from it. A day that was written with other columns is written anew from its objects.
    """
    table = read_day(place, day)
    if table is None:
        return False
    if table.schema != SCHEMA:
        write_day(place, objects, day, table.column("object_id").to_pylist(), standings)
        return True
    rows = table.to_pylist()
    there = (row for row in rows if not standings.is_purged(row["object_id"]))
    renewed = [row | _keeping(row["object_id"], row["day"], standings) for row in there]
    if renewed == rows:
        return False
    _write(place, day, sorted(renewed, key=lambda row: str(row["object_id"])))
    return True


def read_day(place: Place, day: date) -> pa.Table | None:
    """The index of one day; None where there is none."""
    data = place.read(_key(day))
    return None if data is None else pq.read_table(io.BytesIO(data), partitioning=None)


def indexed_days(place: Place) -> Iterator[date]:
    """Days of which there is an index, in order; ``UNKNOWN_DAY`` for objects without one."""
    for name in place.folders(FOLDER):
        text = name.removeprefix("date=")
        if text != name:
            yield date.fromisoformat(text)


def seal_index(place: Place) -> None:
    """List the digests of the index's files beside them, once they are as they are to stay."""
    write_sums(place, FOLDER)


def rebuild_index(
    place: Place,
    objects: ObjectStore,
    standings: Standings,
    *,
    advance: Callable[[int], None] = lambda _objects: None,
) -> int:
    """Write the whole index anew from the store and the ledger; returns how many objects there are.

    The same objects and entries give the same files, byte for byte.
    """
    found = Lookup(_Row)
    days: set[date] = set()
    for object_id in objects.object_ids():
        row = _row(objects, object_id, standings)
        if row is not None:
            day = row["day"] or UNKNOWN_DAY
            days.add(day)
            found.put(f"{day} {object_id}", row)
        advance(1)
    for day in set(indexed_days(place)) - days:
        _write(place, day, [])
    for key in set(place.keys(FOLDER)) - {_key(day) for day in days} - {f"{FOLDER}/{SUMS}"}:
        place.set_aside(key)
    of_days = (row for _, row in found.sorted_items())
    for day, rows in groupby(of_days, key=lambda row: row["day"] or UNKNOWN_DAY):
        _write(place, day, rows)
    if days:
        seal_index(place)
    return len(found)


def _write(place: Place, day: date, rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows in the order of their ids; those of a large day are never all in memory."""
    buffer = io.BytesIO()
    count = 0
    with pq.ParquetWriter(buffer, SCHEMA, compression="zstd") as writer:
        for part in in_parts(rows, _ROWS):
            writer.write_table(pa.Table.from_pylist(part, SCHEMA))
            count += len(part)
    if not count:
        if place.read(_key(day)) is None:
            return
        with suppress(PermanentError):  # storage that keeps what was written keeps it, under an empty newer version
            place.remove(_folder(day))
            return
    place.replace(_key(day), buffer.getvalue())


def _folder(day: date) -> str:
    return f"{FOLDER}/date={day}"


def _key(day: date) -> str:
    return f"{_folder(day)}/part-0.parquet"


def _keeping(object_id: str, day: date | None, standings: Standings) -> dict[str, Any]:
    standing = standings.of(object_id)
    return {
        "retain_until": standing.retain_until if standing else None,
        "retention_class": standing.retention_class if standing else None,
        "held": bool(standings.holds_of(object_id, day)),
    }


def _row(objects: ObjectStore, object_id: str, standings: Standings) -> _Row | None:
    inventory = objects.inventory(object_id)
    if inventory is None:
        return None
    origins = _json(objects, inventory, "provenance.json") or []
    of_engagement = [each for each in origins if each.get("dataset") == "zoom/engagements"]
    day = min((_day(each) for each in of_engagement if each.get("shape") in _FROM_THE_API), default=None)
    keeping = _keeping(object_id, day, standings)
    return _Row(
        object_id=object_id,
        engagement_id=engagement_id_of(object_id),
        day=day,
        channels=sorted(_channels(objects, inventory, [each["path"] for each in of_engagement])),
        version=inventory.head,
        inventory_sha512=inventory.digest,
        files=len(inventory.state),
        bytes=sum(int(each.get("size_bytes") or 0) for each in origins),
        retain_until=keeping["retain_until"],
        retention_class=keeping["retention_class"],
        held=keeping["held"],
    )


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
