"""Rules for what people write: messaging transcripts, notes, dispositions, surveys, e-mail messages."""

from __future__ import annotations

from datetime import datetime

from zcc_pipeline.domain.completeness import ArtefactKind, Reason, Status
from zcc_pipeline.domain.ports import ReadRow
from zcc_pipeline.reconciliation.facts import EngagementFacts
from zcc_pipeline.reconciliation.outcomes import GRACE, Outcome, awaited, file_outcome, not_expected, settling, stored


def judge_messaging_transcript(facts: EngagementFacts, now: datetime) -> Outcome:
    """The transcript of a messaging engagement, whose address is a field of the engagement itself."""
    row = facts.artefacts.get((ArtefactKind.MESSAGING_TRANSCRIPT, facts.engagement_id))
    channels = facts.channels
    if row is None and channels and "messaging" not in channels:
        return not_expected(Reason.CHANNEL_HAS_NONE, f"engagements.channels={','.join(sorted(channels))}")
    if row is not None or facts.has_transcript_url:
        return file_outcome(row, since=facts.ended_at, now=now, listed="engagements.transcript_url filled")
    return awaited(facts.ended_at, now, "engagements.transcript_url empty")


def judge_notes(facts: EngagementFacts, _now: datetime) -> Outcome:
    """Wrap-up notes; that there are none is known once the engagement was read a day after its end."""
    return _judge_embedded(facts, "notes", facts.notes_count)


def judge_dispositions(facts: EngagementFacts, _now: datetime) -> Outcome:
    """Dispositions, known in the same way as notes."""
    return _judge_embedded(facts, "dispositions", facts.dispositions_count)


def judge_survey(facts: EngagementFacts, _now: datetime) -> Outcome:
    """Survey answers. A customer may answer late, so only a read a day after the end settles that there is none."""
    read = facts.survey_read
    if read is not None and read.outcome == "found":
        return stored("survey: found")
    if not facts.survey_id:
        return not_expected(Reason.SURVEY_NOT_TRIGGERED, "engagements.survey_id empty")
    if read is None:
        return settling("survey: not read yet", _settles_at(facts))
    if read.outcome in ("failed", "scope_missing"):
        return _failed(read)
    if not _is_settled(facts.ended_at, read.read_at):
        return settling(f"survey: {read.outcome}; not read yet 24 h after the end", _settles_at(facts))
    reason = Reason.SURVEY_NOT_ANSWERED if read.outcome == "no_answer" else Reason.SURVEY_NOT_TRIGGERED
    return not_expected(reason, f"survey: {read.evidence or read.outcome}")


def judge_email_messages(facts: EngagementFacts, now: datetime) -> Outcome:
    """Messages of an e-mail engagement; one without any would be odd."""
    if facts.email_messages:
        return stored(f"email_messages={facts.email_messages}", facts.email_messages)
    channels = facts.channels
    if channels and "email" not in channels:
        return not_expected(Reason.CHANNEL_HAS_NONE, f"engagements.channels={','.join(sorted(channels))}")
    if facts.email_read is not None and facts.email_read.outcome in ("failed", "scope_missing"):
        return _failed(facts.email_read)
    return awaited(facts.ended_at, now, "email_messages=0")


def _judge_embedded(facts: EngagementFacts, name: str, count: int) -> Outcome:
    if count:
        return stored(f"engagements.{name}={count}", count)
    if facts.last_read_at is None or not _is_settled(facts.ended_at, facts.last_read_at):
        return settling(f"engagements.{name}=[]; not read yet 24 h after the end", _settles_at(facts))
    return Outcome(Status.NONE_RECORDED, None, f"engagements.{name}=[]; read 24 h after the end", expected=0)


def _is_settled(ended_at: datetime | None, read_at: datetime) -> bool:
    return ended_at is not None and read_at >= ended_at + GRACE


def _settles_at(facts: EngagementFacts) -> datetime | None:
    return facts.ended_at + GRACE if facts.ended_at else None


def _failed(read: ReadRow) -> Outcome:
    reason = Reason.SCOPE_MISSING if read.outcome == "scope_missing" else Reason.DOWNLOAD_FAILED
    return Outcome(Status.FAILED, reason, read.evidence or read.outcome)
