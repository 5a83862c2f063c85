"""Pages and single answers to chunks of records, in C.

A page is read in three quick passes, none of them a Python loop over parsed records: once for each record's bytes as
received, once for the few fields that identify it and the bytes of its embedded arrays, once for the ids inside these.
Only a page with a bad record in it is read record by record, so that one bad record costs itself and nobody else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from itertools import chain, compress, repeat
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from zcc_pipeline.domain.datasets import DATASETS, Dataset, Reading
from zcc_pipeline.domain.errors import RecordRejected
from zcc_pipeline.domain.records import SHAPE_LIST, RecordChunk, Route
from zcc_pipeline.sources.zoom_api.paging import envelope_reader
from zcc_pipeline.transport import NO_JSON

DIGEST = "message_digest"
"""Stands in ``id_fields`` for a digest of the record's own bytes, where Zoom gives no id."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record that cannot be landed because it does not say what it is; ``reason`` quotes nothing from it."""

    reason: str
    payload: bytes
    dataset: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """What all records of an answer share."""

    as_of: datetime
    batch_id: str
    shape: str = SHAPE_LIST
    route: Route = "poll"
    engagement_id: str | None = None
    """The engagement that was asked for, where the records themselves do not name it."""


Reject = Callable[[RejectedRecord], None]


def split_page(
    dataset: Dataset,
    body: bytes,
    *,
    as_of: datetime,
    batch_id: str,
    shape: str = SHAPE_LIST,
    route: Route = "poll",
    items_key: str | None = None,
    engagement_id: str | None = None,
    reject: Reject | None = None,
) -> list[RecordChunk]:
    """One chunk of the page's own records and one for each embedded dataset; payloads are views of ``body``.

    A record without its id, or with one of a wrong type, goes to ``reject``; without that, ``RecordRejected`` is
    raised. ``MalformedAnswer`` where there is no array at ``items_key``.
    """
    items = envelope_reader(items_key or dataset.listing.items)(body).items
    return split_items(dataset, items, Origin(as_of, batch_id, shape, route, engagement_id), reject=reject)


def split_record(
    dataset: Dataset,
    body: bytes,
    *,
    shape: str,
    as_of: datetime,
    batch_id: str,
    engagement_id: str | None = None,
    route: Route = "poll",
    reject: Reject | None = None,
) -> list[RecordChunk]:
    """The same for an answer that is one record. One that names another engagement than was asked for is rejected."""
    origin = Origin(as_of, batch_id, shape, route, engagement_id)
    return split_items(dataset, [msgspec.Raw(body)], origin, reject=reject)


def split_items(
    dataset: Dataset, items: Sequence[msgspec.Raw], origin: Origin, *, reject: Reject | None = None
) -> list[RecordChunk]:
    """The same for records that are already apart."""
    splitter = _splitter(dataset, origin.engagement_id is not None)
    payloads, keys = splitter.read(items, reject or _refuse, asked_for=origin.engagement_id)
    ids = splitter.ids(payloads, keys, origin)
    engagements = splitter.engagements(keys, origin)
    times = splitter.times(keys)
    chunks = [_chunk(dataset, origin, ids, payloads, engagements, times)]
    chunks += [_split_child(child, keys, engagements, times, origin, reject or _refuse) for child in splitter.children]
    return chunks


def _refuse(rejected: RejectedRecord) -> None:
    raise RecordRejected(f"{rejected.dataset}: {rejected.reason}")


def _chunk(
    dataset: Dataset,
    origin: Origin,
    ids: Sequence[str],
    payloads: Sequence[msgspec.Raw],
    engagements: Sequence[str | None],
    times: Sequence[str | None],
) -> RecordChunk:
    return RecordChunk(
        dataset=dataset.name,
        shape=origin.shape,
        route=origin.route,
        as_of=origin.as_of,
        batch_id=origin.batch_id,
        record_ids=ids,
        payloads=payloads,
        engagement_ids=engagements,
        occurred_at=times,
    )


def _split_child(
    child: Dataset,
    parents: Sequence[Any],
    engagements: Sequence[str | None],
    times: Sequence[str | None],
    origin: Origin,
    reject: Reject,
) -> RecordChunk:
    arrays = list(map(attrgetter(child.embedded_key or ""), parents))
    if not any(arrays):
        return _chunk(child, origin, [], [], [], [])
    sizes = [len(array) if array else 0 for array in arrays]
    raws = list(chain.from_iterable(filter(None, arrays)))
    owners = _each_repeated([engagement or "" for engagement in engagements], sizes)
    occurred_at = _each_repeated(times, sizes)
    splitter = _splitter(child, True)
    kept, keys = splitter.read(raws, reject)
    if len(kept) != len(raws):
        still_there = set(map(id, kept))
        is_kept = [id(raw) in still_there for raw in raws]
        owners, occurred_at = list(compress(owners, is_kept)), list(compress(occurred_at, is_kept))
    columns = [owners if field == "engagement_id" else list(map(attrgetter(field), keys)) for field in child.id_fields]
    ids = columns[0] if len(columns) == 1 else list(map(":".join, zip(*columns, strict=True)))
    return _chunk(child, origin, ids, kept, owners, occurred_at)


def _each_repeated(values: Sequence[T], times: Sequence[int]) -> list[T]:
    return list(chain.from_iterable(map(repeat, values, times)))


