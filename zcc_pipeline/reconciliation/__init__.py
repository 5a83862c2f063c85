"""What should be there, what is, and why something is not: pure functions over what they are handed.

What lives here: the rules that give each engagement and artefact kind exactly one status, the settling schedule, the
retry schedule of files, deletion by absence, sums of statuses, and the comparison of what was pushed with what polling
found. What does not: any reading of ledgers, lake or clock.
"""

from zcc_pipeline.reconciliation.coverage import Coverage, Expected, Latency, Pushed, compare, not_subscribed
from zcc_pipeline.reconciliation.deletions import DeletionDecision, decide_deletions
from zcc_pipeline.reconciliation.differences import (
    Difference,
    Direction,
    EngagementRead,
    Outcome,
    Read,
    Verdict,
    find_differences,
    judge_lost_event,
    judge_unlisted,
)
from zcc_pipeline.reconciliation.facts import (
    EngagementFacts,
    InboxFacts,
    RecordingFacts,
    VoiceCallFacts,
    VoicemailFacts,
)
from zcc_pipeline.reconciliation.flows import FlowScript, FlowState, FlowVisit, check_flows
from zcc_pipeline.reconciliation.retention_clock import RetentionClock, UnstoredFile, limit_of_inbox, read_clocks
from zcc_pipeline.reconciliation.retries import GONE_AFTER, FailureDecision, decide_failure, next_try
from zcc_pipeline.reconciliation.rules import evaluate
from zcc_pipeline.reconciliation.settling import STEPS, is_due, is_settled, next_due
from zcc_pipeline.reconciliation.silence import BusinessHours, Silence, measure_silence
from zcc_pipeline.reconciliation.summary import KindDay, StatusCount, count_statuses, summarise_days

__all__ = [
    "GONE_AFTER",
    "STEPS",
    "BusinessHours",
    "Coverage",
    "DeletionDecision",
    "Difference",
    "Direction",
    "EngagementFacts",
    "EngagementRead",
    "Expected",
    "FailureDecision",
    "FlowScript",
    "FlowState",
    "FlowVisit",
    "InboxFacts",
    "KindDay",
    "Latency",
    "Outcome",
    "Pushed",
    "Read",
    "RecordingFacts",
    "RetentionClock",
    "Silence",
    "StatusCount",
    "UnstoredFile",
    "Verdict",
    "VoiceCallFacts",
    "VoicemailFacts",
    "check_flows",
    "compare",
    "count_statuses",
    "decide_deletions",
    "decide_failure",
    "evaluate",
    "find_differences",
    "is_due",
    "is_settled",
    "judge_lost_event",
    "judge_unlisted",
    "limit_of_inbox",
    "measure_silence",
    "next_due",
    "next_try",
    "not_subscribed",
    "read_clocks",
    "summarise_days",
]
