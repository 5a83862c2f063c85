"""One run of the whole graph for a range of days, in this process: what ``zcc run`` and ``zcc demo`` call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from zcc_pipeline.domain.clock import Clock, SystemClock
from zcc_pipeline.domain.ports import Progress
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.orchestration.assets.exports import EXPORTS
from zcc_pipeline.orchestration.assets.raw import ALL
from zcc_pipeline.orchestration.build import build_defs
from zcc_pipeline.orchestration.instance import ensure_dagster_home
from zcc_pipeline.orchestration.jobs import EVERYTHING
from zcc_pipeline.orchestration.metadata import COUNTS, COUNTS_OF_SOME, PROBLEMS, label_of
from zcc_pipeline.orchestration.partitions import FIRST_DAY, range_tags
from zcc_pipeline.orchestration.run_cleanup import clear_dead_runs, worker_tags
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.settings import Settings, configured_crms, load_settings, open_runtime, warehouse_config
from zcc_pipeline.warehouse import Warehouse

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True, slots=True)
class StepSummary:
    """One step: how long it took, and what it said if it failed."""

    name: str
    seconds: float
    is_success: bool
    message: str = ""


@dataclass(frozen=True, slots=True)
class CheckSummary:
    """One check that did not pass."""

    asset: str
    name: str
    is_error: bool
    message: str


@dataclass(frozen=True, slots=True)
class DatasetSummary:
    """What became of one raw asset, all days of the run together."""

    dataset: str
    new: int
    changed: int
    unchanged: int
    deleted: int
    suppressed: int
    """Came for engagements that were erased, and did not land."""
    failed: int
    api_calls: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What became of the engagements in one CRM."""

    crm: str
    outcomes: dict[str, int]
    """Engagements by outcome, as ``exports.outcomes.Status`` names them."""
    api_calls: int
    stopped: str


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What one run did; details are in Dagster under ``run_id``."""

    run_id: str
    is_success: bool
    seconds: float
    steps: tuple[StepSummary, ...]
    datasets: tuple[DatasetSummary, ...]
    exports: tuple[ExportSummary, ...]
    failed_checks: tuple[CheckSummary, ...]
    cleared_runs: tuple[str, ...]
    """Dead runs that were cleared before this one started."""

    @property
    def failed_steps(self) -> tuple[StepSummary, ...]:
        """Steps that failed, with their messages."""
        return tuple(step for step in self.steps if not step.is_success)


def run_range(
    first: date,
    last: date,
    *,
    home: Path | None = None,
    settings: Settings | None = None,
    clock: Clock | None = None,
    progress: Progress | None = None,
    on_published: Callable[[], None] | None = None,
) -> RunSummary:
    """Run every asset and check for those days, both included; a failed step is in the summary, not raised.

    Dagster's records go to ``<home>/dagster`` (``ZCC_HOME`` by default). ``on_published`` is called when the analysts'
    copy is swapped in, while the run goes on to what comes after. Raises ``ConfigurationError`` where settings
    are wrong, and ``KeyboardInterrupt`` where it was told to stop: the step it was in has ended, and nothing follows.
    """
    settings, clock = settings or load_settings(), clock or SystemClock()
    started = clock.monotonic()

    def open_for_run() -> Runtime:
        runtime = open_runtime(settings, clock=clock, progress=progress)
        runtime.waits_for_quota = True  # whoever started this has the time; runs of schedules would block each other
        runtime.warehouse.get_ready()  # a build ends the run: dbt starts beside what is read until then
        return runtime

    defs = build_defs(
        open_runtime=open_for_run,
        timezone=settings.timezone,
        first_day=min(settings.start_date or FIRST_DAY, first),
        manifest=Warehouse(warehouse_config(settings)).manifest_path(),
        crms=configured_crms(settings),
        on_published=on_published,
    )
    state_url = settings.state_url.get_secret_value() if settings.state_url else None
    with ensure_dagster_home(home or settings.home, state_url=state_url) as instance:
        cleared = clear_dead_runs(instance)
        result = defs.resolve_job_def(EVERYTHING).execute_in_process(
            run_config=_QUIET,
            instance=instance,
            tags={**range_tags(first, last), **worker_tags()},
            raise_on_error=False,
        )
        if was_stopped(result):
            raise KeyboardInterrupt
        return RunSummary(
            run_id=result.run_id,
            is_success=result.success,
            seconds=clock.monotonic() - started,
            steps=tuple(_steps(instance, result)),
            datasets=tuple(summarise_datasets(result)),
            exports=tuple(_exports(result)),
            failed_checks=tuple(_failed_checks(result)),
            cleared_runs=tuple(cleared),
        )


def was_stopped(result: dg.ExecuteInProcessResult) -> bool:
    """Whether Ctrl-C or SIGTERM ended it: Dagster makes the failure of a step of it."""
    errors = [event.step_failure_data.error for event in result.all_events if event.is_step_failure]
    return any(error is not None and error.cls_name == dg.DagsterExecutionInterruptedError.__name__ for error in errors)


def _steps(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> list[StepSummary]:
    """Steps in the order they ended; a step that was not reached because of another is not among them."""
    times = {stats.step_key: stats for stats in instance.get_run_step_stats(result.run_id)}
    found = []
    for event in result.all_events:
        if event.is_step_success or event.is_step_failure:
            stats = times[str(event.step_key)]
            seconds = (stats.end_time or 0.0) - (stats.start_time or 0.0)
            message = _message(event) if event.is_step_failure else ""
            found.append(StepSummary(str(event.step_key), round(seconds, 3), event.is_step_success, message))
    return found


def summarise_datasets(result: dg.ExecuteInProcessResult) -> list[DatasetSummary]:
    """Counts of the raw assets in the order of work, from what their materialisations say."""
    numbers: dict[str, Counter[str]] = {}
    problems: dict[str, list[str]] = {}
    for event in result.all_events:
        if not event.is_step_materialization:
            continue
        materialization = event.step_materialization_data.materialization
        name = materialization.asset_key.to_user_string()
        if name not in ALL:
            continue
        counts = numbers.setdefault(name, Counter())
        for column in (*COUNTS, *COUNTS_OF_SOME):
            found = materialization.metadata.get(label_of(column))
            if isinstance(found, dg.IntMetadataValue):
                counts[column] += found.value or 0
        said = materialization.metadata.get(PROBLEMS)
        if isinstance(said, dg.JsonMetadataValue):
            problems.setdefault(name, []).extend(str(problem) for problem in said.value or [])
    return [
        DatasetSummary(
            dataset=name,
            new=counts["new"],
            changed=counts["changed"],
            unchanged=counts["unchanged"],
            deleted=counts["deleted"],
            suppressed=counts["suppressed"],
            failed=counts["failed"],
            api_calls=counts["api_calls"],
            problems=tuple(problems.get(name, [])),
        )
        for name, counts in numbers.items()
    ]


def _exports(result: dg.ExecuteInProcessResult) -> list[ExportSummary]:
    found = []
    for event in result.all_events:
        if not event.is_step_materialization:
            continue
        materialization = event.step_materialization_data.materialization
        if materialization.asset_key.path[0] == EXPORTS and materialization.metadata:
            said = {name: value.value for name, value in materialization.metadata.items()}
            outcomes = {status.value: _number(said.get(status.value.replace("_", " "))) for status in Status}
            crm, stopped = materialization.asset_key.path[-1], str(said.get("stopped", ""))
            found.append(ExportSummary(crm, outcomes, _number(said.get("API calls")), stopped))
    return found


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _message(event: dg.DagsterEvent) -> str:
    failure: Any = event.step_failure_data
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return str(failure.user_failure_data.description)
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error is not None else ""


def _failed_checks(result: dg.ExecuteInProcessResult) -> list[CheckSummary]:
    return [
        CheckSummary(
            asset=found.asset_key.to_user_string(),
            name=found.check_name,
            is_error=found.severity is dg.AssetCheckSeverity.ERROR,
            message=found.description or "",
        )
        for found in result.get_asset_check_evaluations()
        if not found.passed
    ]
