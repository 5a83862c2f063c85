"""One status per engagement and artefact kind, each with its evidence.

The rules are small functions in ``recordings``, ``voicemails`` and ``texts``; here they are put in order. What they
know of Zoom: engagements are listed after their end; files come minutes to hours later; 404 soon after the end means
not yet.
"""

from __future__ import annotations

from datetime import datetime

from zcc_pipeline.domain.completeness import ArtefactKind, ArtefactStatus, Reason, Status
from zcc_pipeline.reconciliation.facts import EngagementFacts
from zcc_pipeline.reconciliation.outcomes import Outcome
from zcc_pipeline.reconciliation.recordings import judge_recording, judge_recording_transcript
from zcc_pipeline.reconciliation.texts import (
    judge_dispositions,
    judge_email_messages,
    judge_messaging_transcript,
    judge_notes,
    judge_survey,
)
from zcc_pipeline.reconciliation.voicemails import judge_voicemail, judge_voicemail_transcript

_OPEN = (Status.WAITING, Status.UNEXPLAINED, Status.FAILED)


def evaluate(facts: EngagementFacts, now: datetime) -> list[ArtefactStatus]:
    """Exactly one status per kind, in the order of ``ArtefactKind``."""
    recording = judge_recording(facts, now)
    voicemail = judge_voicemail(facts, now)
    outcomes = (
        (ArtefactKind.RECORDING, recording),
        (ArtefactKind.RECORDING_TRANSCRIPT, judge_recording_transcript(facts, recording, now)),
        (ArtefactKind.MESSAGING_TRANSCRIPT, judge_messaging_transcript(facts, now)),
        (ArtefactKind.VOICEMAIL, voicemail),
        (ArtefactKind.VOICEMAIL_TRANSCRIPT, judge_voicemail_transcript(facts, voicemail, now)),
        (ArtefactKind.NOTES, judge_notes(facts, now)),
        (ArtefactKind.DISPOSITIONS, judge_dispositions(facts, now)),
        (ArtefactKind.SURVEY, judge_survey(facts, now)),
        (ArtefactKind.EMAIL_MESSAGES, judge_email_messages(facts, now)),
    )
    return [_status(facts, kind, _overruled(facts, kind, outcome), now) for kind, outcome in outcomes]


def _overruled(facts: EngagementFacts, kind: ArtefactKind, outcome: Outcome) -> Outcome:
    """What is true of the engagement as a whole, where the kind's own rule cannot know it."""
    if facts.is_deleted and outcome.status in _OPEN:
        evidence = "engagements: listed, then gone from complete listings"
        return Outcome(Status.DELETED_AT_SOURCE, Reason.LISTED_THEN_GONE, evidence, outcome.expected, outcome.stored)
    scope = facts.missing_scopes.get(kind)
    if scope is not None and outcome.reason is not Reason.CHANNEL_HAS_NONE:
        # even where something is stored: what else there might be cannot be seen
        return Outcome(Status.FAILED, Reason.SCOPE_MISSING, f"token lacks {scope}", outcome.expected, outcome.stored)
    return outcome


def _status(facts: EngagementFacts, kind: ArtefactKind, outcome: Outcome, now: datetime) -> ArtefactStatus:
    return ArtefactStatus(
        facts.engagement_id,
        kind,
        outcome.status,
        outcome.reason,
        outcome.evidence,
        outcome.expected,
        outcome.stored,
        now,
        outcome.next_try_at,
    )
