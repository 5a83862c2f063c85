"""What should be there, what is, and why something is not: pure functions over what they are handed.

What lives here: the rules that give each engagement and artefact kind exactly one status, the settling schedule, the
retry schedule of files, deletion by absence, and sums of statuses. What does not: any reading of ledgers, lake or
clock.
"""

from zcc_pipeline.reconciliation.deletions import DeletionDecision, decide_deletions
from zcc_pipeline.reconciliation.facts import (
    EngagementFacts,
    InboxFacts,
    RecordingFacts,
    VoiceCallFacts,
    VoicemailFacts,
)
from zcc_pipeline.reconciliation.retries import GONE_AFTER, FailureDecision, decide_failure, next_try
from zcc_pipeline.reconciliation.rules import evaluate
from zcc_pipeline.reconciliation.settling import STEPS, is_due, is_settled, next_due
from zcc_pipeline.reconciliation.summary import KindDay, StatusCount, count_statuses, summarise_days

__all__ = [
    "GONE_AFTER",
    "STEPS",
    "DeletionDecision",
    "EngagementFacts",
    "FailureDecision",
    "InboxFacts",
    "KindDay",
    "RecordingFacts",
    "StatusCount",
    "VoiceCallFacts",
    "VoicemailFacts",
    "count_statuses",
    "decide_deletions",
    "decide_failure",
    "evaluate",
    "is_due",
    "is_settled",
    "next_due",
    "next_try",
    "summarise_days",
]
