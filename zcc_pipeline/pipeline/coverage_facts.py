"""What polling found and what was pushed, read from the lake for the comparison of the two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import msgspec

from zcc_pipeline.domain.event_catalogue import canonical_name
from zcc_pipeline.domain.records import SHAPE_DETAIL, SHAPE_LIST
from zcc_pipeline.domain.window import iter_days, time_or_none
from zcc_pipeline.landing import Lake
from zcc_pipeline.landing.columns import lists_of
from zcc_pipeline.pipeline.completeness import FOLLOWING_DAYS
from zcc_pipeline.pipeline.lake_facts import EngagementFields, Landed, engagements_of
from zcc_pipeline.pipeline.per_engagement import EMAILS, SURVEYS, channels_of
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.reconciliation import Expected, FlowVisit, Pushed
from zcc_pipeline.reconciliation.coverage import (
    ANNOUNCES,
    DISPOSITION_ADDED,
    EMAIL_TRANSCRIPT,
    END_EVENTS,
    ENGAGEMENT_ENDED,
    FLOW_CLOSED,
    FLOW_DISPOSITION,
    FLOW_EVENTS,
    MESSAGING_TRANSCRIPT,
    NOTE_ADDED,
    RECORDING_COMPLETED,
    RECORDING_TRANSCRIPT,
    SURVEY_STATUS,
    VOICEMAIL_RECEIVED,
    VOICEMAIL_TRANSCRIPT,
)

EVENTS = "zoom/events"
API_SHAPES = frozenset({SHAPE_LIST, SHAPE_DETAIL})
"""What the API said; a pushed fact about the same record is no proof that polling found it."""
SURVEY_ANSWERED = "completed"
"""The only ``survey_status`` that Zoom's sample shows; others are about surveys that have no answer to collect."""

_TRANSCRIPTS = frozenset({RECORDING_TRANSCRIPT, VOICEMAIL_TRANSCRIPT})

SUBJECT_FIELD: Mapping[str, str] = {
    NOTE_ADDED: "note_id",
    RECORDING_COMPLETED: "recording_id",
    RECORDING_TRANSCRIPT: "recording_id",
    VOICEMAIL_RECEIVED: "message_id",
    VOICEMAIL_TRANSCRIPT: "message_id",
}
"""Where an event says what it is about; the others are about their engagement."""


class _Record(msgspec.Struct):
    """Fields of records and of events' objects that tell what they are about, all of them optional."""

    engagement_id: str | None = None
    note_id: str | None = None
    disposition_id: str | None = None
    recording_id: str | None = None
    message_id: str | None = None
    flow_id: str | None = None
    survey_status: str | None = None
    last_modified_time: str | None = None
    recording_end_time: str | None = None
    created_at: str | None = None
    transcript_url: str | None = None


class _Envelope(msgspec.Struct):
    object: _Record | None = None


class _Body(_Record):
    """A pushed body: Zoom's events have their object in an envelope, flow events are flat."""

    payload: _Envelope | None = None


@dataclass(slots=True)
class CoverageFacts:
    """Both sides of the comparison, and what judging the differences needs."""

    expected: list[Expected] = field(default_factory=list)
    pushed: list[Pushed] = field(default_factory=list)
    first_seen: dict[str, date] = field(default_factory=dict)
    """Day of the oldest event of each kind within the look-back."""
    ended: set[str] = field(default_factory=set)
    """Engagements whose end was announced."""
    visits: list[FlowVisit] = field(default_factory=list)
    """Inbound engagements by the flows that handled them."""
    with_flow_event: set[str] = field(default_factory=set)
    """Engagements about which a flow script sent anything."""


@dataclass(frozen=True, slots=True)
class _Event:
    name: str
    subject: _Record
    as_of: datetime
    observed_at: datetime
    route: str
    day: date


