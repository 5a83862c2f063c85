"""``zcc export``: engagements to one CRM, or what would become of them there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zcc_pipeline.cli.demo_home import refuse_to_export
from zcc_pipeline.cli.options import JsonOption, parse_day
from zcc_pipeline.cli.progress import underway, watched
from zcc_pipeline.cli.screen import counted, heading, paragraph, print_json, say, seconds_text, table
from zcc_pipeline.cli.sentences import FAILED
from zcc_pipeline.cli.simulate_crm import Crm

if TYPE_CHECKING:
    from datetime import date

    from zcc_pipeline.exports.destination import PreparedRequest, SetupStep, Usage
    from zcc_pipeline.exports.report import ExportReport
    from zcc_pipeline.pipeline.runtime import Runtime

REFUSED_SHOWN = 20
"""Refused records that are named one by one; all of them are in quarantine and in --json."""

SHORT = 60
"""Characters of what is said about a step that is done."""

CrmArgument = Annotated[
    Crm, typer.Argument(metavar="CRM", help="salesforce, zendesk, servicenow, dynamics or hubspot.", show_default=False)
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Send nothing: say what would be created and updated.")]
SetupOption = Annotated[
    bool, typer.Option("--setup", help="Create what is needed there, and say what an administrator has to do.")
]
ShowOption = Annotated[
    str | None,
    typer.Option(
        "--show", metavar="ENGAGEMENT", help="Send nothing: print the requests for this engagement, with all they say."
    ),
]
FirstOption = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="DAY", help="Only engagements that started on or after this day.", show_default=False
    ),
]
LastOption = Annotated[
    str | None,
    typer.Option("--to", metavar="DAY", help="Only engagements that started up to this day.", show_default=False),
]


def export(
    crm: CrmArgument,
    dry_run: DryRunOption = False,
    setup: SetupOption = False,
    show: ShowOption = None,
    first: FirstOption = None,
    last: LastOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring a CRM up to date: every engagement once, with what was added to it since.

    The ledger knows what has left and as what, so all days are looked at and only what changed is sent; a run that was
    stopped goes on where it was. What the CRM refuses is held with its own words (`zcc quarantine`). Run `zcc build`
    before. docs/crm tells how the mapping file decides what becomes what. Exit code 1 when something was refused or
    could not be written.

    Examples:
        zcc export salesforce --setup
        zcc export salesforce --dry-run
        zcc export salesforce
        zcc export hubspot --from 2026-11-01 --to 2026-11-07
        zcc export zendesk --show AbCdEfGhIjKlMnOpQrSt12
    """
    from zcc_pipeline.settings import load_settings, open_runtime

    if setup and (dry_run or show or first or last):
        raise typer.BadParameter("goes alone; run it before --dry-run.", param_hint="--setup")
    settings = load_settings()
    with watched(as_json=as_json) as progress, open_runtime(settings, progress=progress) as runtime:
        refuse_to_export(settings, runtime.config.exports.get(crm.value))
        if setup:
            _set_up(runtime, crm.value, as_json=as_json)
            return
        days = _days(first, last, today=runtime.today())
        is_done = _export(runtime, crm.value, days, only=show, dry_run=dry_run, as_json=as_json)
    if not is_done:
        raise typer.Exit(FAILED)


def _days(first: str | None, last: str | None, *, today: date) -> tuple[date, date] | None:
    """Both ends, each as far as there are days where it was not given."""
    from datetime import date

    if first is None and last is None:
        return None
    start = parse_day(first, option="--from", today=today) if first else date.min
    end = parse_day(last, option="--to", today=today) if last else date.max
    if start > end:
        raise typer.BadParameter(f"the first day ({start}) is after the last ({end}); swap them?", param_hint="--from")
    return start, end


def _set_up(runtime: Runtime, crm: str, *, as_json: bool) -> None:
    from zcc_pipeline.pipeline.exporting import set_up

    with underway(runtime.progress, f"setting {crm} up"):
        steps = set_up(runtime, crm)
    if as_json:
        print_json({"crm": crm, "steps": steps})
    else:
        show_steps(crm, steps)


def show_steps(crm: str, steps: Sequence[SetupStep]) -> None:
    """What is there, then what somebody has to click."""
    for step in steps:
        if step.is_done:
            said = f": {step.text}" if 0 < len(step.text) <= SHORT else ""  # how it is done matters where it is not
            paragraph(f"done  {step.name}{said}", indent="      ")
    left = [step for step in steps if not step.is_done]
    if not left:
        say(f"Everything is there. Next: zcc export {crm} --dry-run")
        return
    heading("For an administrator")
    for number, step in enumerate(left, 1):
        title, *lines = step.text.splitlines() or [""]
        paragraph(f"{number}. {step.name}: {title}", indent="   ")
        for line in lines:
            paragraph(f"   {line}", indent="   ")
    say()
    say(f"Then: zcc doctor, and zcc export {crm} --dry-run")


