"""Building the warehouse from the lake: dbt in a process of its own, under the lock."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.warehouse.bookkeeping import close_build, open_build
from zcc_pipeline.warehouse.config import WarehouseConfig
from zcc_pipeline.warehouse.dbt import DbtProcess
from zcc_pipeline.warehouse.findings import read_findings
from zcc_pipeline.warehouse.lock import warehouse_lock
from zcc_pipeline.warehouse.project import plain, project_dir, project_version

_SHOWN_FAILURES = 10


@dataclass(frozen=True, slots=True)
class NodeResult:
    """One model or test. ``status`` is dbt's word: success, error, pass, warn, fail, skipped. ``rows`` is a model's
    size afterwards.
    """

    unique_id: str
    resource_type: str
    status: str
    seconds: float
    rows: int | None
    message: str

    @property
    def name(self) -> str:
        """The name people know it by."""
        return self.unique_id.split(".")[2]


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build did."""

    nodes: tuple[NodeResult, ...]
    seconds: float
    files_loaded: int
    days_touched: tuple[str, ...]
    engagements_touched: int
    full_refresh: bool

    @property
    def failed_tests(self) -> tuple[NodeResult, ...]:
        """Tests of severity error that failed."""
        return tuple(node for node in self.nodes if node.resource_type != "model" and node.status in {"fail", "error"})

    @property
    def warned_tests(self) -> tuple[NodeResult, ...]:
        """Tests of severity warn that failed."""
        return tuple(node for node in self.nodes if node.status == "warn")


def run_build(
    config: WarehouseConfig,
    *,
    clock: Clock,
    lock_wait_seconds: float,
    full_refresh: bool,
    select: str | None,
    verified_days: Mapping[date, datetime],
    ahead: DbtProcess | None = None,
) -> BuildResult:
    """Load new lake files, rebuild what they change, test it: by the process started ``ahead``, where it is of use."""
    started = clock.monotonic()
    directory = project_dir()
    version = project_version(directory)
    with warehouse_lock(config.warehouse_path, purpose="build", clock=clock, wait_seconds=lock_wait_seconds) as lock:
        build = open_build(
            config,
            version=version,
            full_refresh=full_refresh,
            now=clock.now(),
            verified_days=verified_days,
        )
        # unit tests test the models, not the data
        arguments = ["build", "--exclude-resource-type=unit_test", "--no-write-json"]
        if build.full_refresh:
            arguments.append("--full-refresh")
        if select:
            arguments += ["--select", select]
        is_of_use = ahead is not None and ahead.is_ready_for(version)
        with closing(ahead if ahead is not None and is_of_use else DbtProcess(config, directory)) as dbt:
            outcome = dbt.run(arguments, inherit=(lock,))
        is_complete = outcome["success"] or all(
            node["resource_type"] != "model" or node["status"] == "success" for node in outcome["nodes"]
        )
        facts = close_build(
            config, build, is_complete=is_complete and bool(outcome["nodes"]) and build.full_refresh and not select
        )
        found = read_findings(config, outcome["nodes"])
    _raise_broken(outcome)
    nodes = tuple(
        NodeResult(
            unique_id=node["unique_id"],
            resource_type=node["resource_type"],
            status=node["status"],
            seconds=node["seconds"],
            rows=facts.rows.get(node["unique_id"].split(".")[2]) if node["resource_type"] == "model" else None,
            message=_message(node, found.get(node["unique_id"])),
        )
        for node in outcome["nodes"]
    )
    return BuildResult(
        nodes=nodes,
        seconds=clock.monotonic() - started,
        files_loaded=facts.files_loaded,
        days_touched=facts.days_touched,
        engagements_touched=facts.engagements_touched,
        full_refresh=build.full_refresh,
    )


def _message(node: dict[str, Any], found: str | None) -> str:
    if node["status"] in {"success", "pass"}:
        return ""
    said = plain(node["message"])
    return f"{said}: {found}" if found else said


def _raise_broken(outcome: dict[str, Any]) -> None:
    broken = [node for node in outcome["nodes"] if node["resource_type"] == "model" and node["status"] == "error"]
    if broken:
        shown = "; ".join(
            f"{node['unique_id'].split('.')[2]}: {plain(node['message'])}" for node in broken[:_SHOWN_FAILURES]
        )
        raise PermanentError(f"{len(broken)} model(s) failed to build: {shown}")
    if not outcome["success"] and not outcome["nodes"]:
        raise PermanentError(f"dbt could not start: {plain(outcome['exception'])}")