def read_facts(runtime: Runtime, days: Iterable[date]) -> CoverageFacts:
    """Everything about the engagements of those days.

    Events are looked for until the deep look-back has passed: notes and transcripts come late. What was seen before
    the days, over as long a time, tells which kinds of events are subscribed and which flows have a script.
    """
    wanted = sorted(set(days))
    facts = CoverageFacts()
    if not wanted:
        return facts
    landed = {day: engagements_of(runtime.lake, day, with_deleted=True) for day in wanted}
    day_of = {engagement_id: day for day, found in landed.items() for engagement_id in found}
    events = _read_events(runtime, wanted, facts)
    records = list(_read_belongings(runtime.lake, wanted))
    named = {event.subject.engagement_id for event in events} | {record.engagement_id for record in records}
    _resolve(runtime, wanted, {each for each in named if each}, day_of)
    senders = _senders(events, {key: record.fields for found in landed.values() for key, record in found.items()})
    chosen = frozenset(wanted)
    for event in events:
        _add_pushed(facts, event, day_of, chosen)
    for day, engagements in landed.items():
        for engagement_id, record in engagements.items():
            facts.expected += _of_engagement(engagement_id, record, day, senders)
            facts.visits += _visits(engagement_id, record)
    ends = {key: ended_at(record) for found in landed.values() for key, record in found.items()}
    for one in records:
        day = day_of.get(one.engagement_id or "", one.day)
        since = one.since or ends.get(one.engagement_id or "")
        if day in chosen and since is not None:
            facts.expected += [
                Expected(name, one.record_id, one.engagement_id, day, since) for name in one.announced_by
            ]
    return facts


def _read_events(runtime: Runtime, days: Sequence[date], facts: CoverageFacts) -> list[_Event]:
    """Events that may be about those days, and what older ones say of subscriptions and scripts."""
    decoder = msgspec.json.Decoder(_Body, strict=False)
    span = timedelta(days=runtime.config.deep_lookback_days)
    oldest, newest, first = days[0] - span, days[-1] + span, days[0] - timedelta(days=1)
    found: list[_Event] = []
    for day in runtime.lake.days(EVENTS):
        if not oldest <= day <= newest:
            continue
        is_about = day >= first
        names = None if is_about else sorted(FLOW_EVENTS)
        seen = runtime.lake.latest(EVENTS, day, day, columns=["shape"]).column("shape").unique().to_pylist()
        for name in {canonical_name(shape) for shape in seen}:
            facts.first_seen.setdefault(name, day)
        if is_about or FLOW_EVENTS & {canonical_name(shape) for shape in seen}:
            found += _events_of(runtime.lake, day, decoder, names)
    return found


def _events_of(
    lake: Lake, day: date, decoder: msgspec.json.Decoder[_Body], shapes: Sequence[str] | None
) -> Iterator[_Event]:
    names = ["shape", "payload", "as_of", "observed_at", "route"]
    table = lake.latest(EVENTS, day, day, shapes=shapes, columns=names)
    for shape, payload, as_of, observed_at, route in zip(*lists_of(table, names), strict=True):
        name = canonical_name(shape)
        if name not in ANNOUNCES:
            continue
        try:
            body = decoder.decode(payload)
        except msgspec.MsgspecError:
            continue  # what cannot be read is in quarantine, where it is counted
        about = body.payload.object if body.payload and body.payload.object else body
        yield _Event(name, about, as_of, observed_at, route, day)


def _resolve(runtime: Runtime, days: Sequence[date], ids: AbstractSet[str], day_of: dict[str, date]) -> None:
    """Days of engagements that are named and did not start on the days asked for: newest first, ids only."""
    asked, unknown = set(days), ids - day_of.keys()
    oldest = days[0] - timedelta(days=runtime.config.deep_lookback_days)
    for day in reversed(runtime.lake.days("zoom/engagements")):
        if not unknown or day < oldest:
            return
        if day not in asked:
            table = runtime.lake.latest("zoom/engagements", day, day, with_deleted=True, columns=["record_id"])
            there = unknown & set(table.column("record_id").to_pylist())
            day_of.update(dict.fromkeys(there, day))
            unknown = unknown - there


def _senders(events: Iterable[_Event], known: Mapping[str, EngagementFields]) -> Mapping[str, set[str]]:
    """Flows that have ever sent an event of each kind."""
    found: dict[str, set[str]] = {name: set() for name in FLOW_EVENTS}
    for event in events:
        if event.name not in FLOW_EVENTS:
            continue
        if event.subject.flow_id:
            found[event.name].add(event.subject.flow_id)
        elif (fields := known.get(event.subject.engagement_id or "")) is not None:
            found[event.name] |= {flow.flow_id for flow in fields.flows or () if flow.flow_id}
    return found


def _add_pushed(facts: CoverageFacts, event: _Event, day_of: Mapping[str, date], days: frozenset[date]) -> None:
    about = event.subject
    engagement_id = about.engagement_id
    if engagement_id and event.name in END_EVENTS:
        facts.ended.add(engagement_id)
    if engagement_id and event.name in FLOW_EVENTS:
        facts.with_flow_event.add(engagement_id)
    day = day_of.get(engagement_id or "", event.day)
    subject_id = _subject_of(event.name, about)
    if day not in days or subject_id is None:
        return
    latency = max(0.0, (event.observed_at - event.as_of).total_seconds())
    facts.pushed.append(Pushed(event.name, subject_id, engagement_id, day, event.as_of, event.route, latency))


