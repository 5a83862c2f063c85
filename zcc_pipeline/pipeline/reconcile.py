"""Reconcile: apply what was received, poll the days, compare, heal, and give each difference its outcome.

The API is the truth and every pushed event only a hint, so an event that was lost is recovered by polling, and an event
about something that polling did not show is looked up by its engagement. What was found is written once: a second pass
over the same days finds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from zcc_pipeline.domain.completeness import ArtefactKind, ArtefactStatus
from zcc_pipeline.domain.ports import DifferenceRow
from zcc_pipeline.domain.window import format_time, iter_days
from zcc_pipeline.pipeline.coverage import Comparison, compare_days, land_coverage
from zcc_pipeline.pipeline.coverage_facts import CoverageFacts
from zcc_pipeline.pipeline.coverage_health import scripts_in
from zcc_pipeline.pipeline.event_refresh import refresh_from_events
from zcc_pipeline.pipeline.pull import pull
from zcc_pipeline.pipeline.refresh import RefreshReport, refresh
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.pipeline.status import iter_proofs
from zcc_pipeline.reconciliation import (
    Coverage,
    Difference,
    Direction,
    EngagementRead,
    FlowScript,
    Outcome,
    Read,
    Verdict,
    find_differences,
    judge_lost_event,
    judge_unlisted,
    not_subscribed,
)
from zcc_pipeline.reconciliation.coverage import ANNOUNCES

Key = tuple[str, str, Direction]


@dataclass(slots=True)
class ReconcileReport:
    """What was compared, what was found, and what became of it."""

    days: list[date] = field(default_factory=list)
    lines: list[Coverage] = field(default_factory=list)
    detected: list[DifferenceRow] = field(default_factory=list)
    """Found for the first time; each has an outcome."""
    judged_again: list[DifferenceRow] = field(default_factory=list)
    """Had failed before and were looked at again."""
    waiting: int = 0
    """Pushed, not polled yet, and young enough to come by itself."""
    refreshed: int = 0
    """Engagements that were read by their id."""
    not_subscribed: dict[str, int] = field(default_factory=dict)
    """Events that never came, with how often polling found what they announce."""
    flows: list[FlowScript] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def count(self, outcome: Outcome) -> int:
        """Of those found for the first time."""
        return sum(row.outcome == outcome for row in self.detected)

    @property
    def needs_attention(self) -> bool:
        """Whether anything failed, now or before, or not all could be read."""
        rows = (*self.detected, *self.judged_again)
        return bool(self.problems) or any(row.outcome == Outcome.FAILED for row in rows)


def reconcile(runtime: Runtime, days: Iterable[date], *, poll: bool = True) -> ReconcileReport:
    """Do all of it for those days (of engagements).

    Without ``poll`` the events must have been applied and the days polled just now by the caller.
    ``needs_attention`` of the report says whether a difference failed or a listing was cut short. Raises what polling
    raises for wrong credentials and the like.
    """
    wanted = sorted(set(days))
    report = ReconcileReport(days=wanted)
    if not wanted:
        return report
    if poll:
        report.problems += refresh_from_events(runtime).problems
        report.problems += pull(runtime, wanted).problems
    before = compare_days(runtime, wanted)
    known = _known(runtime, wanted)
    found = find_differences(before.lines, runtime.clock.now())
    found = [one for one in found if one.direction is Direction.ONLY_PUSHED and _is_open(known.get(one.key))]
    refreshed = _heal(runtime, found)
    report.refreshed = refreshed.refreshed
    report.problems += refreshed.problems
    measured = sorted({*wanted, *refreshed.days_touched})
    after = compare_days(runtime, measured) if refreshed.refreshed else before
    found += _uncovered(runtime, after, set(wanted), known)
    _judge(runtime, report, found, known, after, refreshed)
    land_coverage(runtime, after.lines)
    report.lines = [line for line in after.lines if line.day in set(wanted)]
    report.not_subscribed = not_subscribed(report.lines)
    report.flows = scripts_in(runtime, after.facts)
    return report


def _known(runtime: Runtime, days: Sequence[date]) -> dict[Key, DifferenceRow]:
    """What earlier passes found; a day may have changed since with the engagement's own day becoming known."""
    around = timedelta(days=runtime.config.deep_lookback_days)
    rows = runtime.state.differences.on_days(days[0] - around, days[-1] + around)
    return {_key_of(row): row for row in rows}


