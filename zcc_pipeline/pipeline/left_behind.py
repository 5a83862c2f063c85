"""Days behind every look-back that were begun and never read to their end: of a backfill that was cut short."""

from __future__ import annotations

from datetime import date, timedelta

from zcc_pipeline.domain.datasets import DATASETS, Reading
from zcc_pipeline.pipeline.runtime import Runtime

DAYS_AT_ONCE = 7
"""As many as a night takes up besides its look-back."""


def days_left_behind(runtime: Runtime, *, first: date, before: date) -> list[date]:
    """At most ``DAYS_AT_ONCE`` of them, in order; those that were tried longest ago come first to be taken."""
    if before <= first:
        return []
    listed = [dataset.name for dataset in DATASETS.values() if dataset.reading is Reading.WINDOW]
    last = before - timedelta(days=1)
    return sorted(runtime.state.windows.unread_days(listed, first, last, limit=DAYS_AT_ONCE))
