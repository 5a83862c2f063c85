"""Rules for voicemails and their transcripts: what the inbox lists, what it was told to delete, what it never takes."""

from __future__ import annotations

from datetime import datetime, timedelta

from zcc_pipeline.domain.completeness import ArtefactKind, Reason, Status
from zcc_pipeline.reconciliation.facts import EngagementFacts, VoicemailFacts
from zcc_pipeline.reconciliation.outcomes import Outcome, awaited, deleted, file_outcome, is_stored, not_expected, worst


def judge_voicemail(facts: EngagementFacts, now: datetime) -> Outcome:
    """Voicemails of an engagement: those listed, or why there are none."""
    if facts.voicemails:
        return worst([_judge_listed(message, facts, now) for message in facts.voicemails])
    channels = facts.channels
    if channels and "voice" not in channels:
        return not_expected(Reason.CHANNEL_HAS_NONE, f"engagements.channels={','.join(sorted(channels))}")
    inbox = facts.voice_call.inbox if facts.voice_call else None
    if facts.voice_mail or (facts.voice_mail is None and inbox is True):
        return _judge_unlisted(facts, now)
    if facts.voice_mail == 0:
        return not_expected(Reason.NO_VOICEMAIL_LEFT, "engagements.voice_mail=0")
    if inbox is False:
        return not_expected(Reason.NO_VOICEMAIL_LEFT, "voice_calls.inbox=false")
    return awaited(facts.ended_at, now, "engagements.voice_mail empty; voice_calls.inbox unknown; no message listed")


def judge_voicemail_transcript(facts: EngagementFacts, voicemail: Outcome, now: datetime) -> Outcome:
    """Transcripts of the voicemails listed; without any, what holds for the voicemail holds for them."""
    if facts.voicemails:
        return worst([_judge_transcript(message, facts, now) for message in facts.voicemails])
    return voicemail


def _judge_unlisted(facts: EngagementFacts, now: datetime) -> Outcome:
    """A voicemail was left and no inbox lists it: deleted in time by the source, or not there without a reason."""
    said = f"engagements.voice_mail={facts.voice_mail}" if facts.voice_mail else "voice_calls.inbox=true"
    limit = _longest_retention(facts)
    if limit is not None and _is_older(facts.ended_at, limit, now):
        evidence = f"{said}; no message listed; older than inboxes.delete_voicemail_days_limit={limit}"
        return Outcome(Status.MISSING, Reason.SOURCE_RETENTION_PASSED, evidence, expected=facts.voice_mail or 1)
    return awaited(facts.ended_at, now, f"{said}; no message listed")


def _judge_listed(message: VoicemailFacts, facts: EngagementFacts, now: datetime) -> Outcome:
    row = facts.artefacts.get((ArtefactKind.VOICEMAIL, message.message_id))
    if message.status == "deleted":
        return deleted(row, "messages.status=deleted", reason=Reason.MARKED_DELETED)
    since = message.created_at or facts.ended_at
    if message.is_deletion_announced:
        return deleted(row, "messages: listed, then an event of its deletion", reason=Reason.MARKED_DELETED)
    if message.is_deleted:
        limit = _retention(message, facts)
        if not is_stored(row) and limit is not None and _is_older(since, limit, now):
            evidence = f"messages: listed, then gone; older than inboxes.delete_voicemail_days_limit={limit}"
            return Outcome(Status.MISSING, Reason.SOURCE_RETENTION_PASSED, evidence)
        return deleted(row, "messages: listed, then gone from complete listings")
    return file_outcome(row, since=since, now=now, listed="messages: listed")


def _judge_transcript(message: VoicemailFacts, facts: EngagementFacts, now: datetime) -> Outcome:
    row = facts.artefacts.get((ArtefactKind.VOICEMAIL_TRANSCRIPT, message.message_id))
    audio = _judge_listed(message, facts, now)
    if audio.status in (Status.MISSING, Status.DELETED_AT_SOURCE):
        return Outcome(audio.status, audio.reason, audio.evidence, stored=int(is_stored(row)))
    since = message.created_at or facts.ended_at
    if row is not None or message.has_transcript_url:
        return file_outcome(row, since=since, now=now, listed="messages.transcript_url filled")
    settings = facts.inboxes.get(message.inbox_id) if message.inbox_id else None
    if settings is not None and settings.transcription is False:
        return not_expected(Reason.INBOX_TRANSCRIPTION_OFF, "inboxes.voicemail.voicemail_transcription=false")
    return awaited(since, now, "messages.transcript_url empty")


def _retention(message: VoicemailFacts, facts: EngagementFacts) -> int | None:
    settings = facts.inboxes.get(message.inbox_id) if message.inbox_id else None
    return (settings.retention_days or None) if settings else None


def _longest_retention(facts: EngagementFacts) -> int | None:
    """Longest limit of all inboxes; None where one of them has no limit, for the message may have been in that one."""
    limits = [settings.retention_days for settings in facts.inboxes.values()]
    return max((limit for limit in limits if limit), default=None) if all(limits) else None


def _is_older(since: datetime | None, days: int, now: datetime) -> bool:
    return since is not None and now - since > timedelta(days=days)