def _uncovered(
    runtime: Runtime, after: Comparison, days: AbstractSet[date], known: Mapping[Key, DifferenceRow]
) -> list[Difference]:
    """Lost events about what only healing brought here. What was pushed meanwhile is left to the next pass."""
    lines = [line for line in after.lines if line.day in days]
    found = find_differences(lines, runtime.clock.now())
    return [one for one in found if one.direction is Direction.ONLY_POLLED and _is_open(known.get(one.key))]


def _key_of(row: DifferenceRow) -> Key:
    return row.event, row.subject_id, Direction(row.direction)


def _is_open(known: DifferenceRow | None) -> bool:
    """Whether it is new, or had failed and may have become better."""
    return known is None or known.outcome == Outcome.FAILED


def _heal(runtime: Runtime, found: Iterable[Difference]) -> RefreshReport:
    """Read the engagements that events name by their ids; what was only polled is here already."""
    return refresh(runtime, {one.engagement_id for one in found if one.engagement_id})


def _judge(
    runtime: Runtime,
    report: ReconcileReport,
    found: Sequence[Difference],
    known: Mapping[Key, DifferenceRow],
    after: Comparison,
    refreshed: RefreshReport,
) -> None:
    """Give each an outcome and write it down; those that may come by themselves are only counted."""
    now = runtime.clock.now()
    here = {(one.event, one.subject_id) for one in after.facts.expected}
    proofs = _proofs(runtime, found)
    rows: list[DifferenceRow] = []
    for one in found:
        if one.direction is Direction.ONLY_POLLED:
            kind = ANNOUNCES.get(one.event)
            verdict: Verdict | None = judge_lost_event(proofs.get((one.engagement_id or "", kind)) if kind else None)
        else:
            read = _read_of(one, refreshed, after.facts)
            verdict = judge_unlisted(one, read, is_here_now=(one.event, one.subject_id) in here, now=now)
        if verdict is None:
            report.waiting += 1
        else:
            rows.append(_row(one, verdict, known.get(one.key), now))
    report.detected = [row for row in rows if _key_of(row) not in known]
    report.judged_again = [row for row in rows if _key_of(row) in known]
    runtime.state.differences.record_all(rows)


def _proofs(runtime: Runtime, found: Sequence[Difference]) -> dict[tuple[str, ArtefactKind], ArtefactStatus]:
    """The completeness of the engagements that lost an event."""
    ids = {one.engagement_id for one in found if one.direction is Direction.ONLY_POLLED}
    days = {one.day for one in found if one.direction is Direction.ONLY_POLLED}
    return {
        (proof.engagement_id, proof.kind): proof
        for day in sorted(days)
        for _, proof in iter_proofs(runtime, day, day)
        if proof.engagement_id in ids
    }


def _read_of(one: Difference, refreshed: RefreshReport, facts: CoverageFacts) -> EngagementRead:
    engagement_id = one.engagement_id or ""
    has_ended = engagement_id in facts.ended
    if engagement_id in refreshed.unread:
        return EngagementRead(Read.FAILED, refreshed.unread[engagement_id], has_ended)
    if engagement_id in refreshed.unknown:
        return EngagementRead(Read.NOT_FOUND, refreshed.unknown[engagement_id], has_ended)
    return EngagementRead(Read.FOUND, f"read by its id after the event of {format_time(one.since)}", has_ended)


def _row(one: Difference, verdict: Verdict, known: DifferenceRow | None, now: datetime) -> DifferenceRow:
    return DifferenceRow(
        event=one.event,
        subject_id=one.subject_id,
        direction=one.direction.value,
        engagement_id=one.engagement_id,
        day=one.day,
        outcome=verdict.outcome.value,
        evidence=verdict.evidence,
        detected_at=known.detected_at if known else now,
        judged_at=now,
    )


def days_to_reconcile(runtime: Runtime, *, is_deep: bool = False) -> list[date]:
    """The look-back up to yesterday: the running day is not over, and its events are on their way."""
    config = runtime.config
    first, today = runtime.trailing_days(config.deep_lookback_days if is_deep else config.lookback_days)
    yesterday = today - timedelta(days=1)
    return list(iter_days(first, yesterday)) if first <= yesterday else []
