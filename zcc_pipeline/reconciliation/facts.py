"""What the rules look at: facts of one engagement, gathered by the caller from lake and ledgers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.ports import ArtefactRow, ReadRow


@dataclass(frozen=True, slots=True)
class RecordingFacts:
    """One recording that was ever listed for the engagement."""

    recording_id: str
    ended_at: datetime | None
    has_transcript_url: bool = False
    is_deleted: bool = False
    """Two complete listings a day apart without it and a read of the engagement, or a deletion event."""
    is_deletion_announced: bool = False
    """It was the event."""


@dataclass(frozen=True, slots=True)
class VoicemailFacts:
    """One inbox message that was ever listed for the engagement."""

    message_id: str
    created_at: datetime | None
    inbox_id: str | None = None
    has_transcript_url: bool = False
    status: str | None = None
    """``normal`` or ``deleted``, as the source says."""
    is_deleted: bool = False
    """It vanished from complete listings, or an event of its deletion came."""
    is_deletion_announced: bool = False
    """It was the event."""


@dataclass(frozen=True, slots=True)
class VoiceCallFacts:
    """The engagement's row of the voice call log; None where the log does not say."""

    recorded: bool | None = None
    inbox: bool | None = None
    result: str | None = None


@dataclass(frozen=True, slots=True)
class InboxFacts:
    """Settings of one voicemail inbox; None where they could not be read."""

    transcription: bool | None = None
    retention_days: int | None = None
    """``delete_voicemail_days_limit``: after so many days the source deletes a message."""


@dataclass(slots=True)
class EngagementFacts:
    """Everything known about one engagement. None means not known, which is never evidence."""

    engagement_id: str
    day: date
    ended_at: datetime | None
    channels: AbstractSet[str]
    """``voice``, ``video``, ``messaging``, ``email``: the set of ``channels[].channel``."""
    agents_count: int | None = None
    talk_duration: float | None = None
    """Seconds."""
    voice_mail: int | None = None
    survey_id: str | None = None
    has_transcript_url: bool = False
    """Whether the engagement's own ``transcript_url`` is filled (messaging)."""
    notes_count: int = 0
    dispositions_count: int = 0
    last_read_at: datetime | None = None
    """Start of the newest read that showed this engagement, by listing or by id."""
    is_deleted: bool = False
    """The engagement itself was deleted at the source."""
    voice_call: VoiceCallFacts | None = None
    voice_calls_listed: bool = False
    """Whether the voice call log of that day was listed completely."""
    recordings: Sequence[RecordingFacts] = ()
    voicemails: Sequence[VoicemailFacts] = ()
    email_messages: int = 0
    survey_read: ReadRow | None = None
    email_read: ReadRow | None = None
    inboxes: Mapping[str, InboxFacts] = field(default_factory=dict)
    """All inboxes of the account by id; the same mapping may be handed to every engagement."""
    artefacts: Mapping[tuple[ArtefactKind, str], ArtefactRow] = field(default_factory=dict)
    """Rows of the file ledger by kind and source id; one mapping may serve all engagements."""
    missing_scopes: Mapping[ArtefactKind, str] = field(default_factory=dict)
    """Kinds that cannot be read because the token lacks a scope, with its name."""
