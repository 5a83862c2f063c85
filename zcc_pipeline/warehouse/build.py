"""Building the warehouse from the lake: dbt in a process of its own, under the lock."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.warehouse.bookkeeping import close_build, open_build
from zcc_pipeline.warehouse.config import WarehouseConfig
from zcc_pipeline.warehouse.lock import warehouse_lock
from zcc_pipeline.warehouse.project import project_dir, project_version, write_profile

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
) -> BuildResult:
    """Load new lake files, rebuild what they change, test it."""
    started = clock.monotonic()
    directory = project_dir()
    with warehouse_lock(config.warehouse_path, purpose="build", clock=clock, wait_seconds=lock_wait_seconds) as lock:
        build = open_build(
            config,
            version=project_version(directory),
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
        outcome = run_dbt(config, directory, arguments, inherit=(lock,))
        is_complete = outcome["success"] or all(
            node["resource_type"] != "model" or node["status"] == "success" for node in outcome["nodes"]
        )
        facts = close_build(
            config, build, is_complete=is_complete and bool(outcome["nodes"]) and build.full_refresh and not select
        )
    _raise_broken(outcome)
    nodes = tuple(
        NodeResult(
            unique_id=node["unique_id"],
            resource_type=node["resource_type"],
            status=node["status"],
            seconds=node["seconds"],
            rows=facts.rows.get(node["unique_id"].split(".")[2]) if node["resource_type"] == "model" else None,
            message=plain(node["message"]) if node["status"] not in {"success", "pass"} else "",
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


def run_dbt(
    config: WarehouseConfig, directory: Path, arguments: list[str], *, inherit: tuple[int, ...] = ()
) -> dict[str, Any]:
    """Run one dbt command in a process of its own; everything it writes goes to the scratch folder."""
    profiles = write_profile(config)
    outcome_path = config.scratch_dir / "outcome.json"
    outcome_path.unlink(missing_ok=True)
    request = {
        "arguments": [
            "--no-use-colors",
            "--quiet",
            "--no-send-anonymous-usage-stats",
            "--log-level-file=warn",
            f"--log-path={config.scratch_dir / 'logs'}",
            *arguments,
            f"--project-dir={directory}",
            f"--profiles-dir={profiles}",
            f"--target-path={config.scratch_dir / 'target'}",
        ],
        "outcome": str(outcome_path),
        "s3": asdict(config.s3) if config.s3 is not None else None,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "zcc_pipeline.warehouse.dbt_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=inherit,
        cwd=config.scratch_dir,
    ) as process:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - asked for above
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        output = process.stdout.read().decode(errors="replace")
        code = process.wait()
    if not outcome_path.is_file():
        raise PermanentError(f"dbt ended with code {code} and no result: {plain(output[-2000:])}")
    outcome: dict[str, Any] = json.loads(outcome_path.read_text())
    return outcome


def _raise_broken(outcome: dict[str, Any]) -> None:
    broken = [node for node in outcome["nodes"] if node["resource_type"] == "model" and node["status"] == "error"]
    if broken:
        shown = "; ".join(
            f"{node['unique_id'].split('.')[2]}: {plain(node['message'])}" for node in broken[:_SHOWN_FAILURES]
        )
        raise PermanentError(f"{len(broken)} model(s) failed to build: {shown}")
    if not outcome["success"] and not outcome["nodes"]:
        raise PermanentError(f"dbt could not start: {plain(outcome['exception'])}")


def plain(message: str) -> str:
    """A message of dbt's as one line without the values that a conversion error quotes: they may be a customer's."""
    text = " ".join(message.split())
    if "Conversion Error" in text or "Invalid Input Error" in text or "Malformed JSON" in text:
        text = re.sub(r"(['\"]).*?\1", "'…'", text)
    return text[:600]
