"""What verbs tell their callers: plain rows that a terminal, Dagster's metadata and a test can all show."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from zcc_pipeline.domain.records import LandingCounts


@dataclass(slots=True)
class DayReport:
    """What became of one dataset on one day."""

    day: date
    received: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0
    suppressed: int = 0
    """Received and not kept, or not asked for at all, because their engagements were erased."""
    bytes_written: int = 0
    api_calls: int = 0
    failed: int = 0
    waiting: int = 0
    is_complete: bool = True
    problem: str | None = None

    def count(self, counts: LandingCounts) -> None:
        """Add what landing says."""
        self.received += counts.received
        self.new += counts.new
        self.changed += counts.changed
        self.unchanged += counts.unchanged
        self.deleted += counts.deleted
        self.suppressed += counts.suppressed
        self.bytes_written += counts.bytes_written


@dataclass(slots=True)
class DatasetReport:
    """What became of one dataset over a range of days."""

    dataset: str
    days: list[DayReport] = field(default_factory=list)

    def total(self, column: str) -> int:
        """Sum of one of the counting columns."""
        return sum(getattr(day, column) for day in self.days)

    @property
    def problems(self) -> list[str]:
        """One line for each day that did not go well."""
        return [f"{self.dataset} {day.day}: {day.problem}" for day in self.days if day.problem]

    @property
    def is_complete(self) -> bool:
        """Whether every day was read to its end."""
        return all(day.is_complete for day in self.days)


@dataclass(slots=True)
class PullReport:
    """What one pull did, dataset by dataset, in the order of work."""

    datasets: list[DatasetReport] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """All that did not go well."""
        return [problem for report in self.datasets for problem in report.problems]

    @property
    def days_touched(self) -> set[date]:
        """Days on which anything was written."""
        return {day.day for report in self.datasets for day in report.days if day.new or day.changed or day.deleted}
