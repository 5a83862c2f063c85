"""Engagements that close long after they started: listed by their start, they appear in a day that was read long ago.

The engagement log can be listed by end time, so once a night its ids are compared with what the lake has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from zcc_pipeline.domain.datasets import DATASETS, ENGAGEMENT_LOG
from zcc_pipeline.domain.errors import PermanentError, ScopeMissing, TransientError
from zcc_pipeline.domain.records import RecordChunk
from zcc_pipeline.domain.window import day_of, day_window, parse_time
from zcc_pipeline.pipeline.loop import run
from zcc_pipeline.pipeline.polling import SCOPE_PROBLEM
from zcc_pipeline.pipeline.rejects import quarantine_into
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.sources.zoom_api import ZoomApi, poll_window

ENGAGEMENTS = DATASETS["zoom/engagements"]
LEDGER_NAME = "zoom/engagement_log"


@dataclass(slots=True)
class LateClosers:
    """Unknown engagements by the day they started; days that could not be verified, with the reason."""

    unknown: dict[date, set[str]] = field(default_factory=dict)
    listed: int = 0
    api_calls: int = 0
    not_verified: dict[date, str] = field(default_factory=dict)


def find_late_closers(runtime: Runtime, days: Iterable[date]) -> LateClosers:
    """List what ended on those days and name what the lake does not know yet."""
    return run(_find(runtime, sorted(days)))


async def _find(runtime: Runtime, days: Iterable[date]) -> LateClosers:
    found = LateClosers()
    async with runtime.zoom() as api:
        for day in days:
            await _list_day(runtime, api, day, found)
        found.api_calls = sum(api.api_calls.values())
    _drop_known(runtime, found)
    return found


async def _list_day(runtime: Runtime, api: ZoomApi, day: date, found: LateClosers) -> None:
    window = day_window(day, runtime.config.timezone)
    batch_id = runtime.state.windows.begin(LEDGER_NAME, window, day=day, now=runtime.clock.now())
    listing, problem = None, None

    def sink(chunks: Sequence[RecordChunk]) -> None:
        """Ids and starts only: the log's rows are of another shape and are not landed."""
        for chunk in chunks:
            if chunk.dataset == ENGAGEMENTS.name:
                for engagement_id, start in zip(chunk.record_ids, chunk.occurred_at, strict=True):
                    started = day_of(parse_time(start), runtime.config.timezone) if start else day
                    found.unknown.setdefault(started, set()).add(engagement_id)

    try:
        listing = await poll_window(
            api,
            ENGAGEMENTS,
            window,
            batch_id=batch_id,
            sink=sink,
            reject=quarantine_into(runtime, ENGAGEMENTS),
            endpoint=ENGAGEMENT_LOG,
        )
        if not listing.is_complete:
            problem = f"{listing.rows} rows received, {listing.announced} announced"
    except ScopeMissing as error:
        problem = f"{SCOPE_PROBLEM}: {error}"
    except (TransientError, PermanentError) as error:
        problem = str(error)
    if problem:
        found.not_verified[day] = problem
    found.listed += listing.distinct if listing else 0
    runtime.state.windows.finish(
        batch_id,
        rows=listing.rows if listing else 0,
        announced=listing.announced if listing else None,
        pages=listing.pages if listing else 0,
        api_calls=listing.api_calls if listing else 0,
        is_complete=problem is None,
        error=problem,
        now=runtime.clock.now(),
    )


def _drop_known(runtime: Runtime, found: LateClosers) -> None:
    for day in list(found.unknown):
        known = runtime.lake.latest("zoom/engagements", day, day, with_deleted=True, columns=["record_id"])
        found.unknown[day] -= set(known.column("record_id").to_pylist())
        found.unknown[day] -= runtime.state.suppression.filter(found.unknown[day])
        if not found.unknown[day]:
            del found.unknown[day]
