"""The demo's run: what does not need what comes before it goes on beside it, in processes of their own.

dbt reads its project while events are received, the CRMs are filled while the archive is written, and the altered copy
of the archive is verified while the report is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from zcc_pipeline.cli.demo_archive import verifying_altered_copy
from zcc_pipeline.cli.demo_events import EVENT_SETTINGS, look_back, push, receiving
from zcc_pipeline.cli.demo_exports import exporting
from zcc_pipeline.cli.demo_home import TRUTH, DemoAccount, demo_environment
from zcc_pipeline.cli.progress import underway, watched
from zcc_pipeline.cli.run import show_troubles
from zcc_pipeline.cli.standin_process import StandInProcess
from zcc_pipeline.domain.errors import PermanentError

if TYPE_CHECKING:
    from zcc_pipeline.cli.demo_report import DemoReport
    from zcc_pipeline.domain.ports import Progress
    from zcc_pipeline.settings import Settings

_OUT = "out to five CRMs"


@dataclass(frozen=True)
class Served:
    """An account and what serves it."""

    surroundings: Settings
    """As they are outside the demo."""
    account: DemoAccount
    zoom: StandInProcess
    crms: StandInProcess

    @cached_property
    def environment(self) -> dict[str, str]:
        """Every setting; waits until Zoom's stand-in is ready. The CRMs are none of them."""
        return demo_environment(self.surroundings, self.account, self.zoom.served().environment | EVENT_SETTINGS)


def run_demo(served: Served, first: date, today: date, until_shown: ExitStack, *, as_json: bool) -> DemoReport:
    """Days up to and with today: conversations that were open for weeks may have ended this morning.

    What has to be there until the report is shown goes onto ``until_shown``.
    """
    with watched(as_json=as_json) as progress:
        with _models_read(served, progress):
            with underway(progress, "getting ready"):
                from zcc_pipeline.cli.demo_report import make_report
                from zcc_pipeline.orchestration.run import run_range
                from zcc_pipeline.settings import load_settings, open_runtime, warehouse_config

                settings = load_settings(served.environment)
            first = _receive(served, settings, first, today, progress)
        crms = served.crms.served()
        export = until_shown.enter_context(exporting())

        def begin_export() -> None:
            progress.start(_OUT, None)
            export.begin(served.environment, crms)

        with underway(progress, "the whole graph"):
            summary = run_range(first, today, settings=settings, progress=progress, on_published=begin_export)
        analytics = warehouse_config(settings).analytics_path
        if not analytics.is_file():
            show_troubles(summary)
            raise PermanentError(f"nothing was published to {analytics}, so there is nothing to show")
        with open_runtime(settings) as runtime:
            with underway(progress, "altering one byte in a copy of the archive"):
                verifying = until_shown.enter_context(verifying_altered_copy(runtime, served.environment))
            with underway(progress, "comparing with what is true"):
                control_url = served.zoom.served().control_url
                reconciled = look_back(runtime, control_url, [*_days(first, today), today])
            export.begin(served.environment, crms)  # what an earlier demo published, where this one came to nothing new
            arrived = export.arrived()
            progress.finish(_OUT)
            with underway(progress, "looking for the altered byte"):
                truth = settings.home / TRUTH
                return make_report(runtime, summary, reconciled, arrived, verifying, truth=truth, last=today)


@contextmanager
def _models_read(served: Served, progress: Progress) -> Iterator[None]:
    """Let dbt read its project beside what is done in the block, and wait for it; a new home takes it some seconds."""
    from zcc_pipeline.settings import load_settings, warehouse_config
    from zcc_pipeline.warehouse import Warehouse

    settings = load_settings(demo_environment(served.surroundings, served.account, {}))
    with ThreadPoolExecutor(1) as thread:
        reading: Future[Path] = thread.submit(Warehouse(warehouse_config(settings)).manifest_path)
        yield
        with underway(progress, "reading the models"):
            reading.result()


def _receive(served: Served, settings: Settings, first: date, today: date, progress: Progress) -> date:
    """Let everything be pushed that happened since the first day that is not read yet; returns that day."""
    from zcc_pipeline.domain.window import day_window
    from zcc_pipeline.settings import open_runtime

    with open_runtime(settings) as runtime:
        listed = runtime.state.windows.complete_days("zoom/engagements", served.account.first, today)
        first = _first_to_run(served.account, first, listed)
        since = day_window(first, runtime.config.timezone).start
        with (
            underway(progress, "receiving what is pushed"),
            receiving(runtime.config, runtime.clock) as listening,
        ):
            push(served.zoom.served().control_url, listening, since, runtime.clock.now())
    return first


def _first_to_run(account: DemoAccount, wanted: date, listed: Mapping[date, object]) -> date:
    """The first day wanted, or an earlier one that the account has and no demo has read yet."""
    unread = [day for day in _days(account.first, wanted) if day not in listed]
    return min([wanted, *unread])


def _days(first: date, last: date) -> Sequence[date]:
    return [first + timedelta(days=number) for number in range((last - first).days)]
