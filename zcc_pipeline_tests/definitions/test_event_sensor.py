"""When the sensor asks for a refresh, and when it does not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.sensor_definition import SensorExecutionData

from zcc_pipeline.domain.clock import ShiftedClock
from zcc_pipeline.orchestration import event_sensor
from zcc_pipeline.orchestration.build import build_defs
from zcc_pipeline.orchestration.executors import IN_PROCESS
from zcc_pipeline.orchestration.instance import ensure_dagster_home
from zcc_pipeline.orchestration.run_cleanup import PID_TAG, worker_tags
from zcc_pipeline.pipeline.events import Waiting
from zcc_pipeline_tests.definitions.fake_pipeline import MANIFEST, FakeRuntime


class Sensor:
    """The sensor as the daemon ticks it: the cursor goes from tick to tick."""

    def __init__(
        self, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, *, executor: str = IN_PROCESS
    ) -> None:
        self.instance, self.cursor, self.clock = instance, None, ShiftedClock()
        self.waiting = Waiting("01INBOX", 7, 2, 0)
        monkeypatch.setattr(event_sensor, "look", lambda _: self.waiting)
        runtime = FakeRuntime()
        runtime.clock = self.clock
        self.defs = build_defs(
            open_runtime=lambda: runtime,  # type: ignore[arg-type, return-value]
            timezone="UTC",
            manifest=MANIFEST,
            executor=executor,
        )

    def tick(self) -> SensorExecutionData:
        with dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, repository_def=self.defs.get_repository_def()
        ) as context:
            data = self.defs.resolve_sensor_def("received_events").evaluate_tick(context)
        self.cursor = data.cursor
        return data

    def asked(self) -> str | None:
        found = self.tick().run_requests or []
        return found[0].run_key if found else None

    def run(self, status: dg.DagsterRunStatus, **tags: str) -> dg.DagsterRun:
        return self.instance.create_run_for_job(self.defs.resolve_job_def("refresh"), status=status, tags=tags)

    def start(self) -> dg.DagsterRun:
        """A run that works and has not told where."""
        run = self.run(dg.DagsterRunStatus.STARTING)
        event = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, run.job_name)
        self.instance.report_dagster_event(event, run.run_id)
        return run

    def fail(self) -> None:
        run = self.run(dg.DagsterRunStatus.STARTED)
        self.instance.report_run_failed(run)


@pytest.fixture
def sensor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sensor]:
    with ensure_dagster_home(tmp_path) as instance:
        yield Sensor(instance, monkeypatch)


def test_nothing_received_and_nothing_due_starts_nothing(sensor: Sensor) -> None:
    sensor.waiting = Waiting("01INBOX", 7, 0, 0)
    assert sensor.asked() is None
    sensor.waiting = Waiting(None, 0, 0, 0)
    assert sensor.asked() is None


def test_what_was_received_is_asked_for_by_its_highest_number_and_again_until_it_is_applied(sensor: Sensor) -> None:
    assert sensor.asked() == "01INBOX:7"
    assert sensor.asked() == "01INBOX:7:retry1"
    assert sensor.asked() == "01INBOX:7:retry2"
    sensor.waiting = replace(sensor.waiting, highest_seq=9)
    assert sensor.asked() == "01INBOX:9"


def test_what_is_due_is_asked_for_without_anything_received(sensor: Sensor) -> None:
    sensor.waiting = Waiting(None, 0, 0, 3)
    assert sensor.asked() == "due:0"


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
def test_one_refresh_at_a_time(sensor: Sensor, status: dg.DagsterRunStatus) -> None:
    run = sensor.run(status, **worker_tags())
    data = sensor.tick()
    assert not data.run_requests
    assert run.run_id in str(data.skip_message)


def test_a_killed_refresh_does_not_hold_up_the_next(sensor: Sensor) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    run = sensor.run(dg.DagsterRunStatus.STARTED, **{**worker_tags(), PID_TAG: str(ended.pid)})
    assert sensor.asked() == "01INBOX:7"
    cleared = sensor.instance.get_run_by_id(run.run_id)
    assert cleared is not None
    assert cleared.status is dg.DagsterRunStatus.FAILURE


def test_a_refresh_that_was_killed_before_it_told_its_process_holds_up_the_next_for_a_minute(sensor: Sensor) -> None:
    sensor.start()
    sensor.clock.shift += timedelta(seconds=50)
    assert sensor.asked() is None
    sensor.clock.shift += timedelta(seconds=11)
    assert sensor.asked() == "01INBOX:7"


def test_a_refresh_whose_steps_wait_for_a_process_of_their_own_is_left_in_peace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ensure_dagster_home(tmp_path) as instance:
        sensor = Sensor(instance, monkeypatch, executor="multiprocess")
        run = sensor.start()
        sensor.clock.shift += timedelta(hours=1)
        assert run.run_id in str(sensor.tick().skip_message)


def test_failures_are_followed_by_growing_pauses_and_in_the_end_by_an_alarm(sensor: Sensor) -> None:
    sensor.fail()
    assert sensor.asked() is not None, "one failure may have been a kill: at once"
    sensor.fail()
    data = sensor.tick()
    assert "the last 2 refreshes failed" in str(data.skip_message)
    sensor.clock.shift += timedelta(seconds=61)
    assert sensor.asked() is not None
    for _ in range(3):
        sensor.fail()
    with pytest.raises(dg.Failure, match="2 events wait"):
        sensor.tick()
    sensor.clock.shift += timedelta(minutes=31)
    assert sensor.asked() is not None, "an alarm does not stop the trying"


def test_a_refresh_that_failed_is_asked_for_again_although_everything_is_applied(sensor: Sensor) -> None:
    """Events are applied before the marts are built: what was landed is not published yet."""
    assert sensor.asked() == "01INBOX:7"
    sensor.fail()
    sensor.waiting = Waiting("01INBOX", 7, 0, 0)
    assert sensor.asked() == "01INBOX:7:retry1"
    sensor.run(dg.DagsterRunStatus.SUCCESS)
    assert sensor.asked() is None


def test_a_refresh_that_succeeds_ends_the_pauses(sensor: Sensor) -> None:
    for _ in range(3):
        sensor.fail()
    sensor.run(dg.DagsterRunStatus.SUCCESS)
    assert sensor.asked() is not None
