"""What leaves: one row of the mart ``crm_activities``, as plain values.

Times are aware and in UTC, durations whole seconds, phones E.164. Nothing here knows a CRM.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class NoteVersion:
    """One wording of one note; a note that was edited has several, in the order in which they were valid."""

    note_id: str
    version: int
    text: str
    author_name: str | None
    author_email: str | None
    written_at: datetime
    is_current: bool
    is_deletion: bool
    """The note was taken away at the source; ``text`` is what it said last."""


@dataclass(frozen=True, slots=True)
class Media:
    """A recording or a voicemail; ``path`` is where the file store has it, None while it is not stored."""

    kind: str
    """``recording``, ``recording_transcript``, ``voicemail`` or ``voicemail_transcript``."""
    source_id: str
    started_at: datetime | None
    seconds: int | None
    path: str | None
    media_type: str | None
    size_bytes: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Activity:
    """One engagement as it should stand in a CRM."""

    engagement_id: str
    activity_hash: str
    """Of everything below, made by the mart: where it is the same, nothing that could leave has changed."""
    started_date: date
    started_at: datetime
    ended_at: datetime | None
    channel: str
    channel_source: str | None
    direction: str | None
    queue_id: str | None
    queue_name: str | None
    flow_name: str | None
    agent_name: str | None
    agent_email: str | None
    customer_name: str | None
    customer_phone: str | None
    customer_email: str | None
    account_number: str | None
    """The centre's own number or address that was reached or called from, where Zoom tells."""
    duration_seconds: int | None
    waiting_seconds: int | None
    talk_seconds: int | None
    handle_seconds: int | None
    is_answered: bool | None
    is_abandoned: bool | None
    subject: str
    summary: str
    body_text: str
    body_html: str
    """The same as ``body_text``; every value escaped, only p, br, b, ul and li."""
    notes_text: str | None
    """Current notes, joined by blank lines."""
    note_versions: tuple[NoteVersion, ...]
    dispositions: tuple[str, ...]
    transcript_text: str | None
    recordings: tuple[Media, ...]
    voicemails: tuple[Media, ...]
    survey_score: float | None
    completeness_status: str | None
    is_deleted_at_source: bool
    changed_at: datetime
