"""What an engagement consists of, with the moments at which each part comes, changes and goes. No views, no text."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from zcc_pipeline.simulator.zoom.account.customers import Customer
from zcc_pipeline.simulator.zoom.account.population import Agent, Disposition, Flow, Inbox, Queue, Survey


@dataclass(slots=True, eq=False)
class NoteVersion:
    """A text and the moment from which it holds."""

    since: datetime
    text: str
    author: Agent


@dataclass(slots=True, eq=False)
class Note:
    """A note; versions in order of time, the first makes it visible."""

    note_id: str
    versions: list[NoteVersion]

    def version_at(self, at: datetime) -> NoteVersion | None:
        """The version that holds at a moment; None before the note exists."""
        current = None
        for version in self.versions:
            if version.since > at:
                break
            current = version
        return current


@dataclass(slots=True, eq=False)
class ChosenDisposition:
    """A disposition (or one level of a multi-level one) as set on an engagement."""

    disposition_id: str
    name: str
    parent: Disposition
    since: datetime


@dataclass(slots=True, eq=False)
class Recording:
    """One recorded segment.

    ``transcript_at`` None: its transcript never comes; ``is_media_gone``: listed, but the media answers 404.
    ``deleted_at``: it leaves the lists; ``purged_at``: for good, a while later unless told.
    """

    recording_id: str
    engagement: Engagement
    part: int
    media_key: int
    transcript_id: str
    start: datetime
    end: datetime
    agent: Agent
    queue: Queue
    is_automatic: bool
    is_conference: bool
    listed_at: datetime
    transcript_at: datetime | None
    deleted_at: datetime | None = None
    purged_at: datetime | None = None
    is_media_gone: bool = False

    def is_listed(self, at: datetime) -> bool:
        """Whether lists show it at a moment."""
        return self.listed_at <= at and (self.deleted_at is None or at < self.deleted_at)


@dataclass(slots=True, eq=False)
class Voicemail:
    """A message in an inbox.

    ``marked_deleted_at``: its status turns to deleted; ``removed_at``: the inbox's retention takes it.
    """

    message_id: str
    engagement: Engagement
    inbox: Inbox
    queue: Queue
    created_at: datetime
    seconds: int
    listed_at: datetime
    transcript_at: datetime | None
    removed_at: datetime
    marked_deleted_at: datetime | None = None

    def is_listed(self, at: datetime) -> bool:
        """Whether lists show it at a moment, whatever its status."""
        return self.listed_at <= at < self.removed_at

    def is_marked_deleted(self, at: datetime) -> bool:
        """Whether its status is deleted."""
        return self.marked_deleted_at is not None and self.marked_deleted_at <= at


@dataclass(slots=True, eq=False)
class SurveyRequest:
    """A survey sent after an engagement.

    ``answered_at`` None: never answered; ``is_untriggered``: the id is there, the read says 404.
    """

    survey: Survey
    answered_at: datetime | None
    is_untriggered: bool = False


@dataclass(slots=True, eq=False)
class CallFacts:
    """What the voice call log says."""

    result: str
    is_recorded: bool
    is_inbox: bool
    has_row: bool = True
    is_monitored: bool = False


@dataclass(slots=True, eq=False)
class Engagement:
    """One engagement; durations in seconds. ``scenario`` is the stand-in's word for what happened; no view shows it."""

    engagement_id: str
    seed: int
    scenario: str
    channels: tuple[tuple[str, str], ...]
    direction: str
    customer: Customer
    topic: str
    start: datetime
    end: datetime
    visible_at: datetime
    flow: Flow | None
    queues: tuple[Queue, ...]
    agents: tuple[Agent, ...]
    flow_seconds: int = 0
    waiting_seconds: int = 0
    talk_seconds: int = 0
    hold_seconds: int = 0
    wrap_up_seconds: int = 0
    transfer_count: int = 0
    voicemail_count: int = 0
    is_callback: bool = False
    consumer_number: str = ""
    consumer_id: str = ""
    transcript_at: datetime | None = None
    email_count: int = 0
    call: CallFacts | None = None
    survey: SurveyRequest | None = None
    notes: list[Note] = field(default_factory=list)
    dispositions: list[ChosenDisposition] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    voicemails: list[Voicemail] = field(default_factory=list)

    def is_closed(self, at: datetime) -> bool:
        """Whether it has ended and is processed, so that lists show it."""
        return self.visible_at <= at

    def has_channel(self, *names: str) -> bool:
        """Whether one of its channels is among these."""
        return any(channel in names for channel, _ in self.channels)

    def has_source(self, *names: str) -> bool:
        """Whether one of its channel sources is among these."""
        return any(source in names for _, source in self.channels)

    @property
    def duration_seconds(self) -> int:
        """From start to end."""
        return int((self.end - self.start).total_seconds())
