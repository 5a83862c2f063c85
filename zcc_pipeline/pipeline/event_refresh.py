"""Refresh from events: apply what was received, poll where events may be missing, read again what is due.

Cheap where nothing is due: two databases are asked, and Zoom is not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from zcc_pipeline.domain.errors import TransientError
from zcc_pipeline.domain.ports import DueRefresh, EventGap
from zcc_pipeline.domain.window import day_of, iter_days
from zcc_pipeline.pipeline.events import AppliedReport, apply_inbox
from zcc_pipeline.pipeline.lake_facts import engagements_of, parts_of
from zcc_pipeline.pipeline.loop import run
from zcc_pipeline.pipeline.pull import DAILY, pull
from zcc_pipeline.pipeline.pushed_parts import judge_parts
from zcc_pipeline.pipeline.refresh import EngagementRead, RefreshReport, refresh, refresh_late_closers
from zcc_pipeline.pipeline.runtime import Runtime

RETRIES = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
"""When an engagement that was not found, or could not be read, is tried again."""
GIVEN_UP_KEPT = timedelta(days=35)
"""How long one that was left to the nightly poll stays on the list."""
BATCH = 200
"""Engagements read and landed at a time."""
BY_WINDOW = 50
"""From so many due engagements of one day on, listing the day is looked at as the cheaper way."""
PAGE = 100
"""Engagements that one call lists."""
LISTED = ("zoom/engagements", "zoom/recordings", "zoom/voicemails")
"""What must have been listed to its end for a gap to be closed."""


@dataclass(slots=True)
class EventsReport:
    """What one refresh from events did."""

    applied: AppliedReport = field(default_factory=AppliedReport)
    refreshed: RefreshReport = field(default_factory=RefreshReport)
    gaps_closed: int = 0
    gaps_open: int = 0
    parts_denied: int = 0
    given_up: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def days_touched(self) -> set[date]:
        """Days on which anything may have been written."""
        return self.applied.days_touched | self.refreshed.days_touched


def refresh_from_events(runtime: Runtime, *, patience: timedelta = timedelta(0)) -> EventsReport:
    """Apply the inbox, then do what is due; with ``patience`` also what becomes due within that time."""
    report = EventsReport()
    report.applied = apply_inbox(runtime)
    _poll_gaps(runtime, report)
    until = runtime.clock.now() + patience
    while _refresh_batch(runtime, report) or _wait_for_next(runtime, until):
        pass
    report.problems += report.refreshed.problems
    return report


def _wait_for_next(runtime: Runtime, until: datetime) -> bool:
    """Whether something becomes due in time; returns when it is."""
    next_at = runtime.state.events.next_due_at()
    if next_at is None or next_at > until:
        return False
    run(runtime.clock.sleep(max(0.0, (next_at - runtime.clock.now()).total_seconds())))
    return True


def _refresh_batch(runtime: Runtime, report: EventsReport) -> bool:
    events = runtime.state.events
    due = events.due(runtime.clock.now(), BATCH)
    if not due:
        return False
    due = _without_erased(runtime, due, report)
    reads, rest = _read_by_window(runtime, due, report)
    found = refresh(runtime, rest)
    reads = reads | found.reads
    report.refreshed.add(found)
    report.parts_denied += judge_parts(runtime, reads)
    events.settle({engagement_id: read.begun_at for engagement_id, read in reads.items()})
    _postpone(runtime, [row for row in due if row.engagement_id not in reads], found, report)
    return True


def _without_erased(runtime: Runtime, due: Sequence[DueRefresh], report: EventsReport) -> list[DueRefresh]:
    """What is still to be read: an engagement erased since its event came is not waited for any more."""
    erased = runtime.state.suppression.filter(row.engagement_id for row in due)
    report.refreshed.suppressed += len(erased)
    runtime.state.events.settle({row.engagement_id: row.read_after for row in due if row.engagement_id in erased})
    return [row for row in due if row.engagement_id not in erased]


def _postpone(runtime: Runtime, rows: Iterable[DueRefresh], found: RefreshReport, report: EventsReport) -> None:
    """Not found: later, and in the end left to the nightly poll. Not read: later, for as long as it takes."""
    now = runtime.clock.now()
    retries: dict[str, tuple[datetime | None, str]] = {}
    for row in rows:
        if row.engagement_id in found.unknown and row.attempts >= len(RETRIES):
            retries[row.engagement_id] = (None, f"{found.unknown[row.engagement_id]}; left to the nightly poll")
            report.given_up += 1
        else:
            reason = {**found.unread, **found.unknown}.get(row.engagement_id, "not read")
            retries[row.engagement_id] = (now + _delay(row.attempts), reason)
    runtime.state.events.postpone(retries)
    if retries:
        runtime.state.events.forget_given_up(now - GIVEN_UP_KEPT)


def _delay(attempts: int) -> timedelta:
    return RETRIES[min(attempts, len(RETRIES) - 1)]


def _read_by_window(
    runtime: Runtime, due: Sequence[DueRefresh], report: EventsReport
) -> tuple[dict[str, EngagementRead], list[str]]:
    """Days with so many due engagements that listing them costs fewer calls; what is left is read one by one."""
    by_day: dict[date, set[str]] = defaultdict(set)
    for row in due:
        by_day[row.day].add(row.engagement_id)
    reads: dict[str, EngagementRead] = {}
    for day, ids in by_day.items():
        if len(ids) < BY_WINDOW or len(ids) < 1 + len(engagements_of(runtime.lake, day)) // PAGE:
            continue
        begun_at = runtime.clock.now()
        pulled = pull(runtime, [day], only=DAILY)
        report.problems += pulled.problems
        report.refreshed.days_touched.add(day)
        if any(each.dataset == LISTED[0] and each.is_complete for each in pulled.datasets):
            landed = engagements_of(runtime.lake, day)
            listed = {key: EngagementRead(day, begun_at, parts_of(landed[key].fields)) for key in ids if key in landed}
            report.refreshed.refreshed += len(listed)
            reads |= listed
    return reads, [row.engagement_id for row in due if row.engagement_id not in reads]


def _poll_gaps(runtime: Runtime, report: EventsReport) -> None:
    """List the days that gaps touch, unless they have been listed since."""
    gaps = runtime.state.events.open_gaps(runtime.clock.now())
    if not gaps:
        return
    unpolled = {day for gap in gaps for day in _unpolled(runtime, gap)}
    problem = _poll_days(runtime, sorted(unpolled), report) if unpolled else ""
    now = runtime.clock.now()
    for gap in gaps:
        if not _unpolled(runtime, gap):
            runtime.state.events.close_gap(gap, "polled", now=now)
            report.gaps_closed += 1
        elif gap.attempts >= len(RETRIES):
            runtime.state.events.close_gap(gap, f"{problem}; left to the nightly poll", now=now)
            report.given_up += 1
        else:
            runtime.state.events.postpone_gap(gap, problem, next_try_at=now + _delay(gap.attempts))
            report.gaps_open += 1


def _poll_days(runtime: Runtime, days: Sequence[date], report: EventsReport) -> str:
    """Pull them, with what ended on them and started earlier; returns what did not go well."""
    try:
        pulled = pull(runtime, days, only=DAILY)
        late = refresh_late_closers(runtime, days)
    except TransientError as error:  # the gap stays open and is polled again
        report.problems.append(str(error))
        return str(error)
    report.refreshed.days_touched |= set(days)
    report.refreshed.add(late)
    report.problems += pulled.problems
    return "; ".join(pulled.problems[:3]) or "the days were not listed to their end"


def _unpolled(runtime: Runtime, gap: EventGap) -> list[date]:
    """Days of the gap that were not listed completely since its end."""
    zone = runtime.config.timezone
    windows = runtime.state.windows
    return [
        day
        for day in iter_days(day_of(gap.started_at, zone), day_of(gap.ended_at, zone))
        if any((windows.last_complete_at(name, day) or gap.started_at) <= gap.ended_at for name in LISTED)
    ]
