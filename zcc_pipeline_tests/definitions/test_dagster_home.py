"""Dagster's home, and runs that a killed process left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster._serdes import deserialize_value, serialize_value

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.orchestration.executors import find_execution
from zcc_pipeline.orchestration.instance import ensure_dagster_home
from zcc_pipeline.orchestration.run_cleanup import (
    BOOT_TAG,
    HOST_TAG,
    PID_TAG,
    START_TAG,
    clear_dead_runs,
    is_dead,
    remember_worker,
    worker_tags,
)


@dg.job
def nothing() -> None: ...


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with ensure_dagster_home(tmp_path) as opened:
        yield opened


def dead_process_tags() -> dict[str, str]:
    """Tags of a process that was there a moment ago."""
    code = (
        "from zcc_pipeline.orchestration.run_cleanup import worker_tags; import json; print(json.dumps(worker_tags()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    tags: dict[str, str] = yaml.safe_load(done.stdout)
    return tags


def start_run(instance: dg.DagsterInstance, tags: dict[str, str]) -> dg.DagsterRun:
    return instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED, tags=tags)


def test_the_home_is_quiet_and_watches_its_runs(tmp_path: Path) -> None:
    with ensure_dagster_home(tmp_path) as instance:
        assert not instance.telemetry_enabled
        assert instance.run_monitoring_enabled
        assert not instance.nux_enabled
    written = yaml.safe_load((tmp_path / "dagster" / "dagster.yaml").read_text())
    assert written["telemetry"] == {"enabled": False}


def test_dagster_itself_opens_the_home_by_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ensure_dagster_home(tmp_path) as ours:
        run = start_run(ours, {})
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    with dg.DagsterInstance.get() as theirs:
        assert theirs.get_run_by_id(run.run_id) is not None


def test_an_opened_home_is_not_written_again(tmp_path: Path) -> None:
    ensure_dagster_home(tmp_path).dispose()
    path = tmp_path / "dagster" / "dagster.yaml"
    os.utime(path, (0, 0))
    ensure_dagster_home(tmp_path).dispose()
    assert path.stat().st_mtime == 0


def test_a_dagster_yaml_of_ones_own_stays_as_it_is(tmp_path: Path) -> None:
    ensure_dagster_home(tmp_path).dispose()
    path = tmp_path / "dagster" / "dagster.yaml"
    ours = path.read_text()
    path.write_text(ours + "# one line more\n")
    ensure_dagster_home(tmp_path).dispose()
    assert path.read_text() == ours
    theirs = ours.partition("\n")[2].replace("max_concurrent_runs: 4", "max_concurrent_runs: 2")
    path.write_text(theirs)
    with ensure_dagster_home(tmp_path) as instance:
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 2
    assert path.read_text() == theirs


OPENS = """
import sys, time
from pathlib import Path
from zcc_pipeline.orchestration.instance import ensure_dagster_home
print("ready", flush=True)
sys.stdin.readline()
with ensure_dagster_home(Path(sys.argv[1])) as instance:
    assert instance.get_runs() == []
