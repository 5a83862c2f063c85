"""When runs are asked for, and for which days."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster._core.definitions.schedule_definition import ScheduleExecutionData

from zcc_pipeline.orchestration import schedules
from zcc_pipeline.orchestration.build import build_defs
from zcc_pipeline.orchestration.instance import ensure_dagster_home
from zcc_pipeline.orchestration.partitions import FIRST_DAY, days_of_run
from zcc_pipeline_tests.definitions.fake_pipeline import MANIFEST, FakeRuntime


def defs_in(timezone: str) -> dg.Definitions:
    return build_defs(open_runtime=FakeRuntime, timezone=timezone, manifest=MANIFEST)  # type: ignore[arg-type]


def test_the_page_on_operating_names_whatever_can_be_switched_on() -> None:
    page = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()
    (table,) = re.findall(r"## What to switch on\n(.*?)\n## ", page, re.DOTALL)
    defs = defs_in("UTC")
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == {
        each.name for each in (*(defs.schedules or ()), *(defs.sensors or ()))
    }


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with ensure_dagster_home(tmp_path) as opened:
        yield opened


def tick(instance: dg.DagsterInstance, name: str, moment: datetime, *, timezone: str = "UTC") -> ScheduleExecutionData:
    defs = defs_in(timezone)
    with dg.build_schedule_context(
        instance=instance, scheduled_execution_time=moment, repository_def=defs.get_repository_def()
    ) as context:
        return defs.resolve_schedule_def(name).evaluate_tick(context)


def days_asked_for(data: ScheduleExecutionData) -> list[date]:
    (request,) = data.run_requests or []
    return [date.fromisoformat(request.partition_key)] if request.partition_key else days_of_run(request.tags)


def test_the_running_day_is_the_accounts_own(instance: dg.DagsterInstance) -> None:
    found = tick(
        instance, "today_every_15_minutes", datetime(2026, 11, 20, 20, 0, tzinfo=UTC), timezone="Pacific/Auckland"
    )
    assert days_asked_for(found) == [date(2026, 11, 21)]


def test_after_midnight_the_day_before_is_read_along(instance: dg.DagsterInstance) -> None:
    found = tick(instance, "today_every_15_minutes", datetime(2026, 11, 21, 0, 15, tzinfo=UTC))
    assert days_asked_for(found) == [date(2026, 11, 20), date(2026, 11, 21)]
    found = tick(instance, "today_every_15_minutes", datetime(2026, 11, 21, 2, 15, tzinfo=UTC))
    assert days_asked_for(found) == [date(2026, 11, 21)]


def test_a_tick_is_skipped_while_the_one_before_still_works(instance: dg.DagsterInstance) -> None:
    running = instance.create_run_for_job(defs_in("UTC").resolve_job_def("today"), status=dg.DagsterRunStatus.STARTED)
    data = tick(instance, "today_every_15_minutes", datetime(2026, 11, 21, 12, 0, tzinfo=UTC))
    assert not data.run_requests
    assert running.run_id in str(data.skip_message)


@pytest.mark.parametrize(("name", "days"), [("nightly_look_back", 7), ("weekly_deep_look_back", 35)])
def test_the_look_back_is_one_run_over_all_its_days(instance: dg.DagsterInstance, name: str, days: int) -> None:
    now = datetime.now(UTC).replace(hour=2, minute=15)
    asked = days_asked_for(tick(instance, name, now))
    assert asked == [now.date() - timedelta(days=days) + timedelta(days=number) for number in range(days + 1)]


def test_the_look_back_never_reaches_before_the_start_date(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC).replace(hour=2, minute=15)
    start = now.date() - timedelta(days=2)
    config = SimpleNamespace(lookback_days=7, deep_lookback_days=35, look_back_limit=start)
    monkeypatch.setattr(schedules, "days_left_behind", lambda *_, **__: [])
    monkeypatch.setattr(FakeRuntime, "__init__", lambda self: setattr(self, "config", config))
    assert days_asked_for(tick(instance, "weekly_deep_look_back", now))[0] == start


def test_older_days_that_were_never_read_to_their_end_are_taken_up_besides(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, date]] = []
    days = [date(2026, 1, day) for day in (3, 4, 5, 9)]
    monkeypatch.setattr(schedules, "days_left_behind", lambda _, **bounds: asked.append(bounds) or days)
    now = datetime.now(UTC).replace(hour=2, minute=15)
    look_back, several, one = tick(instance, "nightly_look_back", now).run_requests or ()
    assert days_of_run(look_back.tags)[-1] == now.date()
    assert days_of_run(several.tags) == days[:3]
    assert one.partition_key == "2026-01-09"
    assert asked == [{"first": FIRST_DAY, "before": now.date() - timedelta(days=7)}]
