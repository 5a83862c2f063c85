"""By which routes data comes here, which of them are silent, and which would suit: Zoom's own decision table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from zcc_pipeline.domain.errors import ZccPipelineError
from zcc_pipeline.domain.window import iter_days
from zcc_pipeline.pipeline.coverage_facts import EVENTS
from zcc_pipeline.pipeline.coverage_health import CoverageHealth, coverage_health, flow_scripts
from zcc_pipeline.pipeline.doctor import Finding, Verdict
from zcc_pipeline.pipeline.events import look
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.reconciliation import FlowState
from zcc_pipeline.reconciliation.coverage import FLOW_EVENTS

APPLIED_WITHIN = timedelta(minutes=30)
"""A refresh takes a minute, and the schedule of the running day comes every 15."""


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the decision table; ``docs/choosing-a-route.md`` holds the same words."""

    situation: str
    way: str
    needs: str


DECISION_TABLE = (
    Route(
        "Agents work in Salesforce, Zendesk, ServiceNow, Microsoft Dynamics or HubSpot with Zoom's connector",
        "the connector's own sync, without code",
        "an administrator switches data storage on and gives the integration's user the right to write",
    ),
    Route(
        "Agents work in Zoom Workplace or Smart Embed",
        "webhooks (or a WebSocket) for speed, and a nightly poll that reconciles",
        "`zcc receive` behind TLS with the events subscribed, the schedules nightly_look_back and nightly_reconcile on",
    ),
    Route(
        "Inbound messaging flows have to push data out",
        "flow scripts on the Start widget",
        "deploy/zoom-flow pasted into every flow, also into those that a flow routes to, and ZCC_FLOW_TOKENS set",
    ),
)
"""Zoom's guide "Integrate engagement data", restated (library.zoom.com, Contact Center, expert insights)."""


def examine_routes(runtime: Runtime) -> Iterator[Finding]:
    """Settings of the intakes, events not subscribed, silence, flows whose script is missing. Asks nobody but the lake.

    Raises nothing: what cannot be read is a finding.
    """
    yield from _intakes(runtime)
    try:
        yield from _received(runtime)
    except (ZccPipelineError, OSError) as error:
        yield Finding("events", Verdict.WARNING, f"what was received cannot be read: {error}")


def _intakes(runtime: Runtime) -> Iterator[Finding]:
    config = runtime.config
    missing = [
        name
        for name, is_set in (
            ("ZCC_WEBHOOK_SECRET_TOKENS", bool(config.receiver.secret_tokens)),
            ("ZCC_WEBSOCKET_URL", bool(config.websocket_url)),
            ("ZCC_FLOW_TOKENS", bool(config.receiver.flow_tokens)),
        )
        if not is_set
    ]
    if len(missing) == 3:
        remedy = f"for minutes instead of a night: set {missing[0]} and run `zcc receive` (see docs/receiver.md)"
        yield Finding("push", Verdict.OK, "nothing is pushed to this pipeline; changes arrive with each poll", remedy)
        return
    text = f"not set: {', '.join(missing)}" if missing else "webhooks, WebSocket and flow events are set up"
    yield Finding("push", Verdict.OK, text)


def _received(runtime: Runtime) -> Iterator[Finding]:
    first, today = runtime.trailing_days(runtime.config.lookback_days)
    last = max(first, today - timedelta(days=1))
    health = coverage_health(runtime, first, last)
    if health.silence is not None:
        hours = health.silence.business_time.total_seconds() / 3600
        text = f"last heard {health.silence.last_heard_at:%Y-%m-%d %H:%M} UTC, {hours:,.1f} business hours ago"
        if health.silence.is_alarming:
            remedy = "is the subscription still enabled in the Marketplace, and the receiver reachable from outside?"
            yield Finding("receiver", Verdict.WARNING, text, remedy)
        else:
            yield Finding("receiver", Verdict.OK, text)
    elif health.is_set_up:
        text = "set up, and neither an event nor Zoom's question for this address has ever come in"
        remedy = "is `zcc receive` (or `zcc listen`) running, and the subscription saved with its address and enabled?"
        yield Finding("receiver", Verdict.WARNING, text, remedy)
    yield from _waiting(runtime)
    if any(line.pushed for line in health.lines):
        yield from _compared(health)
    elif _has_events(runtime, first):
        yield Finding("events", Verdict.OK, "received and not compared yet", "run `zcc reconcile --from yesterday`")
    yield from _flows(runtime, first, last)


def _waiting(runtime: Runtime) -> Iterator[Finding]:
    """Events are kept by who receives them, and applied by runs: without these nothing else would tell."""
    waiting = look(runtime)
    if waiting.oldest_at is None or runtime.clock.now() - waiting.oldest_at < APPLIED_WITHIN:
        return
    since = f"{waiting.oldest_at:%Y-%m-%d %H:%M} UTC"
    text = f"{waiting.unapplied:,} received events wait to be applied, the first since {since}"
    remedy = "is the sensor received_events on, and do its runs succeed? by hand: `zcc reconcile --from yesterday`"
    yield Finding("events", Verdict.WARNING, text, remedy)


def _compared(health: CoverageHealth) -> Iterator[Finding]:
    """Kinds of events that nobody subscribed, and those of which too few arrive."""
    for event, due in health.not_subscribed.items():
        if event not in FLOW_EVENTS:
            text = f"{event} was never received although polling found {due:,} of what it announces"
            yield Finding("events", Verdict.WARNING, text, "subscribe it in the Marketplace app's event subscription")
    for weak in health.weak:
        text = f"{weak.event}: {weak.share:.1%} of the {weak.expected:,} due arrived; polling brought the others"
        yield Finding("events", Verdict.WARNING, text, "look at the receiver's metrics and at Zoom's webhook logs")


def _has_events(runtime: Runtime, first: date) -> bool:
    days = [day for day in runtime.lake.days(EVENTS) if day >= first]
    return any(runtime.lake.files(EVENTS, day) for day in days)


def _flows(runtime: Runtime, first: date, last: date) -> Iterator[Finding]:
    scripts = flow_scripts(runtime, list(iter_days(first, last)))
    for script in scripts:
        if script.needs_attention:
            word = "never sent an event" if script.state is FlowState.MISSING else "sends no events any more"
            text = f"flow {script.flow_name}: {word} ({script.with_event:,} of {script.engagements:,} engagements did)"
            remedy = "paste deploy/zoom-flow into its Start widget and publish it; linked flows need the same scripts"
            yield Finding("flows", Verdict.WARNING, text, remedy)
    if scripts and not any(script.needs_attention for script in scripts):
        yield Finding("flows", Verdict.OK, f"{len(scripts)} flows send their events")
