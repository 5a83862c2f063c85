"""Zoom's daily quota of HEAVY calls runs out in the middle of a pull."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from zcc_pipeline.domain.clock import ShiftedClock
from zcc_pipeline.domain.datasets import Label
from zcc_pipeline.pipeline.left_behind import days_left_behind
from zcc_pipeline.pipeline.pull import pull
from zcc_pipeline.pipeline.reports import PullReport
from zcc_pipeline.settings import open_runtime
from zcc_pipeline_tests.story import Story, settings_for, story

pytestmark = pytest.mark.integration

HEAVY = "zoom/voice_calls"


class UntilTomorrow(ShiftedClock):
    """Long waits pass at once, and what Zoom counts in a day begins anew."""

    def __init__(self, told: Story) -> None:
        super().__init__()
        self._told = told
        self.waited = timedelta()

    def monotonic(self) -> float:
        return super().monotonic() + self.shift.total_seconds()

    async def sleep(self, seconds: float) -> None:
        if seconds < 5:
            await super().sleep(seconds)
            return
        self.shift += timedelta(seconds=seconds)
        self.waited += timedelta(seconds=seconds)
        if self.waited > timedelta(hours=1) or self.now().hour == 0:
            self._told.control("limits", heavy_per_day=1_000)


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Story]:
    with story(tmp_path / "home", days=2, per_day=20, settled=False) as opened:
        opened.control("limits", plan="business", heavy_per_day=0)
        yield opened


def read(told: Story, clock: ShiftedClock, *, waits: bool) -> PullReport:
    settings = settings_for(told.simulator, told.home, zoom_plan="business")
    with open_runtime(settings, clock=clock) as runtime:
        runtime.waits_for_quota = waits
        return pull(runtime, told.days, only=(HEAVY,))


def problems(report: PullReport) -> list[str | None]:
    (dataset,) = report.datasets
    return [day.problem for day in dataset.days]


def test_who_has_the_time_reads_everything_in_the_end(told: Story, caplog: pytest.LogCaptureFixture) -> None:
    clock = UntilTomorrow(told)
    with caplog.at_level(logging.WARNING):
        report = read(told, clock, waits=True)
    assert problems(report) == [None, None]
    assert timedelta(minutes=1) < clock.waited < timedelta(hours=25)
    assert [record.message.partition(",")[0] for record in caplog.records] == ["Zoom's quota is used up"]


def test_who_has_not_is_told_at_once_and_the_days_are_taken_up_later(told: Story) -> None:
    clock = UntilTomorrow(told)
    report = read(told, clock, waits=False)
    refused, held_back = map(str, problems(report))
    assert refused.endswith("daily limit")
    assert held_back.startswith(f"no more {Label.HEAVY} calls before {clock.now() + timedelta(days=1):%Y-%m-%d} 00:0")
    assert clock.waited < timedelta(minutes=5)
    with told.runtime() as runtime:
        first, after = told.days[0] - timedelta(days=9), told.days[-1] + timedelta(days=1)
        assert days_left_behind(runtime, first=first, before=after) == told.days
        assert days_left_behind(runtime, first=told.days[-1], before=after) == told.days[-1:]
        assert days_left_behind(runtime, first=after, before=told.days[0]) == []
    clock.shift += timedelta(days=1)
    told.control("limits", heavy_per_day=1_000)
    assert problems(read(told, clock, waits=False)) == [None, None]
    with told.runtime() as runtime:
        assert days_left_behind(runtime, first=first, before=after) == []