def _subject_of(name: str, about: _Record) -> str | None:
    """What the event is about; None where it does not say, or where it announces nothing to collect."""
    if name == SURVEY_STATUS and about.survey_status != SURVEY_ANSWERED:
        return None
    if name == DISPOSITION_ADDED:
        has_both = about.engagement_id and about.disposition_id
        return f"{about.engagement_id}:{about.disposition_id}" if has_both else None
    subject: str | None = getattr(about, SUBJECT_FIELD.get(name, "engagement_id"))
    return subject or None


def _of_engagement(
    engagement_id: str, landed: Landed[EngagementFields], day: date, senders: Mapping[str, set[str]]
) -> Iterator[Expected]:
    fields = landed.fields
    since = ended_at(landed)
    yield Expected(ENGAGEMENT_ENDED, engagement_id, engagement_id, day, since)
    if fields.transcript_url and "messaging" in channels_of(fields):
        yield Expected(MESSAGING_TRANSCRIPT, engagement_id, engagement_id, day, since)
    if fields.direction != "inbound":
        return
    flows = {flow.flow_id for flow in fields.flows or ()}
    if flows & senders[FLOW_CLOSED]:
        yield Expected(FLOW_CLOSED, engagement_id, engagement_id, day, since)
    if flows & senders[FLOW_DISPOSITION] and fields.dispositions:
        yield Expected(FLOW_DISPOSITION, engagement_id, engagement_id, day, since)


def ended_at(landed: Landed[EngagementFields]) -> datetime:
    """When the engagement ended; when it was read, where it does not say."""
    return landed.ended_at or landed.as_of


def _visits(engagement_id: str, landed: Landed[EngagementFields]) -> Iterator[FlowVisit]:
    if landed.fields.direction == "inbound":
        for flow in landed.fields.flows or ():
            if flow.flow_id:
                yield FlowVisit(engagement_id, flow.flow_id, flow.flow_name or flow.flow_id, ended_at(landed))


@dataclass(frozen=True, slots=True)
class _Belonging:
    """Something that the API shows, and the events that should have announced it."""

    record_id: str
    engagement_id: str | None
    day: date
    since: datetime | None
    announced_by: tuple[str, ...]


def _read_belongings(lake: Lake, days: Sequence[date]) -> Iterator[_Belonging]:
    """Notes, dispositions, recordings, voicemails, e-mail and surveys that may belong to engagements of those days."""
    nearby = sorted({near for day in days for near in iter_days(day, day + timedelta(days=FOLLOWING_DAYS))})
    yield from _records(lake, "zoom/notes", days, NOTE_ADDED)
    yield from _records(lake, "zoom/dispositions", days, DISPOSITION_ADDED)
    yield from _records(lake, "zoom/recordings", nearby, RECORDING_COMPLETED, RECORDING_TRANSCRIPT)
    yield from _records(lake, "zoom/voicemails", nearby, VOICEMAIL_RECEIVED, VOICEMAIL_TRANSCRIPT)
    for dataset, event in ((EMAILS.name, EMAIL_TRANSCRIPT), (SURVEYS.name, SURVEY_STATUS)):
        for day in days:
            owners = lake.latest(dataset, day, day, columns=["engagement_id"]).column("engagement_id").to_pylist()
            yield from (_Belonging(one, one, day, None, (event,)) for one in sorted({each for each in owners if each}))


def _records(lake: Lake, dataset: str, days: Iterable[date], *events: str) -> Iterator[_Belonging]:
    """What the API has shown, deleted since or not; a transcript counts where there is an address of it."""
    decoder = msgspec.json.Decoder(_Record, strict=False)
    names = ["record_id", "engagement_id", "payload"]
    for day in days:
        table = lake.latest(dataset, day, day, shapes=API_SHAPES, with_deleted=True, columns=names)
        for record_id, engagement_id, payload in zip(*(table.column(each).to_pylist() for each in names), strict=True):
            try:
                about = decoder.decode(payload)
            except msgspec.MsgspecError:
                about = _Record()  # the warehouse sets it aside, where it is counted
            told = about.last_modified_time or about.recording_end_time or about.created_at
            announced = tuple(each for each in events if about.transcript_url or each not in _TRANSCRIPTS)
            yield _Belonging(record_id, engagement_id, day, time_or_none(told), announced)