"""


@pytest.mark.slow
def test_processes_that_open_a_new_home_at_once_all_succeed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPENS, str(tmp_path)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ended = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, ended


def test_a_run_whose_process_is_gone_is_marked_as_failed_and_its_slots_are_free(instance: dg.DagsterInstance) -> None:
    dead, alive = start_run(instance, dead_process_tags()), start_run(instance, worker_tags())
    storage = instance.event_log_storage
    storage.set_concurrency_slots("warehouse", 1)
    assert storage.claim_concurrency_slot("warehouse", dead.run_id, "step").is_claimed
    assert not storage.claim_concurrency_slot("warehouse", alive.run_id, "step").is_claimed

    assert clear_dead_runs(instance) == [dead.run_id]

    found = instance.get_run_by_id(dead.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.FAILURE
    assert storage.claim_concurrency_slot("warehouse", alive.run_id, "step").is_claimed
    assert instance.get_run_by_id(alive.run_id).status is dg.DagsterRunStatus.STARTED  # type: ignore[union-attr]
    assert clear_dead_runs(instance) == []


def test_runs_that_cannot_be_judged_are_left_alone(instance: dg.DagsterInstance) -> None:
    start_run(instance, {})
    start_run(instance, worker_tags() | {HOST_TAG: "another-host", PID_TAG: "1"})
    assert clear_dead_runs(instance) == []


def test_a_process_number_that_was_given_to_another_process_counts_as_dead() -> None:
    assert not is_dead(worker_tags())
    assert is_dead(worker_tags() | {START_TAG: "12345"})


@pytest.mark.skipif(not Path("/proc/sys/kernel/random/boot_id").is_file(), reason="the system has no boot id")
def test_after_a_restart_of_the_machine_its_runs_are_dead() -> None:
    assert is_dead(worker_tags() | {BOOT_TAG: "another boot"})


def test_a_run_that_dagster_started_is_tagged_with_its_process_once(instance: dg.DagsterInstance) -> None:
    run = start_run(instance, {})
    remember_worker(instance, run)
    tagged = instance.get_run_by_id(run.run_id)
    assert tagged is not None
    assert tagged.tags[PID_TAG] == str(os.getpid())
    instance.add_run_tags(run.run_id, {PID_TAG: "77"})
    remember_worker(instance, instance.get_run_by_id(run.run_id))  # type: ignore[arg-type]
    assert instance.get_run_by_id(run.run_id).tags[PID_TAG] == "77"  # type: ignore[union-attr]


def parent_tags() -> dict[str, str]:
    return find_execution("multiprocess").tags()


def test_with_a_process_for_each_step_a_run_falls_with_the_process_that_starts_them() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as steps:
        assert steps.submit(parent_tags).result()[PID_TAG] == str(os.getpid())


def test_runs_of_any_other_executor_are_judged_by_nobody_here(instance: dg.DagsterInstance) -> None:
    tags = find_execution(f"{__name__}:elsewhere").tags()
    start_run(instance, tags)
    assert not is_dead(tags)
    assert clear_dead_runs(instance, now=datetime.now(UTC) + timedelta(days=1)) == []


@dg.executor(name="elsewhere")
def elsewhere(_context: dg.InitExecutorContext) -> dg.Executor:
    raise NotImplementedError


@pytest.mark.parametrize("name", ["no_such_module:executor", f"{__name__}:no_such_name", f"{__name__}:nothing"])
def test_an_executor_that_is_none_is_named_with_its_setting(name: str) -> None:
    with pytest.raises(ConfigurationError, match="ZCC_DAGSTER_EXECUTOR"):
        find_execution(name)


@pytest.mark.integration
def test_dagsters_tables_go_to_postgresql_where_the_ledgers_are(tmp_path: Path, postgres_url: str) -> None:
    with ensure_dagster_home(tmp_path, state_url=postgres_url) as instance:
        run = start_run(instance, {})
    with ensure_dagster_home(tmp_path, state_url=postgres_url) as again:
        assert again.get_run_by_id(run.run_id) is not None
    written = (tmp_path / "dagster" / "dagster.yaml").read_text()
    assert postgres_url not in written
    assert yaml.safe_load(written)["storage"]["custom"]["class"] == "LedgerStorage"


@pytest.mark.integration
def test_dagster_itself_opens_tables_whose_address_is_in_a_mounted_secret(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ensure_dagster_home(tmp_path, state_url=postgres_url) as ours:
        run = start_run(ours, {})
    secret = tmp_path / "state_url"
    secret.write_text(f"{postgres_url}\n")
    monkeypatch.setenv("ZCC_STATE_URL_FILE", str(secret))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))

    with dg.DagsterInstance.get() as theirs:
        assert theirs.get_run_by_id(run.run_id) is not None
        handed_over = serialize_value(theirs.get_ref())
    assert postgres_url not in handed_over
    with dg.DagsterInstance.from_ref(deserialize_value(handed_over, InstanceRef)) as worker:
        assert worker.get_run_by_id(run.run_id) is not None
        assert worker.event_log_storage.get_logs_for_run(run.run_id) is not None

    secret.write_text("")
    with pytest.raises(ConfigurationError, match="ZCC_STATE_URL"), dg.DagsterInstance.get() as lost:
        lost.get_runs()
