"""``zcc demo``: the stand-in and the whole pipeline on loopback, then a summary worth reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from zcc_pipeline.cli.demo_archive import verifying_altered_copy
from zcc_pipeline.cli.demo_events import EVENT_SETTINGS, look_back, push, receiving
from zcc_pipeline.cli.demo_exports import crms_served, export_to_all
from zcc_pipeline.cli.demo_home import TRUTH, DemoAccount, claim, demo_environment
from zcc_pipeline.cli.options import JsonOption
from zcc_pipeline.cli.progress import underway, watched
from zcc_pipeline.cli.run import show_troubles
from zcc_pipeline.cli.screen import print_json, say
from zcc_pipeline.cli.sentences import FAILED
from zcc_pipeline.cli.simulate import Faults, FaultsOption, LoadOption, SeedOption
from zcc_pipeline.cli.standin_process import StandIn, standin_process
from zcc_pipeline.domain.errors import PermanentError

if TYPE_CHECKING:
    from zcc_pipeline.pipeline.runtime import Runtime


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
    zoom = standin_process(_standin_options(account, last, faults, settings.home / TRUTH))
    with zoom as standin, crms_served(settings.home) as crms:
        environment = demo_environment(settings, account, {**standin.environment, **EVENT_SETTINGS})
        is_good = _run_and_report(environment, standin, crms, account, first, today, as_json=as_json)
        if ui:
            _leave_ui_open(settings.home, environment | crms.environment)
    if not is_good:
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


def _run_and_report(
    environment: Mapping[str, str],
    standin: StandIn,
    crms: StandIn,
    account: DemoAccount,
    first: date,
    today: date,
    *,
    as_json: bool,
) -> bool:
    """Days up to and with today: conversations that were open for weeks may have ended this morning.

    The CRMs are not known to the graph's run: they are filled side by side afterwards, which takes a fifth of the time.
    """
    from zcc_pipeline.cli.demo_report import make_report, report_document, show_report
    from zcc_pipeline.domain.window import day_window
    from zcc_pipeline.settings import load_settings, open_runtime

    settings = load_settings(environment)
    with watched(as_json=as_json) as progress:
        with underway(progress, "getting ready"):
            from zcc_pipeline.orchestration.run import run_range
        with open_runtime(settings) as runtime:
            listed = runtime.state.windows.complete_days("zoom/engagements", account.first, today)
            analytics, first_to_run = runtime.config.warehouse.analytics_path, _first_to_run(account, first, listed)
            since = day_window(first_to_run, runtime.config.timezone).start
            with (
                underway(progress, "receiving what is pushed"),
                _reading_models(runtime),
                receiving(runtime.config, runtime.clock) as listening,
            ):
                push(standin.control_url, listening, since, runtime.clock.now())
        with underway(progress, "the whole graph"):
            summary = run_range(first_to_run, today, settings=settings, progress=progress)
        if not analytics.is_file():
            show_troubles(summary)
            raise PermanentError(f"nothing was published to {analytics}, so there is nothing to show")
        with underway(progress, "comparing with what is true"), open_runtime(settings) as runtime:
            reconciled = look_back(runtime, standin.control_url, [*_days(first_to_run, today), today])
        with (
            open_runtime(load_settings({**environment, **crms.environment})) as runtime,
            verifying_altered_copy(runtime, environment) as verifying,
        ):
            with underway(progress, "out to five CRMs"):
                arrived = export_to_all(runtime, crms.control_urls)
            with underway(progress, "looking for the altered byte"):
                proved = None if verifying is None else verifying.proved()
            truth = settings.home / TRUTH
            report = make_report(runtime, summary, reconciled, arrived, proved, truth=truth, last=today)
    if as_json:
        print_json(report_document(report))
    else:
        show_report(report)
    return report.is_good


@contextmanager
def _reading_models(runtime: Runtime) -> Iterator[None]:
    """Let dbt read its project beside what is done here; in a new home that takes it some seconds."""
    with ThreadPoolExecutor(1) as thread:
        reading = thread.submit(runtime.warehouse.manifest_path)
        yield
        reading.result()


def _first_to_run(account: DemoAccount, wanted: date, listed: Mapping[date, object]) -> date:
    """The first day wanted, or an earlier one that the account has and no demo has read yet."""
    unread = [day for day in _days(account.first, wanted) if day not in listed]
    return min([wanted, *unread])


def _days(first: date, last: date) -> Sequence[date]:
    return [first + timedelta(days=number) for number in range((last - first).days)]


def _leave_ui_open(home: Path, environment: Mapping[str, str]) -> None:
    from zcc_pipeline.cli.dagster_ui import serve_ui

    serve_ui(home, environment)
