"""``zcc status``: completeness per day and kind of data, and what needs somebody."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

import typer

from zcc_pipeline.cli.options import JsonOption, OptionalFrom, ToOption, parse_day, parse_days
from zcc_pipeline.cli.screen import counted, heading, paragraph, print_json, say
from zcc_pipeline.cli.sentences import FAILED
from zcc_pipeline.domain.completeness import NOT_COLLECTED, Reason, Status

if TYPE_CHECKING:
    from datetime import datetime

    from zcc_pipeline.pipeline.status import StatusReport, Unread, WaitingRefreshes

FEW_DAYS = 3
"""So many days are shown kind by kind; more are summed up."""


WHICH_ONES = """\
select engagement_id, completeness_status, incomplete_kinds from engagements \
where completeness_status in ('unexplained', 'failed')"""
"""To be asked of ``analytics.duckdb``."""


def status(first: OptionalFrom = None, last: ToOption = "today", as_json: JsonOption = False) -> None:
    """Say what is complete, what is still awaited, what is missing and why.

    Each engagement has one status for each kind of data it could own; a reason always names its evidence, and what has
    none is "unexplained". Without --from, everything since ZCC_START_DATE, or since the first day that was read. Exit
    code 1 when anything failed, is overdue or unexplained, so that a monitor can call it.

    Examples:
        zcc status
        zcc status --from 2026-11-20 --to 2026-11-20
        zcc status --json
    """
    from zcc_pipeline.pipeline.status import status as read_status
    from zcc_pipeline.settings import load_settings, open_runtime

    settings = load_settings()
    with open_runtime(settings) as runtime:
        today = runtime.today()
        if first is None:
            start, end = settings.start_date, parse_day(last, option="--to", today=today)
        else:
            start, end = parse_days(first, last, today=today)
        report = read_status(runtime, start, end)
    if as_json:
        print_json(as_document(report))
    else:
        show(report)
    if report.needs_attention:
        raise typer.Exit(FAILED)


def as_document(report: StatusReport) -> dict[str, object]:
    """The report for scripts."""
    from zcc_pipeline.cli.completeness_table import as_rows
    from zcc_pipeline.cli.coverage_table import coverage_rows

    return {
        "from": report.first,
        "to": report.last,
        "needs_attention": report.needs_attention,
        "completeness": as_rows(report.lines),
        "verified_at": {str(day): moment for day, moment in sorted(report.verified_at.items())},
        "overdue": [
            {"day": day, "kind": kind.value, "engagements": n} for (day, kind), n in sorted(report.overdue.items())
        ],
        "unread": report.unread,
        "late_closers_not_verified": {str(day): problem for day, problem in sorted(report.not_verified.items())},
        "oldest_not_stored": [{"is_alarming": row.is_alarming, **_fields(row)} for row in report.oldest],
        "waiting_refreshes": report.refreshes,
        "coverage": coverage_rows(report.coverage),
        "failing_files": report.failing,
        "quarantined_records": report.quarantined,
        "refused_by_crms": report.refused_by_crms,
        "is_something_erased": report.is_something_erased,
        "not_collected": [
            {"what": what, "found_in": place, "reason": Reason.NOT_COLLECTED.value}
            for what, place in NOT_COLLECTED.items()
        ],
    }


def _fields(row: object) -> dict[str, object]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}  # type: ignore[attr-defined]


def show(report: StatusReport) -> None:
    """Tables, then sentences about what needs somebody."""
    from zcc_pipeline.cli.completeness_table import show_by_day, show_by_kind
    from zcc_pipeline.cli.coverage_table import show_coverage_by_day

    if report.first is None:
        say("Nothing has been read yet. Start with `zcc pull --from yesterday`, or `zcc run` for the whole way.")
        return
    days = {max(line.day, report.first) for line in report.lines}
    say(f"{report.first} to {report.last}, engagements by the day they started")
    if report.verified_at:
        say(f"last checked {_span(report.verified_at.values())}")
    say()
    if len(days) > FEW_DAYS:
        show_by_day(report.lines)
        say()
    show_by_kind(report.lines, since=report.first if 1 < len(days) <= FEW_DAYS else None)
    if any(line.is_subscribed for line in report.coverage):
        heading("Pushed events against what polling found")
        say()
        show_coverage_by_day(report.coverage)
    sentences = list(_sentences(report))
    if sentences:
        heading("To know")
        for sentence in sentences:
            paragraph(f"- {sentence}", indent="  ")
    say()
    say(
        "Something needs you: see above."
        if report.needs_attention
        else "Nothing failed, nothing overdue, nothing unexplained."
    )


def _span(moments: Collection[datetime]) -> str:
    """The longest ago and the newest, to the minute."""
    ends = dict.fromkeys(f"{moment:%Y-%m-%d %H:%M}" for moment in (min(moments), max(moments)))
    return f"{' to '.join(ends)} UTC"


def _sentences(report: StatusReport) -> Iterator[str]:
    yield from _trouble(report)
    for dataset, rows in groupby(report.unread, key=lambda row: row.dataset):
        yield from _unread_sentences(dataset, list(rows))
    if report.not_verified:
        problems = "; ".join(sorted(set(report.not_verified.values())))
        yield f"Late closers not verified on {counted(len(report.not_verified), 'day')} ({problems})."
    yield from _about_files(report)
    yield from _refreshes(report.refreshes)
    if report.failed_differences:
        count = counted(report.failed_differences, "difference")
        yield f"{count} between push and poll could not be healed; `zcc reconcile` names them and tries again."
    if report.quarantined:
        yield f"Held in quarantine: {counted(report.quarantined, 'record')}."
    if report.refused_by_crms:
        yield f"Refused by a CRM: {counted(report.refused_by_crms, 'engagement')}; `zcc quarantine list` says why."
    if report.is_something_erased:
        yield "What was erased is in none of these figures; `zcc archive retention` says how many engagements were."
    yield f"Offered by Zoom and not collected: {', '.join(NOT_COLLECTED)}."


def _trouble(report: StatusReport) -> Iterator[str]:
    from zcc_pipeline.cli.completeness_table import KIND_WORDS, TROUBLE

    for day, lines in groupby(report.lines, key=lambda line: line.day):
        of_day = list(lines)
        for status_ in TROUBLE:
            found = [
                f"{KIND_WORDS[line.kind]} {line.by_status[status_]:,}" for line in of_day if line.by_status[status_]
            ]
            if found:
                yield f"{day}, {status_.value}: {', '.join(found)}."
    if report.count(Status.UNEXPLAINED) or report.count(Status.FAILED):
        yield f"Which ones: {WHICH_ONES}"
    for (day, kind), count in sorted(report.overdue.items()):
        again = f"`zcc run --from {day} --to {day}` looks again"
        yield f"{day}, overdue: {KIND_WORDS[kind]} {count:,}; {again}."


def _about_files(report: StatusReport) -> Iterator[str]:
    from zcc_pipeline.cli.completeness_table import KIND_WORDS

    for oldest in report.oldest:
        if oldest.is_alarming or oldest.age_days > 0:
            urgency, age = "ALARM: " if oldest.is_alarming else "", counted(oldest.age_days, "day")
            yield (
                f"{urgency}of {KIND_WORDS[oldest.kind]} not stored yet ({oldest.files:,}), the one deleted first is "
                f"{age} old; the source deletes it after {oldest.limit_days}."
            )
    for failing in report.failing:
        again = f", next try {failing.next_try_at:%Y-%m-%d %H:%M} UTC" if failing.next_try_at else ""
        yield f"Not fetched: {KIND_WORDS[failing.kind]} {failing.files:,} ({failing.evidence}){again}."


def _refreshes(refreshes: WaitingRefreshes) -> Iterator[str]:
    if refreshes.oldest_at is not None:
        since = f"the first since {refreshes.oldest_at:%Y-%m-%d %H:%M} UTC"
        yield f"To be read again after an event: {counted(refreshes.engagements, 'engagement')}, {since}."
    if refreshes.given_up:
        yield f"Not found after an event, left to the nightly poll: {counted(refreshes.given_up, 'engagement')}."


def _unread_sentences(dataset: str, rows: list[Unread]) -> Iterator[str]:
    for (problem, is_overdue), group in groupby(rows, key=lambda row: (row.problem, row.is_overdue)):
        days = [row.day for row in group]
        span = str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]} ({counted(len(days), 'day')})"
        late = "overdue" if is_overdue else "not due yet"
        yield f"{dataset}, {span}: {problem} ({late})."
