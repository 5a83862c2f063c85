"""From a received event to the analysts' copy through Dagster, also after the run in between was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from zcc_pipeline.orchestration.build import build_defs
from zcc_pipeline.orchestration.instance import ensure_dagster_home
from zcc_pipeline.settings import open_runtime
from zcc_pipeline.warehouse.lock import warehouse_lock
from zcc_pipeline_tests.received import pushed, receive
from zcc_pipeline_tests.story import Story, story

pytestmark = pytest.mark.integration

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Story]:
    with story(tmp_path / "home", days=1, per_day=20, settled=False) as opened:
        opened.home.mkdir(exist_ok=True)
        yield opened


class Daemon:
    """As much of Dagster's daemon as it takes: ticks of the sensor, and the run that a tick asks for."""

    def __init__(self, told: Story, instance: dg.DagsterInstance) -> None:
        self.instance, self.cursor = instance, None
        self.defs = build_defs(open_runtime=lambda: open_runtime(told.settings, clock=told.clock), timezone="UTC")

    def tick(self) -> list[str | None]:
        with dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, repository_def=self.defs.get_repository_def()
        ) as context:
            data = self.defs.resolve_sensor_def("received_events").evaluate_tick(context)
        self.cursor = data.cursor
        return [request.run_key for request in data.run_requests or []]

    def run(self) -> dg.ExecuteInProcessResult:
        job = self.defs.resolve_job_def("refresh")
        return job.execute_in_process(instance=self.instance, raise_on_error=False, run_config=QUIET)


def a_note_arrives(told: Story) -> tuple[str, str]:
    engagement = next(each for each in told.closed_engagements() if each["notes"])
    note = engagement["notes"][0]
    subject = {"note_id": note["note_id"], "note": note["note"], "engagement_id": engagement["engagement_id"]}
    at = told.clock.now() - timedelta(minutes=1)
    receive(str(told.home / "inbox.sqlite"), pushed("engagement_note_added", subject, at))
    return engagement["engagement_id"], note["note"]


def in_marts(told: Story, engagement_id: str) -> list[Any]:
    with duckdb.connect(str(told.home / "analytics.duckdb"), read_only=True) as connection:
        return connection.execute(
            "select notes.note from engagements inner join engagement_notes as notes using (engagement_id) "
            "where engagement_id = ?",
            [engagement_id],
        ).fetchall()


@pytest.mark.slow
def test_a_received_event_is_in_the_analysts_copy_after_one_run(told: Story) -> None:
    engagement_id, note = a_note_arrives(told)
    with ensure_dagster_home(told.home) as instance:
        daemon = Daemon(told, instance)
        (key,) = daemon.tick()
        assert key is not None
        assert key.endswith(":1")
        result = daemon.run()
        assert result.success, [event.message for event in result.all_events if event.is_failure]
        assert (note,) in in_marts(told, engagement_id)
        assert daemon.tick() == []


KILLED = """
import os, signal, sys, threading, time
from zcc_pipeline.orchestration.build import build_defs
from zcc_pipeline.orchestration.instance import ensure_dagster_home
from zcc_pipeline.settings import load_settings
from zcc_pipeline.state.events import StoredEvents

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def die_while_dbt_writes():
    database = load_settings().home / "warehouse.duckdb.wal"
    while not database.exists():
        time.sleep(0.01)
    die()

if sys.argv[1] == "reading":
    StoredEvents.settle = die
else:
    threading.Thread(target=die_while_dbt_writes, daemon=True).start()
with ensure_dagster_home(load_settings().home) as instance:
    build_defs(timezone="UTC").resolve_job_def("refresh").execute_in_process(instance=instance)
"""


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["reading", "building"])
def test_after_a_kill_the_next_tick_asks_for_a_refresh_which_brings_everything(told: Story, moment: str) -> None:
    """Nothing has to be waited for but the sensor's interval: the dead run is cleared and the lock is free."""
    engagement_id, note = a_note_arrives(told)
    environment = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    environment |= told.variables
    done = subprocess.run(
        [sys.executable, "-c", KILLED, moment],
        env=environment, cwd=told.home.parent, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    with (
        told.runtime() as runtime,
        warehouse_lock(runtime.config.warehouse.warehouse_path, purpose="test", clock=told.clock, wait_seconds=10),
    ):
        pass
    with ensure_dagster_home(told.home) as instance:
        (killed,) = instance.get_runs(dg.RunsFilter(job_name="refresh"))
        assert killed.status is dg.DagsterRunStatus.STARTED
        daemon = Daemon(told, instance)
        assert daemon.defs.resolve_sensor_def("received_events").minimum_interval_seconds == 10
        assert len(daemon.tick()) == 1
        cleared = instance.get_run_by_id(killed.run_id)
        assert cleared is not None
        assert cleared.status is dg.DagsterRunStatus.FAILURE
        assert daemon.run().success
        assert (note,) in in_marts(told, engagement_id)
        assert daemon.tick() == []
