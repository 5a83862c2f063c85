"""``zcc demo``: the stand-in and the whole pipeline on loopback, then a summary worth reading."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from zcc_pipeline.cli.demo_exports import crm_options
from zcc_pipeline.cli.demo_home import TRUTH, DemoAccount, claim
from zcc_pipeline.cli.demo_run import Served, run_demo
from zcc_pipeline.cli.options import JsonOption
from zcc_pipeline.cli.screen import print_json, say
from zcc_pipeline.cli.sentences import FAILED
from zcc_pipeline.cli.simulate import Faults, FaultsOption, LoadOption, SeedOption
from zcc_pipeline.cli.standin_process import standin_starting

if TYPE_CHECKING:
    from zcc_pipeline.cli.demo_report import DemoReport


def demo(
    days: Annotated[int, typer.Option("--days", min=1, max=35, help="Days of data, the last of them yesterday.")] = 3,
    engagements_per_day: LoadOption = 400,
    seed: SeedOption = 7,
    faults: FaultsOption = Faults.NONE,
    ui: Annotated[bool, typer.Option("--ui", help="Leave Dagster's UI open on the result, until Ctrl-C.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the whole pipeline at work on an invented contact centre; needs no Zoom account.

    Serves the stand-in on loopback, runs the production path from its events and its API to analytics.duckdb in
    ZCC_HOME, then shows what is complete and why, which events were lost on the way and how that was noticed, compares
    it row by row with what the account really contains, exports to five CRMs' stand-ins, archives everything and shows
    that one altered byte is found, and answers three questions in SQL. Run it again: nothing changes. A home that holds
    real data is refused.

    Examples:
        zcc demo
        zcc demo --faults harsh
        zcc demo --ui
    """
    from zcc_pipeline.domain.clock import SystemClock
    from zcc_pipeline.domain.window import day_of
    from zcc_pipeline.settings import load_settings

    settings = load_settings()
    today = day_of(SystemClock().now(), ZoneInfo(settings.timezone))
    last = today - timedelta(days=1)
    first = last - timedelta(days=days - 1)
    account = claim(settings.home, DemoAccount(seed, engagements_per_day, settings.timezone, str(first)))
    if not as_json:
        say(f"An invented contact centre, {first} to {last}, about {engagements_per_day:,} engagements a day.")
    with (
        standin_starting(_standin_options(account, last, faults, settings.home / TRUTH)) as zoom,
        standin_starting(crm_options(settings.home)) as crms,
    ):
        served = Served(settings, account, zoom, crms)
        with ExitStack() as until_shown:
            report = run_demo(served, first, today, until_shown, as_json=as_json)
            if not ui:  # they end while the report is shown
                zoom.stop()
                crms.stop()
            _show(report, as_json=as_json)
        if ui:
            _leave_ui_open(settings.home, {**served.environment, **crms.served().environment})
    if not report.is_good:
        raise typer.Exit(FAILED)


def _standin_options(account: DemoAccount, last: date, faults: Faults, truth: Path) -> list[str]:
    """Without rate limits: the demo shows the pipeline, not the patience that Zoom's limits ask for."""
    return [
        f"--port={account.port}",
        f"--days={(last - account.first).days + 1}",
        f"--engagements-per-day={account.engagements_per_day}",
        f"--seed={account.seed}",
        f"--faults={faults.value}",
        "--plan=unlimited",
        f"--truth={truth}",
    ]


def _show(report: DemoReport, *, as_json: bool) -> None:
    from zcc_pipeline.cli.demo_report import report_document, show_report

    if as_json:
        print_json(report_document(report))
    else:
        show_report(report)


def _leave_ui_open(home: Path, environment: Mapping[str, str]) -> None:
    from zcc_pipeline.cli.dagster_ui import serve_ui

    serve_ui(home, environment)
