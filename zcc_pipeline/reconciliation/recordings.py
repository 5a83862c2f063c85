"""Rules for recordings and their transcripts: voice and video only."""

from __future__ import annotations

from datetime import datetime

from zcc_pipeline.domain.completeness import ArtefactKind, Reason, Status
from zcc_pipeline.reconciliation.facts import EngagementFacts, RecordingFacts
from zcc_pipeline.reconciliation.outcomes import Outcome, awaited, deleted, file_outcome, not_expected, worst

_SPOKEN = frozenset({"voice", "video"})


def judge_recording(facts: EngagementFacts, now: datetime) -> Outcome:
    """Recordings of an engagement: those listed, or why there are none."""
    if facts.recordings:
        return worst([_judge_listed(recording, facts, now) for recording in facts.recordings])
    channels = facts.channels
    if channels and not channels & _SPOKEN:
        return not_expected(Reason.CHANNEL_HAS_NONE, f"engagements.channels={','.join(sorted(channels))}")
    call = facts.voice_call
    recorded = call.recorded if call else None
    # the voice call log speaks for voice only: a video part may have been recorded all the same
    if recorded is False and "video" not in channels:
        return not_expected(Reason.CALL_NOT_RECORDED, "voice_calls.recorded=false")
    if recorded is not True and facts.agents_count == 0 and facts.talk_duration == 0:
        return not_expected(Reason.NOT_ANSWERED, "engagements.agents=[]; engagements.talk_duration=0")
    return awaited(facts.ended_at, now, f"{_describe_call(facts)}; no recording listed")


def judge_recording_transcript(facts: EngagementFacts, recording: Outcome, now: datetime) -> Outcome:
    """Transcripts of the recordings listed; without any, what holds for the recording holds for them."""
    if facts.recordings:
        return worst([_judge_transcript(each, facts, now) for each in facts.recordings])
    if recording.reason is Reason.CHANNEL_HAS_NONE:
        return recording
    if recording.status is Status.NOT_EXPECTED:
        return not_expected(Reason.NO_RECORDING, recording.evidence)
    return recording


def _judge_listed(recording: RecordingFacts, facts: EngagementFacts, now: datetime) -> Outcome:
    row = facts.artefacts.get((ArtefactKind.RECORDING, recording.recording_id))
    if recording.is_deleted:
        return deleted(row, _how_deleted(recording))
    return file_outcome(row, since=recording.ended_at or facts.ended_at, now=now, listed="recordings: listed")


def _judge_transcript(recording: RecordingFacts, facts: EngagementFacts, now: datetime) -> Outcome:
    row = facts.artefacts.get((ArtefactKind.RECORDING_TRANSCRIPT, recording.recording_id))
    if recording.is_deleted:
        return deleted(row, _how_deleted(recording))
    since = recording.ended_at or facts.ended_at
    if row is None and not recording.has_transcript_url:
        return awaited(since, now, "recordings.transcript_url empty")
    return file_outcome(row, since=since, now=now, listed="recordings.transcript_url filled")


def _how_deleted(recording: RecordingFacts) -> str:
    if recording.is_deletion_announced:
        return "recordings: listed, then an event of its deletion"
    return "recordings: listed, then gone from complete listings"


def _describe_call(facts: EngagementFacts) -> str:
    if not facts.channels:
        return "engagements.channels empty"
    if "voice" not in facts.channels:
        return "engagements.channels=video"
    if facts.voice_call is None:
        return "voice_calls: no row" if facts.voice_calls_listed else "voice_calls: not listed"
    recorded = facts.voice_call.recorded
    return f"voice_calls.recorded={'empty' if recorded is None else str(recorded).lower()}"
