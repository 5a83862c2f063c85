"""The few fields of landed records that decisions need, read from the newest versions in the lake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, TypeVar

import msgspec

from zcc_pipeline.domain.records import SHAPE_DETAIL, SHAPE_LIST
from zcc_pipeline.domain.window import day_window, format_time, time_or_none
from zcc_pipeline.landing import Lake
from zcc_pipeline.landing.columns import lists_of

COLUMNS = ("payload", "as_of", "is_deleted", "route")
API_SHAPES = frozenset({SHAPE_LIST, SHAPE_DETAIL})
"""Shapes of what was read from the API."""


class RecordFields(msgspec.Struct):
    """What the pipeline looks at in a record."""

    @property
    def times(self) -> tuple[str | None, str | None]:
        """Its begin and its end as received."""
        return None, None


class ChannelFields(msgspec.Struct):
    """One channel an engagement used."""

    channel: str | None = None


class FlowFields(msgspec.Struct):
    """One flow that handled an engagement."""

    flow_id: str | None = None
    flow_name: str | None = None


class EngagementFields(RecordFields):
    """What the pipeline looks at in an engagement, list or detail."""

    engagement_id: str
    start_time: str | None = None
    end_time: str | None = None
    direction: str | None = None
    channels: list[ChannelFields] | None = None
    flows: list[FlowFields] | None = None
    agents: list[msgspec.Raw] | None = None
    notes: list[msgspec.Raw] | None = None
    dispositions: list[msgspec.Raw] | None = None
    talk_duration: float | None = None
    voice_mail: int | None = None
    survey_id: str | None = None
    transcript_url: str | None = None

    @property
    def times(self) -> tuple[str | None, str | None]:
        """Start and end."""
        return self.start_time, self.end_time


class _PartKeys(msgspec.Struct):
    note_id: str | None = None
    disposition_id: str | None = None
    disposition_name: str | None = None


_PART = msgspec.json.Decoder(_PartKeys)


def parts_of(fields: EngagementFields) -> dict[str, frozenset[str]]:
    """By dataset, the ids of an engagement's notes and dispositions, and the names of the latter.

    A part that cannot be read is left out: it says nothing of any pushed part.
    """
    found = {"zoom/notes": fields.notes or (), "zoom/dispositions": fields.dispositions or ()}
    return {dataset: frozenset(key for raw in array for key in _keys(raw)) for dataset, array in found.items()}


def _keys(raw: bytes) -> Iterator[str]:
    try:
        part = _PART.decode(raw)
    except msgspec.MsgspecError:
        return
    yield from filter(None, (part.note_id, part.disposition_id, part.disposition_name))


class RecordingFields(RecordFields):
    """What the pipeline looks at in a recording."""

    recording_id: str
    recording_start_time: str | None = None
    engagement_id: str | None = None
    recording_end_time: str | None = None
    download_url: str | None = None
    transcript_url: str | None = None

    @property
    def times(self) -> tuple[str | None, str | None]:
        """Start and end."""
        return self.recording_start_time, self.recording_end_time


class VoicemailFields(RecordFields):
    """What the pipeline looks at in an inbox message."""

    message_id: str
    created_at: str | None = None
    engagement_id: str | None = None
    inbox_id: str | None = None
    download_url: str | None = None
    transcript_url: str | None = None
    status: str | None = None

    @property
    def times(self) -> tuple[str | None, str | None]:
        """When it was left; it says no more."""
        return self.created_at, self.created_at


class VoiceCallFields(RecordFields):
    """What the voice call log says about recording and voicemail."""

    engagement_id: str
    recorded: bool | None = None
    inbox: bool | None = None
    result: str | None = None


class VoicemailSettings(msgspec.Struct):
    """Settings of an inbox that explain what will never come."""

    voicemail_transcription: bool | None = None
    delete_voicemail_days_limit: int | None = None


class InboxFields(RecordFields):
    """An inbox with its settings (only the detail answer has them)."""

    inbox_id: str
    voicemail: VoicemailSettings | None = None


Fields = TypeVar("Fields", bound=RecordFields)


@dataclass(frozen=True, slots=True)
class Landed(Generic[Fields]):
    """The newest version of a record. Its times may be anything: what cannot be read counts as landing counted it."""

    fields: Fields
    as_of: datetime
    day: date
    day_begins_at: datetime
    is_deleted: bool
    route: str

    @property
    def started_at(self) -> datetime:
        """When it began; the begin of the day on which it lies, where it does not say."""
        return time_or_none(self.fields.times[0]) or self.day_begins_at

    @property
    def occurred_at(self) -> str:
        """The same as text, as received where that can be read."""
        began = self.fields.times[0]
        return began if began and time_or_none(began) else format_time(self.day_begins_at)

    @property
    def ended_at(self) -> datetime | None:
        """When it ended; when it was read, where it names a time that nobody can read. None where it names none."""
        ended = self.fields.times[1]
        return (time_or_none(ended) or self.as_of) if ended else None

    @property
    def has_odd_times(self) -> bool:
        """Whether it does not say when it began, or names an end that nobody can read."""
        began, ended = self.fields.times
        return time_or_none(began) is None or bool(ended and time_or_none(ended) is None)


def iter_landed(
    lake: Lake, dataset: str, fields: type[Fields], day: date, *, with_deleted: bool = False
) -> Iterator[Landed[Fields]]:
    """Newest version of each record and shape of that day, as the API has it: what was pushed only hints at it.

    A record whose JSON does not fit is left out here; the warehouse quarantines it, where it is counted.
    """
    decoder, begins_at = msgspec.json.Decoder(fields, strict=False), day_window(day, lake.timezone).start
    table = lake.latest(dataset, day, day, shapes=API_SHAPES, with_deleted=with_deleted, columns=COLUMNS)
    for payload, as_of, is_deleted, route in zip(*lists_of(table, COLUMNS), strict=True):
        try:
            yield Landed(decoder.decode(payload), as_of, day, begins_at, is_deleted, route)
        except msgspec.MsgspecError:
            continue


def engagements_of(lake: Lake, day: date, *, with_deleted: bool = False) -> dict[str, Landed[EngagementFields]]:
    """Engagements that started on that day by id; where list and detail are both there, the newer one counts.

    Fields that only one shape has are filled from the other.
    """
    found: dict[str, Landed[EngagementFields]] = {}
    for landed in iter_landed(lake, "zoom/engagements", EngagementFields, day, with_deleted=with_deleted):
        key = landed.fields.engagement_id
        other = found.get(key)
        if other is None:
            found[key] = landed
        else:
            newer, older = (landed, other) if landed.as_of >= other.as_of else (other, landed)
            _fill(newer.fields, older.fields)
            found[key] = newer
    return found


def _fill(newer: EngagementFields, older: EngagementFields) -> None:
    for name in EngagementFields.__struct_fields__:
        if getattr(newer, name) is None:
            setattr(newer, name, getattr(older, name))


def inbox_settings(lake: Lake) -> dict[str, VoicemailSettings]:
    """Voicemail settings by inbox, from the newest day the inboxes were read in detail."""
    for day in reversed(lake.days("zoom/inboxes")):
        found = {
            landed.fields.inbox_id: landed.fields.voicemail
            for landed in iter_landed(lake, "zoom/inboxes", InboxFields, day)
            if landed.fields.voicemail is not None
        }
        if found:
            return found
    return {}


def latest_ids(lake: Lake, dataset: str) -> list[str]:
    """Ids of a reference list as of the newest day it was read."""
    for day in reversed(lake.days(dataset)):
        ids = lake.latest(dataset, day, day, columns=["record_id"]).column("record_id").to_pylist()
        if ids:
            return sorted(set(ids))
    return []
