"""What the last reconciliation says of the health of push, and since when nothing has been heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from zcc_pipeline.inbox import InboxReader
from zcc_pipeline.pipeline.coverage import LandedCoverage, read_coverage
from zcc_pipeline.pipeline.coverage_facts import CoverageFacts, read_facts
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.reconciliation import FlowScript, Outcome, Silence, check_flows, measure_silence

CHALLENGE = "challenge"
"""Name under which the receiver notes that Zoom has validated its address."""


@dataclass(frozen=True, slots=True)
class WeakEvent:
    """A subscribed event of which too few arrive."""

    event: str
    expected: int
    both: int

    @property
    def share(self) -> float:
        """Of what polling found."""
        return self.both / self.expected


@dataclass(frozen=True, slots=True)
class SlowRoute:
    """A day and event on which a route was slow."""

    day: date
    event: str
    route: str
    p95_seconds: float


@dataclass(slots=True)
class CoverageHealth:
    """All of it, against the thresholds of the settings."""

    lines: list[LandedCoverage] = field(default_factory=list)
    weak: list[WeakEvent] = field(default_factory=list)
    slow: list[SlowRoute] = field(default_factory=list)
    not_subscribed: dict[str, int] = field(default_factory=dict)
    """Events that never came on any of the days, with how many were due."""
    failed_differences: int = 0
    silence: Silence | None = None
    """None where nothing was ever received."""
    is_set_up: bool = False
    """Whether any intake has its secret or address, so that something should have been received."""
    flows: list[FlowScript] = field(default_factory=list)


def coverage_health(runtime: Runtime, first: date, last: date) -> CoverageHealth:
    """Judge those days by what was landed for them; reads no Zoom."""
    alerts = runtime.config.alerts
    health = CoverageHealth(lines=read_coverage(runtime, first, last))
    health.weak = [one for one in _sums(health.lines) if one.expected and one.share < alerts.coverage_share]
    limit = alerts.latency.total_seconds()
    health.slow = [
        SlowRoute(line.day, line.event, route, latency.p95_seconds)
        for line in health.lines
        for route, latency in line.latencies.items()
        if latency.p95_seconds > limit
    ]
    health.not_subscribed = _never_seen(health.lines)
    rows = runtime.state.differences.on_days(first, last)
    health.failed_differences = sum(row.outcome == Outcome.FAILED for row in rows)
    health.silence = silence(runtime)
    health.is_set_up = is_set_up(runtime)
    return health


def is_set_up(runtime: Runtime) -> bool:
    """Whether any of the three intakes can be had with the settings."""
    config = runtime.config
    return bool(config.receiver.secret_tokens or config.receiver.flow_tokens or config.websocket_url)


def _sums(lines: Sequence[LandedCoverage]) -> list[WeakEvent]:
    sums: dict[str, list[int]] = {}
    for line in lines:
        if line.is_subscribed:
            of_event = sums.setdefault(line.event, [0, 0])
            of_event[0] += line.expected
            of_event[1] += line.both
    return [WeakEvent(event, *numbers) for event, numbers in sums.items()]


def _never_seen(lines: Sequence[LandedCoverage]) -> dict[str, int]:
    seen = {line.event for line in lines if line.is_subscribed}
    due: dict[str, int] = {}
    for line in lines:
        if line.event not in seen and line.expected:
            due[line.event] = due.get(line.event, 0) + line.expected
    return due


def last_heard_at(runtime: Runtime) -> datetime | None:
    """When the newest event or challenge came; None where the inbox has never received one."""
    with InboxReader.open(runtime.config.inbox_url) as reader:
        if reader.inbox_id is None:
            return None
        heard = [reader.last_received_at(), reader.notes().get(CHALLENGE)]
    return max((moment for moment in heard if moment is not None), default=None)


def silence(runtime: Runtime) -> Silence | None:
    """How long it has been quiet in business hours; None where nothing was ever received."""
    heard = last_heard_at(runtime)
    if heard is None:
        return None
    alerts = runtime.config.alerts
    return measure_silence(
        heard,
        runtime.clock.now(),
        hours=alerts.business_hours,
        timezone=runtime.config.timezone,
        longest=alerts.silence,
    )


def flow_scripts(runtime: Runtime, days: Sequence[date]) -> list[FlowScript]:
    """Engagements of those days by flow against flow events; empty where nobody uses flow scripts."""
    return scripts_in(runtime, read_facts(runtime, days))


def scripts_in(runtime: Runtime, facts: CoverageFacts) -> list[FlowScript]:
    """The same of facts that have been read. With a token for flow events every flow is expected to send them: were
    none of them to arrive (a wrong address, a script not published), nothing else would say so."""
    return check_flows(facts.visits, facts.with_flow_event, are_expected=bool(runtime.config.receiver.flow_tokens))
