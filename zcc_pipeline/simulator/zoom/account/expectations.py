"""The final status of every kind of artefact, as a perfect reader would state it: an answer sheet of its own.

A reader is thought to have watched since the account was opened and to have passed every grace period. What had gone
before that, it has never seen.
``waiting`` therefore only stands where the account itself will still bring the artefact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from zcc_pipeline.simulator.zoom.account.engagement import Engagement, Recording, Voicemail

_WORST_FIRST = (
    "unexplained",
    "failed",
    "missing",
    "waiting",
    "deleted_at_source",
    "stored",
    "none_recorded",
    "not_expected",
)

UNANSWERED_AFTER = timedelta(hours=24)
"""The grace period of a survey: what is answered later is not answered until then."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One cell of the answer sheet. ``available_at``: when the last piece came or will come."""

    status: str
    reason: str | None = None
    items: int = 0
    available_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks: since when, until when, and the longest retention of any inbox."""

    opened_at: datetime
    at: datetime
    longest_retention: timedelta

    def could_see_recording(self, recording: Recording) -> bool:
        """Whether it was or will be listed while the reader watches."""
        return recording.deleted_at is None or recording.deleted_at > max(self.opened_at, recording.listed_at)

    def could_see_voicemail(self, voicemail: Voicemail) -> bool:
        """Whether it was or will be listed while the reader watches."""
        return voicemail.removed_at > max(self.opened_at, voicemail.listed_at)


_CHANNEL_HAS_NONE = Expectation("not_expected", "channel_has_none")


def expectations(engagement: Engagement, reader: Reader) -> dict[str, Expectation]:
    """Kind of artefact to its final status; for an engagement that lists show."""
    return {kind: rule(engagement, reader) for kind, rule in _RULES.items()}


def _recording(engagement: Engagement, reader: Reader) -> Expectation:
    if not engagement.has_channel("voice", "video"):
        return _CHANNEL_HAS_NONE
    seen = [item for item in engagement.recordings if reader.could_see_recording(item)]
    if seen:
        return _worst([_one_recording(item, reader.at) for item in seen])
    call = engagement.call
    if call is not None and call.has_row and not call.is_recorded:
        return Expectation("not_expected", "call_not_recorded")
    if (call is None or not call.has_row) and not engagement.agents and engagement.talk_seconds == 0:
        return Expectation("not_expected", "not_answered")
    return Expectation("unexplained")


def _one_recording(item: Recording, at: datetime) -> Expectation:
    if item.listed_at > at:
        return Expectation("waiting", "not_ready", 1, item.listed_at)
    if item.deleted_at is not None and item.deleted_at <= at:
        return Expectation("deleted_at_source", "listed_then_gone", 1, item.listed_at)
    if item.is_media_gone:
        return Expectation("missing", "source_reports_gone", 1)
    return Expectation("stored", None, 1, item.listed_at)


def _recording_transcript(engagement: Engagement, reader: Reader) -> Expectation:
    media = _recording(engagement, reader)
    if media.status == "not_expected":
        return media if media.reason == "channel_has_none" else Expectation("not_expected", "no_recording")
    seen = [item for item in engagement.recordings if reader.could_see_recording(item)]
    return _worst([_one_transcript(item, reader.at) for item in seen]) if seen else media


def _one_transcript(item: Recording, at: datetime) -> Expectation:
    if item.deleted_at is not None and item.deleted_at <= at:
        return Expectation("deleted_at_source", "listed_then_gone", 1, item.transcript_at)
    if item.transcript_at is None:
        return Expectation("waiting", "not_ready", 1) if item.listed_at > at else Expectation("unexplained", None, 1)
    return _file(item.transcript_at, at)


def _messaging_transcript(engagement: Engagement, reader: Reader) -> Expectation:
    if not engagement.has_channel("messaging"):
        return _CHANNEL_HAS_NONE
    if engagement.transcript_at is None:
        return Expectation("unexplained", None, 1)
    return _file(engagement.transcript_at, reader.at)


def _voicemail(engagement: Engagement, reader: Reader) -> Expectation:
    if not engagement.has_channel("voice"):
        return _CHANNEL_HAS_NONE
    seen = [item for item in engagement.voicemails if reader.could_see_voicemail(item)]
    if seen:
        return _worst([_one_voicemail(item, reader.at) for item in seen])
    call = engagement.call
    if engagement.voicemail_count == 0 or (call is not None and call.has_row and not call.is_inbox):
        return Expectation("not_expected", "no_voicemail_left")
    if engagement.end + reader.longest_retention < reader.at:
        return Expectation("missing", "source_retention_passed", 1)
    return Expectation("unexplained", None, 1)


def _one_voicemail(item: Voicemail, at: datetime) -> Expectation:
    if item.is_marked_deleted(at):
        return Expectation("deleted_at_source", "marked_deleted", 1, item.listed_at)
    if item.removed_at <= at:
        return Expectation("deleted_at_source", "listed_then_gone", 1, item.listed_at)
    return _file(item.listed_at, at)


def _voicemail_transcript(engagement: Engagement, reader: Reader) -> Expectation:
    media = _voicemail(engagement, reader)
    if media.status in {"not_expected", "missing", "deleted_at_source", "unexplained"}:
        return media
    return _worst([_one_voicemail_transcript(item, reader.at) for item in engagement.voicemails])


def _one_voicemail_transcript(item: Voicemail, at: datetime) -> Expectation:
    if not item.inbox.has_transcription:
        return Expectation("not_expected", "inbox_transcription_off")
    return Expectation("unexplained", None, 1) if item.transcript_at is None else _file(item.transcript_at, at)


def _notes(engagement: Engagement, reader: Reader) -> Expectation:
    return _settling([note.versions[0].since for note in engagement.notes], reader.at)


def _dispositions(engagement: Engagement, reader: Reader) -> Expectation:
    return _settling([chosen.since for chosen in engagement.dispositions], reader.at)


def _survey(engagement: Engagement, reader: Reader) -> Expectation:
    request = engagement.survey
    if request is None or request.is_untriggered:
        return Expectation("not_expected", "survey_not_triggered")
    if request.answered_at is None:
        return Expectation("not_expected", "survey_not_answered")
    if request.answered_at > reader.at:
        if request.answered_at >= engagement.end + UNANSWERED_AFTER:
            return Expectation("not_expected", "survey_not_answered")
        return Expectation("waiting", "settling", 1, request.answered_at)
    return Expectation("stored", None, 1, request.answered_at)


def _email_messages(engagement: Engagement, reader: Reader) -> Expectation:
    if not engagement.has_channel("email"):
        return _CHANNEL_HAS_NONE
    if engagement.email_count == 0:
        return Expectation("unexplained")
    return Expectation("stored", None, engagement.email_count, min(engagement.end, reader.at))


def _file(available_at: datetime, at: datetime) -> Expectation:
    if available_at > at:
        return Expectation("waiting", "not_ready", 1, available_at)
    return Expectation("stored", None, 1, available_at)


def _settling(moments: list[datetime], at: datetime) -> Expectation:
    if not moments:
        return Expectation("none_recorded")
    there = sum(moment <= at for moment in moments)
    if there == 0:
        return Expectation("waiting", "settling", len(moments), max(moments))
    return Expectation("stored", None, there, max(moments))


def _worst(found: list[Expectation]) -> Expectation:
    worst = min(found, key=lambda each: _WORST_FIRST.index(each.status))
    moments = [each.available_at for each in found if each.available_at is not None]
    return Expectation(worst.status, worst.reason, sum(each.items for each in found), max(moments, default=None))


_RULES: dict[str, Callable[[Engagement, Reader], Expectation]] = {
    "recording": _recording,
    "recording_transcript": _recording_transcript,
    "messaging_transcript": _messaging_transcript,
    "voicemail": _voicemail,
    "voicemail_transcript": _voicemail_transcript,
    "notes": _notes,
    "dispositions": _dispositions,
    "survey": _survey,
    "email_messages": _email_messages,
}
