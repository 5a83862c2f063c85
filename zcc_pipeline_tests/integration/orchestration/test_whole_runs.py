"""Whole runs against the stand-in: nothing new the second time, one dataset's trouble, a killed process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from zcc_pipeline.orchestration.instance import ensure_dagster_home
from zcc_pipeline.orchestration.run import RunSummary, run_range
from zcc_pipeline.simulator.zoom.operations import all_scopes
from zcc_pipeline_tests.parsed_project import give_parsed_project
from zcc_pipeline_tests.story import Story, story

pytestmark = pytest.mark.integration


def run_all_days(told: Story) -> RunSummary:
    return run_range(told.days[0], told.days[-1], settings=told.settings, clock=told.clock)


def lake_and_files(home: Path) -> set[str]:
    return {
        str(path.relative_to(home))
        for folder in ("lake", "files")
        for path in (home / folder).rglob("*")
        if path.is_file()
    }


def numbers_of(home: Path, run_id: str, name: str) -> int:
    """Sum of one number over all materialisations of a run."""
    with ensure_dagster_home(home) as instance:
        logs = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        found = [entry.asset_materialization.metadata.get(name) for entry in logs if entry.asset_materialization]
    return sum(int(value.value) for value in found if value is not None)  # type: ignore[call-overload]


def personal_data_in_records(home: Path, run_id: str) -> list[str]:
    """What customers are called, reached under and said that Dagster's own records of a run repeat."""
    with ensure_dagster_home(home) as instance:
        records = json.dumps([str(entry) for entry in instance.all_logs(run_id)], ensure_ascii=False)
    with duckdb.connect(str(home / "analytics.duckdb"), read_only=True) as marts:
        rows = marts.execute(
            "select distinct unnest([consumer_name, consumer_phone, consumer_email]) from engagements "
            "union select distinct note from engagement_notes"
        ).fetchall()
    secrets = [text.strip() for (text,) in rows if text and len(text.strip()) >= 5]
    assert len(secrets) > 50
    return [text for text in secrets if text in records]


@pytest.mark.slow
def test_a_dataset_that_may_not_be_read_fails_the_run_by_name_and_the_rest_is_published(tmp_path: Path) -> None:
    scopes = frozenset(scope for scope in all_scopes() if "voice_call" not in scope)
    with story(tmp_path / "home", days=1, per_day=30, scopes=scopes) as told:
        summary = run_all_days(told)
        assert not summary.is_success
        (failed,) = summary.failed_steps
        assert failed.name == "read_to_the_end"
        assert f"zoom/voice_calls {told.days[0]}" in failed.message
        assert ("zoom/voice_calls", "read_to_the_end") in {(check.asset, check.name) for check in summary.failed_checks}
        assert ("zoom/engagements", "read_to_the_end") not in {(c.asset, c.name) for c in summary.failed_checks}
        with duckdb.connect(str(told.home / "analytics.duckdb"), read_only=True) as marts:
            (engagements,) = marts.execute("select count(*) from engagements").fetchone() or (0,)
        assert engagements >= 20


KILLED = """
import os, signal, sys
from datetime import date
from zcc_pipeline.domain.ports import Silence
from zcc_pipeline.orchestration.run import run_range

class Deadly(Silence):
    def start(self, task, total):
        if task == "recordings":
            os.kill(os.getpid(), signal.SIGKILL)

run_range(date.fromisoformat(sys.argv[1]), date.fromisoformat(sys.argv[2]), progress=Deadly())
"""


def bare_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}


@pytest.mark.slow
def test_steps_may_run_in_processes_of_their_own(tmp_path: Path) -> None:
    home = tmp_path / "home"
    give_parsed_project(home)
    ensure_dagster_home(home).dispose()
    variables = {"ZCC_HOME": str(home), "DAGSTER_HOME": str(home / "dagster"), "ZCC_DAGSTER_EXECUTOR": "multiprocess"}
    command = "dagster job execute -m zcc_pipeline.definitions -j build_and_publish"
    done = subprocess.run(
        [sys.executable, "-m", *command.split()],
        env=bare_environment() | variables, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with ensure_dagster_home(home) as instance:
        (run,) = instance.get_runs()
        started = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_WORKER_STARTED)
    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert len(started) >= 2
    assert (home / "analytics.duckdb").is_file()


def kill_in_the_middle(told: Story, first: date, last: date) -> None:
    environment = bare_environment() | told.variables
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(first), str(last)],
        env=environment, cwd=told.home.parent, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.slow
def test_a_killed_run_is_cleared_by_the_next_which_ends_equal_to_the_truth_and_another_lands_nothing(
    tmp_path: Path,
) -> None:
    with story(tmp_path / "home", days=2, per_day=40) as told:
        kill_in_the_middle(told, told.days[0], told.days[-1])
        with ensure_dagster_home(told.home) as instance:
            (killed,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))

        first = run_all_days(told)

        assert first.cleared_runs == (killed.run_id,)
        assert first.is_success, first.failed_steps
        with ensure_dagster_home(told.home) as instance:
            assert not instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        assert told.disagreements() == []
        assert personal_data_in_records(told.home, first.run_id) == []
        landed = lake_and_files(told.home)
        assert numbers_of(told.home, first.run_id, "new") > 50

        second = run_all_days(told)
        assert second.is_success, second.failed_steps
        assert numbers_of(told.home, second.run_id, "new") == 0
        assert numbers_of(told.home, second.run_id, "changed") <= 2  # each day's time of proof moves on
        changed = {
            path for path in lake_and_files(told.home) - landed if not path.startswith("lake/zoom/completeness/")
        }
        assert changed == set()
        assert told.disagreements() == []
