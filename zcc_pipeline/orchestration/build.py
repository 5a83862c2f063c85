"""Everything Dagster needs to know, made by one function whose parts tests can replace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import dagster as dg

from zcc_pipeline.orchestration.assets.archive import build_archive_assets, build_archive_checks
from zcc_pipeline.orchestration.assets.archive_verification import (
    build_verification_assets,
    build_verification_checks,
)
from zcc_pipeline.orchestration.assets.coverage import build_coverage_assets
from zcc_pipeline.orchestration.assets.dbt import build_dbt_assets
from zcc_pipeline.orchestration.assets.events import build_event_assets
from zcc_pipeline.orchestration.assets.exports import build_export_assets
from zcc_pipeline.orchestration.assets.publish import build_publish_assets
from zcc_pipeline.orchestration.assets.raw import build_raw_assets
from zcc_pipeline.orchestration.assets.refresh import build_refresh_assets
from zcc_pipeline.orchestration.checks import build_checks
from zcc_pipeline.orchestration.coverage_checks import build_coverage_checks
from zcc_pipeline.orchestration.dbt_project import read_project
from zcc_pipeline.orchestration.event_sensor import build_event_sensor
from zcc_pipeline.orchestration.executors import IN_PROCESS, find_execution
from zcc_pipeline.orchestration.export_checks import build_export_checks
from zcc_pipeline.orchestration.jobs import build_jobs
from zcc_pipeline.orchestration.partitions import FIRST_DAY, build_partitions
from zcc_pipeline.orchestration.resources import OpenRuntime, build_runtime_resource
from zcc_pipeline.orchestration.schedules import build_schedules
from zcc_pipeline.orchestration.sensors import build_sensors
from zcc_pipeline.settings import configured_crms, load_settings, open_runtime


def build_defs(
    *,
    open_runtime: OpenRuntime = open_runtime,
    timezone: str | None = None,
    first_day: date | None = None,
    manifest: Path | None = None,
    crms: Sequence[str] = (),
    executor: str = IN_PROCESS,
    on_published: Callable[[], None] | None = None,
) -> dg.Definitions:
    """Assets, checks, jobs, schedules and sensors.

    ``open_runtime`` is called when a run starts. ``timezone`` and ``first_day`` decide what the partitions are, and
    ``crms`` where engagements are exported to; they and the ``executor`` follow the settings where no ``timezone`` is
    given. So does dbt's ``manifest`` unless given. ``on_published`` is called when the analysts' copy is swapped in, by
    the process that does it.
    """
    if timezone is None:
        settings = load_settings()
        timezone, first_day, crms = settings.timezone, settings.start_date, configured_crms(settings)
        executor = settings.dagster_executor
    execution = find_execution(executor)
    partitions = build_partitions(timezone, first_day)
    project = read_project(manifest or _manifest(open_runtime))
    dbt_assets = build_dbt_assets(project)
    return dg.Definitions(
        assets=[
            *build_event_assets(),
            *build_raw_assets(partitions),
            *build_refresh_assets(),
            *build_coverage_assets(),
            *dbt_assets,
            *build_publish_assets(project, on_published),
            *build_export_assets(project, crms),
            *build_archive_assets(),
            *build_verification_assets(),
        ],
        asset_checks=[
            *build_checks(),
            *build_coverage_checks(),
            *build_export_checks(crms),
            *build_archive_checks(),
            *build_verification_checks(),
        ],
        jobs=build_jobs(dbt_assets, crms),
        schedules=build_schedules(timezone, open_runtime, first_day=first_day or FIRST_DAY),
        sensors=[*build_sensors(), build_event_sensor(open_runtime, tells_at_once=execution.tells_at_once)],
        resources={"runtime": build_runtime_resource(open_runtime, execution.tags)},
        executor=execution.executor,
    )


def _manifest(open_runtime: OpenRuntime) -> Path:
    with open_runtime() as runtime:
        return runtime.warehouse.manifest_path()
