"""What was pushed against what polling found, subject by subject: which events were lost, which name what is not there.

A subject is what an event is about: an engagement, a note, a disposition of an engagement, a recording, a voicemail.
Subjects count on the day of their engagement, as everything else does; where the engagement is not known, on the
event's own day.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from zcc_pipeline.domain.completeness import ArtefactKind

PREFIX = "contact_center."
ENGAGEMENT_ENDED = "contact_center.engagement_ended"
NOTE_ADDED = "contact_center.engagement_note_added"
DISPOSITION_ADDED = "contact_center.engagement_disposition_added"
RECORDING_COMPLETED = "contact_center.recording_completed"
RECORDING_TRANSCRIPT = "contact_center.recording_transcript_completed"
MESSAGING_TRANSCRIPT = "contact_center.engagement_messaging_transcript_completed"
EMAIL_TRANSCRIPT = "contact_center.engagement_email_transcript_completed"
VOICEMAIL_RECEIVED = "contact_center.inbox_message_received"
VOICEMAIL_TRANSCRIPT = "contact_center.voicemail_transcript_completed"
SURVEY_STATUS = "contact_center.engagement_survey_status"
FLOW_CLOSED = "flow.engagement_closed"
FLOW_DISPOSITION = "flow.disposition_saved"
FLOW_EVENTS = frozenset({FLOW_CLOSED, FLOW_DISPOSITION})

ANNOUNCES: Mapping[str, ArtefactKind | None] = {
    ENGAGEMENT_ENDED: None,
    NOTE_ADDED: ArtefactKind.NOTES,
    DISPOSITION_ADDED: ArtefactKind.DISPOSITIONS,
    RECORDING_COMPLETED: ArtefactKind.RECORDING,
    RECORDING_TRANSCRIPT: ArtefactKind.RECORDING_TRANSCRIPT,
    MESSAGING_TRANSCRIPT: ArtefactKind.MESSAGING_TRANSCRIPT,
    EMAIL_TRANSCRIPT: ArtefactKind.EMAIL_MESSAGES,
    VOICEMAIL_RECEIVED: ArtefactKind.VOICEMAIL,
    VOICEMAIL_TRANSCRIPT: ArtefactKind.VOICEMAIL_TRANSCRIPT,
    SURVEY_STATUS: ArtefactKind.SURVEY,
    FLOW_CLOSED: None,
    FLOW_DISPOSITION: ArtefactKind.DISPOSITIONS,
}
"""Every event that is checked against the API, and the kind of data that it announces; None where it is the engagement
itself. Names as in Zoom's webhook reference, section Contact Center."""

END_EVENTS = frozenset({ENGAGEMENT_ENDED, FLOW_CLOSED})
"""Events that say that an engagement has ended: before that the API does not list it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One event that should have come, because polling found what it announces."""

    event: str
    subject_id: str
    engagement_id: str | None
    day: date
    since: datetime
    """When it happened at the latest, as the API says; the event was due soon after."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """One event that came."""

    event: str
    subject_id: str
    engagement_id: str | None
    day: date
    since: datetime
    """``event_ts``."""
    route: str
    latency_seconds: float
    """From ``event_ts`` to the lake."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from the event to the lake, of the events of one route."""

    events: int
    p50_seconds: float
    p95_seconds: float
    max_seconds: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """One day and event kind: ``expected`` is ``both`` + ``only_polled``, ``pushed`` is ``both`` + ``only_pushed``."""

    day: date
    event: str
    both: int
    only_polled: tuple[Expected, ...] = field(repr=False)
    """Found by polling, never announced: the event was lost, or nobody subscribed it."""
    only_pushed: tuple[Pushed, ...] = field(repr=False)
    """Announced, not found by polling."""
    is_subscribed: bool
    latencies: Mapping[str, Latency] = field(default_factory=dict)
    """By route."""

    @property
    def expected(self) -> int:
        """Subjects that polling found."""
        return self.both + len(self.only_polled)

    @property
    def pushed(self) -> int:
        """Subjects that were announced."""
        return self.both + len(self.only_pushed)

    @property
    def share(self) -> float | None:
        """Share of what polling found that was announced; None where there was nothing, or nobody subscribed."""
        return self.both / self.expected if self.expected and self.is_subscribed else None


def compare(
    expected: Iterable[Expected], pushed: Iterable[Pushed], *, first_seen: Mapping[str, date]
) -> list[Coverage]:
    """One line for each day and event that was expected or pushed, in the order of days and of ``ANNOUNCES``.

    ``first_seen`` is the day of the oldest event of each kind that is known. A kind that was never seen up to a day was
    not subscribed on it: that is one finding and not a loss for each engagement. The same event twice counts once, with
    the latency of its first arrival.
    """
    polled: dict[tuple[date, str], dict[str, Expected]] = {}
    for one in expected:
        polled.setdefault((one.day, one.event), {}).setdefault(one.subject_id, one)
    arrived: dict[tuple[date, str], dict[str, Pushed]] = {}
    for push in sorted(pushed, key=lambda each: each.latency_seconds):
        arrived.setdefault((push.day, push.event), {}).setdefault(push.subject_id, push)
    order = {event: rank for rank, event in enumerate(ANNOUNCES)}
    keys = sorted(polled.keys() | arrived.keys(), key=lambda key: (key[0], order.get(key[1], len(order)), key[1]))
    return [_line(key, polled.get(key, {}), arrived.get(key, {}), first_seen.get(key[1])) for key in keys]


def _line(
    key: tuple[date, str], polled: Mapping[str, Expected], arrived: Mapping[str, Pushed], first_seen: date | None
) -> Coverage:
    day, event = key
    return Coverage(
        day=day,
        event=event,
        both=len(polled.keys() & arrived.keys()),
        only_polled=tuple(polled[each] for each in sorted(polled.keys() - arrived.keys())),
        only_pushed=tuple(arrived[each] for each in sorted(arrived.keys() - polled.keys())),
        is_subscribed=first_seen is not None and first_seen <= day,
        latencies=latencies(arrived.values()),
    )


def latencies(pushed: Iterable[Pushed]) -> dict[str, Latency]:
    """Percentiles by route."""
    by_route: dict[str, list[float]] = {}
    for push in pushed:
        by_route.setdefault(push.route, []).append(push.latency_seconds)
    return {route: _latency(sorted(seconds)) for route, seconds in sorted(by_route.items())}


def _latency(seconds: Sequence[float]) -> Latency:
    return Latency(len(seconds), percentile(seconds, 0.50), percentile(seconds, 0.95), round(seconds[-1], 3))


def percentile(ordered: Sequence[float], share: float) -> float:
    """Nearest rank: a value that really occurred. ``ordered`` is ascending and not empty; three decimals."""
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 3)


def not_subscribed(lines: Iterable[Coverage]) -> dict[str, int]:
    """Events that never came although polling found what they announce, with how many were due."""
    due: dict[str, int] = {}
    for line in lines:
        if not line.is_subscribed and line.expected:
            due[line.event] = due.get(line.event, 0) + line.expected
    return due
