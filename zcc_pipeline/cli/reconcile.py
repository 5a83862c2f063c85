"""``zcc reconcile``: compare what was pushed with what polling finds, heal, report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from zcc_pipeline.cli.options import FromOption, JsonOption, ToOption, parse_days
from zcc_pipeline.cli.screen import counted, heading, paragraph, print_json, say
from zcc_pipeline.cli.sentences import FAILED
from zcc_pipeline.cli.session import opened_runtime

if TYPE_CHECKING:
    from zcc_pipeline.domain.ports import DifferenceRow
    from zcc_pipeline.pipeline.coverage import LandedCoverage
    from zcc_pipeline.pipeline.reconcile import ReconcileReport

SHOWN = 20
"""Differences that are named one by one; all of them are in the state store and in --json."""


def reconcile(first: FromOption, last: ToOption = "yesterday", as_json: JsonOption = False) -> None:
    """Check every pushed event against what polling finds, and bring here what is missing.

    Received events are applied, the days are polled, and each engagement, note, disposition, recording, voicemail and
    survey is looked for on both sides. What only an event knows is read by its engagement's id. Each difference is
    found once and ends as recovered, failed or explained, with its evidence; a second pass finds none. Exit code 1
    when something failed.

    Examples:
        zcc reconcile --from yesterday
        zcc reconcile --from 2026-11-01 --to 2026-11-07 --json
    """
    from zcc_pipeline.domain.window import iter_days
    from zcc_pipeline.pipeline.coverage import read_coverage
    from zcc_pipeline.pipeline.reaching import reach_zoom
    from zcc_pipeline.pipeline.reconcile import reconcile as reconcile_days

    with opened_runtime(as_json=as_json, lands=True) as runtime:
        start, end = parse_days(first, last, today=runtime.today())
        reach_zoom(runtime)
        report = reconcile_days(runtime, list(iter_days(start, end)))
        lines = read_coverage(runtime, start, end)
    if as_json:
        print_json(as_document(report, lines))
    else:
        show(report, lines)
    if report.needs_attention:
        raise typer.Exit(FAILED)


def as_document(report: ReconcileReport, lines: list[LandedCoverage]) -> dict[str, object]:
    """The report for scripts."""
    from zcc_pipeline.cli.coverage_table import coverage_rows

    return {
        "from": report.days[0],
        "to": report.days[-1],
        "needs_attention": report.needs_attention,
        **totals(report),
        "engagements_read_by_id": report.refreshed,
        "coverage": coverage_rows(lines),
        "differences": [*report.detected, *report.judged_again],
        "not_subscribed": report.not_subscribed,
        "flows": report.flows,
        "problems": report.problems,
    }


def totals(report: ReconcileReport) -> dict[str, int]:
    """``detected`` is the sum of the three that follow it."""
    from zcc_pipeline.reconciliation import Outcome

    return {
        "detected": len(report.detected),
        **{outcome.value: report.count(outcome) for outcome in Outcome},
        "judged_again": len(report.judged_again),
        "waiting": report.waiting,
    }


def show(report: ReconcileReport, lines: list[LandedCoverage]) -> None:
    """The table, the totals, and what somebody has to know."""
    from zcc_pipeline.cli.coverage_table import show_coverage

    say(f"{report.days[0]} to {report.days[-1]}, engagements by the day they started")
    say()
    if lines:
        show_coverage(lines)
    else:
        say("Neither polling nor events have anything on those days.")
    sums = totals(report)
    say()
    say(
        f"{counted(sums['detected'], 'difference')} detected = {sums['recovered']:,} recovered + "
        f"{sums['failed']:,} failed + {sums['explained']:,} explained"
    )
    sentences = list(_sentences(report))
    if sentences:
        heading("To know")
        for sentence in sentences:
            paragraph(f"- {sentence}", indent="  ")


def _sentences(report: ReconcileReport) -> Iterator[str]:
    from zcc_pipeline.cli.coverage_table import short_name

    yield from report.problems
    if report.not_subscribed:
        names = ", ".join(f"{short_name(event)} ({count:,} due)" for event, count in report.not_subscribed.items())
        yield f"Never received, so probably not subscribed: {names}. `zcc doctor` says what to switch on."
    for script in report.flows:
        if script.needs_attention:
            yield (
                f"Flow {script.flow_name}: its event script is {script.state} "
                f"({script.with_event:,} of {counted(script.engagements, 'engagement')} sent an event)."
            )
    if report.waiting:
        yield f"{counted(report.waiting, 'event')} that the API may still come to show; looked at again next time."
    rows = [row for row in (*report.detected, *report.judged_again) if row.outcome != "recovered"]
    for row in rows[:SHOWN]:
        yield _describe(row)
    if len(rows) > SHOWN:
        sums = Counter(f"{row.outcome} {short_name(row.event)}" for row in rows[SHOWN:])
        yield f"And {len(rows) - SHOWN:,} more: " + ", ".join(f"{count:,} {what}" for what, count in sums.items()) + "."


def _describe(row: DifferenceRow) -> str:
    from zcc_pipeline.cli.coverage_table import short_name

    about = f"{short_name(row.event)} of {row.engagement_id or row.subject_id}"
    return f"{row.outcome}: {about}, {row.direction.replace('_', ' ')}: {row.evidence}."
