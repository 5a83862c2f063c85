"""What a pushed event says and leads to, read from its kept body. Nothing here touches a store.

A fact that an event carries is a record of its dataset under the event's name as shape, with the bytes as received. It
speaks for the moment at which the event happened, which is never later than its arrival: a sender whose clock is wrong
must not outrank every later read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from zcc_pipeline.domain.errors import RecordRejected
from zcc_pipeline.domain.event_catalogue import EventKind, canonical_name, kind_of
from zcc_pipeline.domain.events import CONNECTION_GAP, UNREADABLE, PushedEvent
from zcc_pipeline.domain.ports import PushedPart, WantedRefresh
from zcc_pipeline.domain.records import RecordChunk, Route
from zcc_pipeline.domain.window import day_of, parse_time
from zcc_pipeline.pipeline.flow_facts import flow_facts

EVENTS = "zoom/events"
FOREIGN = "of another account"
PARTS = {"zoom/notes", "zoom/dispositions"}
"""Datasets whose records are parts of an engagement: a read of the engagement decides whether it has them."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The word that a record is gone at the source."""

    dataset: str
    record_id: str
    shape: str
    said_at: datetime
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Gap:
    """A span of time in which events may have been missed."""

    started_at: datetime
    ended_at: datetime


@dataclass(slots=True)
class Reading:
    """What one event says."""

    event: PushedEvent
    name: str
    said_at: datetime
    is_known: bool = True
    chunks: list[RecordChunk] = field(default_factory=list)
    facts: int = 0
    refresh: WantedRefresh | None = None
    parts: list[PushedPart] = field(default_factory=list)
    tombstone: Tombstone | None = None
    gap: Gap | None = None
    problem: tuple[str, str] | None = None
    """Dataset and reason where the event is kept and the fact in it could not be read."""


class _Payload(msgspec.Struct):
    object: msgspec.Raw


class _Envelope(msgspec.Struct):
    payload: _Payload


class _NoteKeys(msgspec.Struct):
    note_id: str
    engagement_id: str


class _DispositionKeys(msgspec.Struct):
    disposition_id: str
    engagement_id: str


class _RecordingKeys(msgspec.Struct):
    recording_id: str
    engagement_id: str | None = None
    recording_start_time_ms: str | None = None


class _VoicemailKeys(msgspec.Struct):
    message_id: str
    engagement_id: str | None = None


class _Span(msgspec.Struct):
    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")


Keys = TypeVar("Keys", bound=msgspec.Struct)

_KEYS: dict[str, type[msgspec.Struct]] = {
    "zoom/notes": _NoteKeys,
    "zoom/dispositions": _DispositionKeys,
    "zoom/recordings": _RecordingKeys,
    "zoom/voicemails": _VoicemailKeys,
}


def read_event(event: PushedEvent, *, account_id: str | None, timezone: ZoneInfo, batch_id: str) -> Reading:
    """Read one event. ``RecordRejected`` for one that cannot be kept as an event at all."""
    said_at = min(event.event_ts or event.received_at, event.received_at)
    name = canonical_name(event.event)
    reading = Reading(event, name, said_at)
    if event.intake == "gap" or name == CONNECTION_GAP:
        reading.gap = _read_gap(event.body)
        return reading
    if name == UNREADABLE:
        raise RecordRejected("authentic, but no event")
    if account_id is not None and event.account_id is not None and event.account_id != account_id:
        raise RecordRejected(FOREIGN)
    kind = kind_of(name)
    reading.is_known = kind is not None
    reading.chunks.append(_chunk(EVENTS, reading, event.dedupe_key.hex(), event.body, event.engagement_id, batch_id))
    if kind is not None:
        _follow(kind, reading, timezone, batch_id)
    return reading


def _follow(kind: EventKind, reading: Reading, timezone: ZoneInfo, batch_id: str) -> None:
    event = reading.event
    if kind.refreshes and event.engagement_id:
        reading.refresh = WantedRefresh(
            event.engagement_id, reading.said_at + kind.delay, day_of(reading.said_at, timezone), reading.name
        )
    dataset = kind.fact or kind.tombstone or ""
    try:
        if event.intake == "flow":
            for fact in flow_facts(event.body):
                dataset = fact.dataset
                _add(reading, fact.dataset, fact.record_id, fact.payload, fact.engagement_id, batch_id, fact.part_id)
        elif kind.fact is not None:
            _read_fact(kind.fact, reading, batch_id)
        elif kind.tombstone is not None:
            keys, payload = _object_of(event.body, _KEYS[kind.tombstone])
            record_id = getattr(keys, keys.__struct_fields__[0])
            reading.tombstone = Tombstone(kind.tombstone, record_id, reading.name, reading.said_at, payload)
    except RecordRejected as error:
        reading.problem = (dataset or EVENTS, str(error))


def _read_fact(dataset: str, reading: Reading, batch_id: str) -> None:
    keys, payload = _object_of(reading.event.body, _KEYS[dataset])
    ids = {name: getattr(keys, name) for name in keys.__struct_fields__}
    engagement_id = ids["engagement_id"] or None
    if isinstance(keys, _DispositionKeys):
        record_id, part_id = f"{engagement_id}:{keys.disposition_id}", keys.disposition_id
    else:
        record_id = part_id = str(ids[keys.__struct_fields__[0]])
    occurred_at = ids.get("recording_start_time_ms")
    _add(reading, dataset, record_id, payload, engagement_id, batch_id, part_id, occurred_at)


def _object_of(body: bytes, kind: type[Keys]) -> tuple[Keys, bytes]:
    """The event's object as received, and its ids; the reason for a refusal quotes nothing of it."""
    try:
        payload = bytes(msgspec.json.decode(body, type=_Envelope).payload.object)
        keys = msgspec.json.decode(payload, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise RecordRejected(str(error)) from None
    first = kind.__struct_fields__[0]
    required = [first, "engagement_id"] if kind in (_NoteKeys, _DispositionKeys) else [first]
    if not all(getattr(keys, name) for name in required):
        raise RecordRejected("an id is empty")
    return keys, payload


def _add(
    reading: Reading,
    dataset: str,
    record_id: str,
    payload: bytes,
    engagement_id: str | None,
    batch_id: str,
    part_id: str | None,
    occurred_at: str | None = None,
) -> None:
    reading.chunks.append(_chunk(dataset, reading, record_id, payload, engagement_id, batch_id, occurred_at))
    reading.facts += 1
    if dataset in PARTS and engagement_id and part_id:
        reading.parts.append(
            PushedPart(dataset, record_id, part_id, engagement_id, shape=reading.name, said_at=reading.said_at)
        )


def _chunk(
    dataset: str,
    reading: Reading,
    record_id: str,
    payload: bytes,
    engagement_id: str | None,
    batch_id: str,
    occurred_at: str | None = None,
) -> RecordChunk:
    return RecordChunk(
        dataset=dataset,
        shape=reading.name,
        route=route_of(reading.event),
        as_of=reading.said_at,
        batch_id=batch_id,
        record_ids=[record_id],
        payloads=[payload],
        engagement_ids=[engagement_id],
        occurred_at=[occurred_at or None],
    )


def route_of(event: PushedEvent) -> Route:
    """How it came, as the lake says it."""
    return "webhook" if event.intake == "gap" else event.intake


def _read_gap(body: bytes) -> Gap:
    try:
        span = msgspec.json.decode(body, type=_Span)
        start, end = sorted((parse_time(span.start), parse_time(span.end)))
    except (msgspec.MsgspecError, ValueError, OverflowError):
        raise RecordRejected("a gap without two times") from None
    return Gap(start, end)