class _Splitter:
    """Decoders for one dataset, made once. ``given``: the engagement id comes from outside."""

    def __init__(self, dataset: Dataset, *, given: bool) -> None:
        self.dataset = dataset
        self.children = [
            other
            for other in DATASETS.values()
            if other.parent == dataset.name and other.reading is Reading.EMBEDDED and other.embedded_key
        ]
        self._required = [
            field for field in dataset.id_fields if field != DIGEST and not (given and field == "engagement_id")
        ]
        optional = {f: str | None for f in (dataset.engagement_field, dataset.time_field) if f}
        if given:
            optional["engagement_id"] = str | None
        plain: list[Any] = [(field, str) for field in self._required]
        plain += [(field, kind, None) for field, kind in optional.items() if field not in self._required]
        arrays: list[Any] = [(child.embedded_key or "", list[msgspec.Raw] | None, None) for child in self.children]
        bare = msgspec.defstruct("BareKeys", plain, gc=False)
        full = msgspec.defstruct("Keys", [*plain, *arrays], gc=False)
        self._page: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(list[full])  # type: ignore[valid-type]
        self._full: msgspec.json.Decoder[Any] = msgspec.json.Decoder(full)
        self._bare: msgspec.json.Decoder[Any] = msgspec.json.Decoder(bare)
        self._arrays: list[tuple[Dataset, msgspec.json.Decoder[Any]]] = [
            (child, msgspec.json.Decoder(msgspec.defstruct("OneArray", [array], gc=False)))
            for child, array in zip(self.children, arrays, strict=True)
        ]
        self._make_full = full

    def read(
        self, items: Sequence[msgspec.Raw], reject: Reject, *, asked_for: str | None = None
    ) -> tuple[Sequence[msgspec.Raw], Sequence[Any]]:
        """Payloads that can be landed and their keys; the others are handed to ``reject``."""
        joined = b"[" + b",".join(items) + b"]"
        if _is_text(joined):
            try:
                keys = self._page.decode(joined)
            except NO_JSON:
                pass
            else:
                if not self._any_doubt(keys, asked_for):
                    return items, keys
        return self._read_each(items, reject, asked_for)

    def _any_doubt(self, keys: Sequence[Any], asked_for: str | None) -> bool:
        if any("" in map(attrgetter(field), keys) for field in self._required):
            return True
        return asked_for is not None and any(_is_stranger(key, asked_for) for key in keys)

    def _read_each(
        self, items: Sequence[msgspec.Raw], reject: Reject, asked_for: str | None
    ) -> tuple[list[msgspec.Raw], list[Any]]:
        kept, keys = [], []
        for raw in items:
            try:
                key = self._read_one(bytes(raw), reject, asked_for)
            except RecordRejected as error:
                reject(RejectedRecord(str(error), bytes(raw), self.dataset.name))
            else:
                kept.append(raw)
                keys.append(key)
        return kept, keys

    def _read_one(self, payload: bytes, reject: Reject, asked_for: str | None) -> Any:  # noqa: ANN401
        if not _is_text(payload):
            raise RecordRejected("not valid UTF-8")
        try:
            key = self._full.decode(payload)
        except NO_JSON:
            key = self._read_piecemeal(payload, reject)
        if any(getattr(key, field) == "" for field in self._required):
            raise RecordRejected("an id field is empty")
        if asked_for is not None and _is_stranger(key, asked_for):
            raise RecordRejected("names another engagement than was asked for")
        return key

    def _read_piecemeal(self, payload: bytes, reject: Reject) -> Any:  # noqa: ANN401
        """The record where it is sound itself; an array inside it that is not is set aside under its own dataset."""
        try:
            key = self._bare.decode(payload)
        except NO_JSON as error:
            raise RecordRejected(str(error)) from None
        found = {field: getattr(key, field) for field in key.__struct_fields__}
        for child, decoder in self._arrays:
            try:
                array = decoder.decode(payload)
            except NO_JSON as error:
                reject(RejectedRecord(str(error), payload, child.name))
            else:
                found[child.embedded_key or ""] = getattr(array, child.embedded_key or "")
        return self._make_full(**found)

    def ids(self, payloads: Sequence[msgspec.Raw], keys: Sequence[Any], origin: Origin) -> list[str]:
        """Record ids, in order."""
        columns = [self._column(field, payloads, keys, origin) for field in self.dataset.id_fields]
        return columns[0] if len(columns) == 1 else [":".join(parts) for parts in zip(*columns, strict=True)]

    def _column(self, field: str, payloads: Sequence[msgspec.Raw], keys: Sequence[Any], origin: Origin) -> list[str]:
        if field == DIGEST:
            return [blake2b(raw, digest_size=8).hexdigest() for raw in payloads]
        if field == "engagement_id" and origin.engagement_id is not None:
            return [origin.engagement_id] * len(keys)
        return list(map(attrgetter(field), keys))

    def engagements(self, keys: Sequence[Any], origin: Origin) -> list[str | None]:
        """The engagement of each record: its own word, else the one that was asked for."""
        field = self.dataset.engagement_field
        if field is None:
            return [origin.engagement_id] * len(keys)
        found = map(attrgetter(field), keys)
        return [value or origin.engagement_id for value in found]

    def times(self, keys: Sequence[Any]) -> list[str | None]:
        """The record's own time as received; ``None`` where it has none."""
        field = self.dataset.time_field
        return [value or None for value in map(attrgetter(field), keys)] if field else [None] * len(keys)


@lru_cache(maxsize=128)
def _splitter(dataset: Dataset, given: bool) -> _Splitter:
    return _Splitter(dataset, given=given)


def _is_stranger(key: Any, asked_for: str) -> bool:  # noqa: ANN401 - a struct made at run time
    return bool(key.engagement_id) and key.engagement_id != asked_for


def _is_text(payload: bytes) -> bool:
    if payload.isascii():
        return True
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
