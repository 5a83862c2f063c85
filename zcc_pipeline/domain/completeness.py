"""Artefact kinds, statuses and the closed list of reasons: what a compliance officer reads.

A reason names its evidence. Without evidence the status is ``unexplained``; no reason is ever invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ArtefactKind(StrEnum):
    """What an engagement can own."""

    RECORDING = "recording"
    RECORDING_TRANSCRIPT = "recording_transcript"
    MESSAGING_TRANSCRIPT = "messaging_transcript"
    VOICEMAIL = "voicemail"
    VOICEMAIL_TRANSCRIPT = "voicemail_transcript"
    NOTES = "notes"
    DISPOSITIONS = "dispositions"
    SURVEY = "survey"
    EMAIL_MESSAGES = "email_messages"


class Status(StrEnum):
    """Exactly one per engagement and kind. The order is precedence: the first that applies to any item wins."""

    UNEXPLAINED = "unexplained"
    FAILED = "failed"
    MISSING = "missing"
    WAITING = "waiting"
    DELETED_AT_SOURCE = "deleted_at_source"
    STORED = "stored"
    NONE_RECORDED = "none_recorded"
    NOT_EXPECTED = "not_expected"


class Reason(StrEnum):
    """Every reason there is; the comment after each is its evidence."""

    # not_expected
    CHANNEL_HAS_NONE = "channel_has_none"  # engagements.channels: this kind does not exist on that channel
    CALL_NOT_RECORDED = "call_not_recorded"  # voice_calls.recorded=false
    NOT_ANSWERED = "not_answered"  # engagements.agents empty and talk_duration=0: nobody spoke, nothing to record
    NO_RECORDING = "no_recording"  # the recording itself is not expected, so neither is its transcript
    NO_VOICEMAIL_LEFT = "no_voicemail_left"  # engagements.voice_mail=0 or voice_calls.inbox=false
    INBOX_TRANSCRIPTION_OFF = "inbox_transcription_off"  # inboxes.voicemail.voicemail_transcription=false
    SURVEY_NOT_TRIGGERED = "survey_not_triggered"  # engagements.survey_id empty, or survey answers 404
    SURVEY_NOT_ANSWERED = "survey_not_answered"  # survey answers 444
    NOT_COLLECTED = "not_collected"  # the API offers it, this pipeline does not read it
    # missing
    SOURCE_REPORTS_GONE = "source_reports_gone"  # 404 of the download or read, repeated for two days after the end
    SOURCE_RETENTION_PASSED = "source_retention_passed"  # older than the source's own deletion limit
    # failed
    DOWNLOAD_FAILED = "download_failed"  # attempts and last HTTP status or network error of the file ledger
    SCOPE_MISSING = "scope_missing"  # the token lacks the scope for this read
    # waiting
    NOT_READY = "not_ready"  # inside the time in which the source is known to be late
    SETTLING = "settling"  # the engagement has not had all its re-reads
    # deleted_at_source
    LISTED_THEN_GONE = (
        "listed_then_gone"  # two complete listings 24 h apart without it and a read by engagement, or an event
    )
    MARKED_DELETED = "marked_deleted"  # the source's own status says deleted


NOT_COLLECTED = {
    "engagement attachments": "GET /contact_center/engagements/{engagementId}/attachments",
    "follow-up tasks": "GET /contact_center/engagements/{engagementId}/follow_up_tasks",
    "call-back voice messages": "engagements.callback_voice_messages[]",
    "files sent by e-mail": "email/messages.files[].download_url",
    "files in survey answers": "survey.survey_results[].file_url",
    "work items": "GET /contact_center/work_item/messages",
    "flow variables": "GET /contact_center/variable_logs",
}
"""What the API offers and this pipeline does not read, by where it is found: each has the reason ``not_collected``."""


@dataclass(frozen=True, slots=True)
class ArtefactStatus:
    """One cell of the proof."""

    engagement_id: str
    kind: ArtefactKind
    status: Status
    reason: Reason | None
    evidence: str
    expected_items: int
    stored_items: int
    verified_at: datetime
    next_try_at: datetime | None = None
