"""Checks on what is pushed: does it all arrive, in time, and is anybody still sending."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from zcc_pipeline.domain.window import iter_days
from zcc_pipeline.orchestration.assets.coverage import COVERAGE
from zcc_pipeline.orchestration.assets.raw import key_of
from zcc_pipeline.orchestration.failures import explained
from zcc_pipeline.orchestration.metadata import text_table
from zcc_pipeline.pipeline.coverage_health import CoverageHealth, coverage_health, flow_scripts
from zcc_pipeline.pipeline.runtime import Runtime

_SHOWN = 50

Judgement = Callable[[CoverageHealth], dict[str, Any]]


def build_coverage_checks() -> list[dg.AssetChecksDefinition]:
    """Six checks in one step, over the look-back."""
    asset = key_of(COVERAGE)

    @dg.multi_asset_check(
        name="coverage",
        specs=[dg.AssetCheckSpec(name, asset=asset, description=text) for name, (text, _) in _JUDGEMENTS.items()],
    )
    def coverage(runtime: dg.ResourceParam[Runtime]) -> Iterator[dg.AssetCheckResult]:
        first, today = runtime.trailing_days(runtime.config.lookback_days)
        last = max(first, today - timedelta(days=1))
        with explained():
            health = coverage_health(runtime, first, last)
            health.flows = flow_scripts(runtime, list(iter_days(first, last)))
        for name, (_, judge) in _JUDGEMENTS.items():
            yield dg.AssetCheckResult(check_name=name, asset_key=asset, **judge(health))

    return [coverage]


def _warning(*, passed: bool, description: str, **metadata: object) -> dict[str, Any]:
    return {
        "passed": passed,
        "severity": dg.AssetCheckSeverity.WARN,
        "description": description,
        "metadata": {name.replace("_", " "): value for name, value in metadata.items()},
    }


def _table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    return text_table(list(columns), rows[:_SHOWN])


def _arrive(health: CoverageHealth) -> dict[str, Any]:
    rows = [{"event": one.event, "due": one.expected, "share": round(one.share, 4)} for one in health.weak]
    text = "; ".join(f"{one.event}: {one.share:.1%} of {one.expected:,}" for one in health.weak[:3])
    return _warning(
        passed=not rows,
        description=text or "enough of every subscribed event arrived",
        events=_table(("event", "due", "share"), rows),
    )


def _fast(health: CoverageHealth) -> dict[str, Any]:
    rows = [
        {"day": str(one.day), "event": one.event, "route": one.route, "p95 seconds": one.p95_seconds}
        for one in health.slow
    ]
    columns = ("day", "event", "route", "p95 seconds")
    text = "95 % of every event were here in time"
    if rows:
        worst = max(health.slow, key=lambda one: one.p95_seconds)
        text = (
            f"slow on {len({one.day for one in health.slow})} of the days; worst {worst.event}, {worst.day}, by "
            f"{worst.route}: 5 % took {worst.p95_seconds / 60:,.0f} minutes or more"
        )
    return _warning(passed=not rows, description=text, slow=_table(columns, rows))


def _subscribed(health: CoverageHealth) -> dict[str, Any]:
    missing = health.not_subscribed
    if not any(line.pushed for line in health.lines):
        return _warning(passed=True, description="nothing is pushed to this pipeline: it lives by polling alone")
    text = ", ".join(f"{event} ({count:,} due)" for event, count in missing.items())
    return _warning(passed=not missing, description=f"never received: {text}" if missing else "every kind was received")


def _healed(health: CoverageHealth) -> dict[str, Any]:
    return {
        "passed": not health.failed_differences,
        "description": f"{health.failed_differences} differences between push and poll could not be healed",
        "metadata": {"differences": health.failed_differences},
    }


def _heard(health: CoverageHealth) -> dict[str, Any]:
    silence = health.silence
    if silence is None:
        text = "an intake is set up, and nothing has ever come in: `zcc doctor` tells what to look at"
        if not health.is_set_up:
            text = "nothing was ever received: there is no receiver to be silent"
        return _warning(passed=not health.is_set_up, description=text)
    hours = round(silence.business_time.total_seconds() / 3600, 1)
    return _warning(
        passed=not silence.is_alarming,
        description=f"{hours} business hours without an event or a challenge",
        last_heard=dg.MetadataValue.timestamp(silence.last_heard_at),
    )


def _flows(health: CoverageHealth) -> dict[str, Any]:
    silent = [script for script in health.flows if script.needs_attention]
    rows = [
        {
            "flow": script.flow_name,
            "script": str(script.state),
            "engagements": script.engagements,
            "with event": script.with_event,
        }
        for script in health.flows
    ]
    named = ", ".join(f"{script.flow_name} ({script.state})" for script in silent)
    columns = ("flow", "script", "engagements", "with event")
    return _warning(passed=not silent, description=named or "no script lacks", flows=_table(columns, rows))


_JUDGEMENTS: dict[str, tuple[str, Judgement]] = {
    "events_arrive": ("Of each subscribed event at least ZCC_COVERAGE_WARN_BELOW of those due arrived.", _arrive),
    "events_are_fast": ("95 % of each day's events were in the lake within ZCC_LATENCY_WARN_SECONDS.", _fast),
    "every_event_subscribed": ("Every event whose data polling finds has been received at least once.", _subscribed),
    "differences_healed": ("Every difference between push and poll was recovered or explained.", _healed),
    "receiver_is_heard": ("No ZCC_SILENCE_WARN_HOURS of ZCC_BUSINESS_HOURS without event or challenge.", _heard),
    "flow_scripts_send": ("Every flow sends its events, where any flow does or ZCC_FLOW_TOKENS is set.", _flows),
}
