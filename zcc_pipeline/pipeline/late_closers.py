"""Engagements that close long after they started: listed by their start, they appear in a day that was read long ago.

The engagement log can be listed by end time, so once a night its ids are compared with what the lake has. A day counts
as verified once all that its log lists is here: what the log names and nobody can read is a contradiction of the
source's own, and shown until a later pass has read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from zcc_pipeline.domain.datasets import DATASETS, ENGAGEMENT_LOG
from zcc_pipeline.domain.errors import PermanentError, ScopeMissing, TransientError
from zcc_pipeline.domain.ports import SCOPE_PROBLEM
from zcc_pipeline.domain.records import RecordChunk
from zcc_pipeline.domain.window import day_of, day_window, time_or_none
from zcc_pipeline.pipeline.lake_facts import engagements_of
from zcc_pipeline.pipeline.loop import run
from zcc_pipeline.pipeline.per_engagement import REFRESHED
from zcc_pipeline.pipeline.rejects import quarantine_into
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.sources.zoom_api import Listing, ZoomApi, poll_window

ENGAGEMENTS = DATASETS["zoom/engagements"]
LEDGER_NAME = "zoom/engagement_log"
GRACE = timedelta(hours=24)
"""For so long after the end of its day an engagement may be in the log and not be there yet."""


@dataclass(slots=True)
class LateClosers:
    """Unknown engagements by the day they started; days that could not be verified, with the reason."""

    unknown: dict[date, set[str]] = field(default_factory=dict)
    ended_on: dict[str, date] = field(default_factory=dict)
    """The day whose log names an engagement."""
    passes: dict[date, tuple[str, Listing]] = field(default_factory=dict)
    """Days listed to their end, with their rows in the window ledger, which stay open until what was found is read."""
    listed: int = 0
    api_calls: int = 0
    not_verified: dict[date, str] = field(default_factory=dict)


def days_within_reach(runtime: Runtime, days: Iterable[date]) -> list[date]:
    """Those of the days whose ends are listed: never further back than the deep look-back.

    What ended before that has been found by earlier runs or is part of the backfill itself.
    """
    today = runtime.today()
    oldest = today - timedelta(days=runtime.config.deep_lookback_days)
    return [day for day in days if oldest <= day <= today]


def find_late_closers(runtime: Runtime, days: Iterable[date]) -> LateClosers:
    """List what ended on those days and name what the lake does not know yet.

    To be followed by ``close_passes``, once what was found has been asked for.
    """
    return run(_find(runtime, sorted(days)))


def long_running(runtime: Runtime, first: date) -> dict[date, set[str]]:
    """Engagements read by their id that began before that day and ended on it or later; by the day they began."""
    start = day_window(first, runtime.config.timezone).start
    found: dict[date, set[str]] = {}
    for row in runtime.state.reads.ended_since(REFRESHED, start, before=first):
        found.setdefault(row.day, set()).add(row.engagement_id)
    return found


def close_passes(runtime: Runtime, found: LateClosers, unread: Mapping[str, str]) -> list[str]:
    """Close the days of the pass, all but those of engagements that could not be read, whose reasons are given.

    Returns the days on which that is a problem by now, and not the source's usual delay.
    """
    missed: dict[date, list[str]] = {}
    for engagement_id in sorted(unread.keys() & found.ended_on.keys()):
        missed.setdefault(found.ended_on[engagement_id], []).append(unread[engagement_id])
    problems = []
    for day, (batch_id, listing) in found.passes.items():
        reasons = missed.get(day)
        problem = f"{len(reasons)} in the engagement log and not read: {reasons[0]}" if reasons else None
        if problem:
            found.not_verified[day] = problem
            if day_window(day, runtime.config.timezone).end + GRACE < runtime.clock.now():
                problems.append(f"{LEDGER_NAME} {day}: {problem}")
        _finish(runtime, batch_id, listing, problem)
    return problems


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
                    started = day_of(moment, runtime.config.timezone) if (moment := time_or_none(start)) else day
                    found.unknown.setdefault(started, set()).add(engagement_id)
                    found.ended_on.setdefault(engagement_id, day)

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
    found.listed += listing.distinct if listing else 0
    if listing is not None and problem is None:
        found.passes[day] = batch_id, listing
    else:
        found.not_verified[day] = problem or "not listed"
        _finish(runtime, batch_id, listing, problem)


def _finish(runtime: Runtime, batch_id: str, listing: Listing | None, problem: str | None) -> None:
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
    first, _ = runtime.trailing_days(runtime.config.deep_lookback_days)
    for day in list(found.unknown):
        known = runtime.lake.latest("zoom/engagements", day, day, with_deleted=True, columns=["record_id"])
        ids = set(known.column("record_id").to_pylist()) & found.unknown[day]
        found.unknown[day] -= ids if day >= first else _read_to_the_end(runtime, day, ids)
        found.unknown[day] -= runtime.state.suppression.filter(found.unknown[day])
        if not found.unknown[day]:
            del found.unknown[day]


def _read_to_the_end(runtime: Runtime, day: date, ids: Iterable[str]) -> set[str]:
    """Those of a day that no look-back reads again which were read with all that belongs to them after their end.

    What landed in a run that was killed before it had read the rest is not among them.
    """
    engagements = engagements_of(runtime.lake, day, with_deleted=True)
    reads = runtime.state.reads.get(REFRESHED, ids)
    listed_at = runtime.state.windows.last_complete_at("zoom/engagements", day)
    found = set()
    for engagement_id in ids:
        landed, read = engagements.get(engagement_id), reads.get(engagement_id)
        if landed is None or landed.ended_at is None:
            continue
        read_at = max(filter(None, (listed_at, read.read_at if read else None)), default=None)
        if landed.is_deleted or (read_at is not None and read_at >= landed.ended_at):
            found.add(engagement_id)
    return found
