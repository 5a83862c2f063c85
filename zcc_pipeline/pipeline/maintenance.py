"""Keeping the lake tidy: merge a day's small files, remove what has been superseded for a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.pipeline.runtime import Runtime


@dataclass(slots=True)
class CompactionReport:
    """What was merged and removed."""

    files_merged: int = 0
    bytes_saved: int = 0
    removed: int = 0
    days_touched: set[date] = field(default_factory=set)


def compact(runtime: Runtime, days: Iterable[date] | None = None) -> CompactionReport:
    """Merge the small files of those days (of every day where none are named), holding the warehouse lock.

    Inputs stay until a day has passed, so that whoever reads them now can finish.
    """
    report = CompactionReport()
    wanted = None if days is None else set(days)
    with runtime.warehouse.lock("compaction"):
        for name in DATASETS:
            for day in runtime.lake.days(name):
                if wanted is None or day in wanted:
                    result = runtime.lake.compact(name, day)
                    report.files_merged += result.files_merged
                    report.bytes_saved += result.bytes_before - result.bytes_after
                    if result.files_merged:
                        report.days_touched.add(day)
        report.removed = runtime.lake.sweep(runtime.clock.now()) + runtime.files.sweep(runtime.clock.now())
    return report
