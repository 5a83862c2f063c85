"""``zcc run``: the whole graph for a range of days, through Dagster, in this process."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from zcc_pipeline.cli.dagster_ui import ui_commands
from zcc_pipeline.cli.demo_home import refuse_to_mix
from zcc_pipeline.cli.options import FromOption, JsonOption, ToOption, parse_days
from zcc_pipeline.cli.progress import underway, watched
from zcc_pipeline.cli.screen import counted, paragraph, print_json, say, seconds_text, table
from zcc_pipeline.cli.sentences import FAILED

if TYPE_CHECKING:
    from zcc_pipeline.orchestration.run import RunSummary


def run(first: FromOption, last: ToOption = "today", as_json: JsonOption = False) -> None:
    """Run the whole graph for those days: read, fetch, prove, build, publish, export to the CRMs in use, archive.

    The same assets, checks and records as when Dagster's schedules run it, in this process and at once. Runs that were
    killed are cleared first. A step that fails is reported; what the others landed stays. Where Zoom's daily quota runs
    out, it waits until the next one begins and goes on.

    Examples:
        zcc run --from yesterday
        zcc run --from 2026-11-01 --to 2026-11-07
    """
    from zcc_pipeline.pipeline.reaching import reach_zoom
    from zcc_pipeline.settings import load_settings, open_runtime

    settings = load_settings()
    refuse_to_mix(settings)
    with open_runtime(settings) as runtime:
        start, end = parse_days(first, last, today=runtime.today())
        reach_zoom(runtime)
    with watched(as_json=as_json) as progress, underway(progress, "the whole graph"):
        from zcc_pipeline.orchestration.run import run_range

        summary = run_range(start, end, home=settings.home, settings=settings, progress=progress)
    if as_json:
        print_json(summary)
    else:
        show(summary, settings.home)
    if not summary.is_success:
        raise typer.Exit(FAILED)


COUNTS = ("new", "changed", "unchanged", "deleted", "suppressed", "failed", "api_calls")
_ONLY_WHERE_ANY = "suppressed"
_HEADINGS = {"suppressed": "erased", "api_calls": "api calls"}


def show(summary: RunSummary, home: Path) -> None:
    """What was done, what failed, and where to look."""
    names = [name for name in COUNTS if name != _ONLY_WHERE_ANY or any(one.suppressed for one in summary.datasets)]
    columns = ("dataset", *(_HEADINGS.get(name, name) for name in names))
    rows = [(one.dataset, *(getattr(one, name) for name in names)) for one in summary.datasets]
    table(columns, rows, numbers=columns[1:])
    say()
    _show_exports(summary)
    show_troubles(summary)
    done = "Done" if summary.is_success else "Failed"
    say(f"{done} in {seconds_text(summary.seconds)}. `zcc status` says what is complete. Look at the run in Dagster:")
    for command in ui_commands(home):
        say(f"  {command}")


def _show_exports(summary: RunSummary) -> None:
    names = {name: None for each in summary.exports for name, count in each.outcomes.items() if count}
    columns = ("exported to", *(name.replace("_", " ") for name in names), "api calls")
    rows = [(each.crm, *(each.outcomes[name] for name in names), each.api_calls) for each in summary.exports]
    if rows:
        table(columns, rows, numbers=columns[1:])
        say()
    for each in summary.exports:
        if each.stopped:
            paragraph(f"{each.crm}: stopped before everything was offered: {each.stopped}. The next run goes on.")


def is_unchanged(summary: RunSummary) -> bool:
    """Whether the source had nothing new in any dataset."""
    return not any(
        one.new or one.changed or one.deleted for one in summary.datasets if one.dataset != "zoom/completeness"
    )


def show_troubles(summary: RunSummary) -> None:
    """Runs cleared, steps and checks that failed."""
    if summary.cleared_runs:
        say(f"Cleared {counted(len(summary.cleared_runs), 'killed run')}.")
    said = set()
    for check in summary.failed_checks:
        paragraph(f"{'failed check' if check.is_error else 'warning'}: {check.asset}, {check.name}: {check.message}")
        said.add(check.name)
    for step in summary.failed_steps:
        if step.name not in said:
            paragraph(f"failed: {step.name}: {step.message}")
