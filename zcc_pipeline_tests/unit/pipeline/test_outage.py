"""Zoom stays away for the whole of a long pull."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from zcc_pipeline.pipeline.pull import pull
from zcc_pipeline.settings import Settings, open_runtime
from zcc_pipeline_tests.unit.pipeline.homes import NOW, TODAY, UNREACHABLE, StillClock, days_ago


class PassingClock(StillClock):
    """Time passes only when somebody waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def test_a_pull_of_many_days_gives_up_within_minutes_and_says_of_each_day_why(tmp_path: Path) -> None:
    clock = PassingClock()
    with open_runtime(Settings(home=tmp_path, **UNREACHABLE), clock=clock) as runtime:
        report = pull(runtime, [days_ago(count) for count in range(30)])
    days = {
        row.day: row for dataset in report.datasets if dataset.dataset == "zoom/engagements" for row in dataset.days
    }
    assert len(days) == 30
    assert not any(row.is_complete for row in days.values())
    assert "not asked: no answer of use" in str(days[TODAY].problem)
    assert "ConnectError" in str(days[TODAY].problem)
    assert clock.seconds < 15 * 60
