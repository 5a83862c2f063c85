"""Which engagements are due to be read again: 2 minutes, 10 minutes, 1, 6 and 24 hours after their end.

After that a day after each read that found something new, until nothing changes any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from zcc_pipeline.domain.datasets import DATASETS, Reading
from zcc_pipeline.pipeline.by_engagement import BELONGINGS
from zcc_pipeline.pipeline.lake_facts import EngagementFields, Landed, engagements_of
from zcc_pipeline.pipeline.late_closers import long_running
from zcc_pipeline.pipeline.per_engagement import ENGAGEMENTS, REFRESHED, SPOKEN, channels_of
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.reconciliation import is_due

LISTINGS = tuple(dataset for dataset in DATASETS.values() if dataset.reading is Reading.WINDOW)
"""What is listed of a day that is read again as a whole."""


@dataclass(frozen=True, slots=True)
class Due:
    """The cheapest cover of what is due on one day."""

    day: date
    engagement_ids: frozenset[str]
    by_window: bool


def due_engagements(runtime: Runtime, days: Iterable[date]) -> list[Due]:
    """What is due on those days, from the ends in the lake and the reads in the ledgers.

    With them whatever began before the first of them and ended since: a conversation may outlast every look-back.
    """
    wanted, found = sorted(days), []
    for day in wanted:
        landed = engagements_of(runtime.lake, day)
        due = _due_on(runtime, day, landed)
        if due:
            by_id = sum(_calls_by_id(landed[each].fields) for each in due)
            found.append(Due(day, frozenset(due), by_window=by_id > _calls_by_window(runtime, day, len(landed))))
    for day, ids in long_running(runtime, wanted[0]).items() if wanted else ():
        landed = {key: each for key, each in engagements_of(runtime.lake, day).items() if key in ids}
        if due := _due_on(runtime, day, landed):
            found.append(Due(day, frozenset(due), by_window=False))
    return found


def _calls_by_id(fields: EngagementFields) -> int:
    """Calls of reading one engagement: detail, events, and what is listed for it. Surveys and e-mails are read one by
    one in both covers."""
    return 2 + (len(BELONGINGS) if channels_of(fields) & SPOKEN else 0)


def _calls_by_window(runtime: Runtime, day: date, engagements: int) -> int:
    """Calls of listing a day: as many pages as the last time, and no fewer than its engagements need."""
    calls = 0
    for dataset in LISTINGS:
        rows = engagements if dataset is ENGAGEMENTS else 0
        last = runtime.state.windows.latest(dataset.name, day, day)
        calls += max([1 + rows // dataset.listing.page_size, *(row.pages for row in last)])
    return calls


def _due_on(runtime: Runtime, day: date, landed: Mapping[str, Landed[EngagementFields]]) -> list[str]:
    now = runtime.clock.now()
    listed_at = runtime.state.windows.last_complete_at("zoom/engagements", day)
    reads = runtime.state.reads.get(REFRESHED, landed)
    due = []
    for engagement_id, record in landed.items():
        if record.ended_at is None:
            continue
        read = reads.get(engagement_id)
        times = [moment for moment in (listed_at, read.read_at if read else None) if moment is not None]
        if not times or is_due(record.ended_at, max(times), now, last_changed_at=record.as_of):
            due.append(engagement_id)
    return due