def _export(
    runtime: Runtime, crm: str, days: tuple[date, date] | None, *, only: str | None, dry_run: bool, as_json: bool
) -> bool:
    from zcc_pipeline.pipeline.exporting import export as export_to

    report = export_to(runtime, crm, dry_run=dry_run or only is not None, days=days, only=only)
    if as_json:
        print_json(as_document(report))
    elif only is not None:
        show_requests(report)
    else:
        show_report(report)
    return report.is_complete and not report.codes


def as_document(report: ExportReport) -> dict[str, Any]:
    """The report for scripts; keys as the outcomes are called."""
    from zcc_pipeline.exports.outcomes import Status

    return {
        "crm": report.crm,
        "is_dry_run": report.is_dry_run,
        "outcomes": {status.value: report.counts[status] for status in Status},
        "not_due": report.not_due,
        "erased": report.erased,
        "refused_by_code": dict(report.codes),
        "refused": report.refused,
        "days": report.days,
        "usage": report.usage,
        "stopped": report.stopped or None,
        "is_complete": report.is_complete,
        "requests_for": report.preview_of,
        "requests": report.preview,
    }


def show_report(report: ExportReport) -> None:
    """The table of outcomes, what was refused, and what it cost."""
    rows = [(name, count, meaning) for name, count, meaning in _outcomes(report) if count]
    if rows:
        table(("outcome", "engagements", ""), rows, numbers=("engagements",), fold="")
    else:
        say("Nothing is there to be exported. `zcc build` makes what leaves.")
    if report.refused:
        _show_refused(report)
    say()
    _say_usage(report.usage)
    if report.stopped:
        paragraph(f"Stopped before everything was offered: {report.stopped}. Run the same command again to go on.")
    if report.is_dry_run:
        if report.preview:
            show_requests(report)
            say()
        say("Nothing was sent. Without --dry-run it is.")


def _outcomes(report: ExportReport) -> Iterator[tuple[str, int, str]]:
    from zcc_pipeline.exports.outcomes import Status

    counts = report.counts
    would = "would be " if report.is_dry_run else ""
    yield f"{would}created", counts[Status.CREATED], ""
    yield f"{would}updated", counts[Status.UPDATED], ""
    yield "unchanged", counts[Status.UNCHANGED], "the CRM would see nothing new"
    yield "skipped", counts[Status.SKIPPED], "by the mapping, or another program logs them"
    yield "quarantined", counts[Status.FAILED_PERMANENT], "refused as they are: `zcc quarantine list`"
    yield "failed", counts[Status.FAILED_RETRYABLE], "certainly not written; the next run sends them"
    yield "unknown", counts[Status.UNKNOWN], "no answer came; the next run looks them up first"
    yield "erased", report.erased, "left out; what the CRM has of them is for you to delete there"
    yield "not due", report.not_due, "not ended, settled or complete yet (export_when)"


def _show_refused(report: ExportReport) -> None:
    heading("Refused")
    rows = [(one.engagement_id, str(one.day), one.code, one.words) for one in report.refused[:REFUSED_SHOWN]]
    table(("engagement", "day", "code", "why"), rows, fold="why")
    more = report.codes.total() - len(rows)
    if more > 0:
        sums = ", ".join(f"{count:,} {code}" for code, count in report.codes.most_common())
        say()
        paragraph(f"And {more:,} more. By code: {sums}.")


def _say_usage(usage: Usage) -> None:
    quota = ""
    if usage.quota_used is not None and usage.quota_total is not None:
        quota = f", {usage.quota_used:,} of the {usage.quota_total:,} calls of the CRM's quota used"
    elif usage.quota_used is not None:
        quota = f", {usage.quota_used:,} calls of the CRM's quota used"
    waited = f", {seconds_text(usage.waited_seconds)} of waiting" if usage.waited_seconds >= 1 else ""
    say(f"{counted(usage.api_calls, 'API call')}{quota}{waited}.")


def show_requests(report: ExportReport) -> None:
    """What would be sent for one engagement, as it would be sent; credentials are not part of it."""
    if not report.preview:
        said = next((name for name, count, _ in _outcomes(report) if count), "left alone")
        say(f"Nothing would be sent: {said}.")
        for one in report.refused:
            paragraph(f"{one.code}: {one.words}")
        return
    heading(f"What would be sent for engagement {report.preview_of}")
    for request in report.preview:
        _show_request(request)


def _show_request(request: PreparedRequest) -> None:
    say()
    typer.secho(f"{request.method} {request.url}", bold=True)
    for name, value in request.headers.items():
        say(f"{name}: {value}")
    if request.body:
        say()
        say(_pretty(request.body))


def _pretty(body: str) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except ValueError:
        return body
