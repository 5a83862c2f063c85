"""Engagements that close long after they started: listed by their start, they appear in a day that was read long ago.

The engagement log can be listed by end time, so once a night its ids are compared with what the lake has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

import msgspec

from zcc_pipeline.domain.datasets import ENGAGEMENT_LOG
from zcc_pipeline.domain.errors import PermanentError, ScopeMissing, TransientError
from zcc_pipeline.domain.window import day_of, day_window, parse_time
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.sources.zoom_api import ZoomApi

LEDGER_NAME = "zoom/engagement_log"


class _LogRow(msgspec.Struct):
    engagement_id: str
    start_time: str


class _LogPage(msgspec.Struct):
    engagement_logs: list[_LogRow] = []


@dataclass(slots=True)
class LateClosers:
    """Unknown engagements by the day they started; days that could not be verified, with the reason."""

    unknown: dict[date, set[str]] = field(default_factory=dict)
    listed: int = 0
    api_calls: int = 0
    not_verified: dict[date, str] = field(default_factory=dict)


def find_late_closers(runtime: Runtime, days: Iterable[date]) -> LateClosers:
    """List what ended on those days and name what the lake does not know yet."""
    return asyncio.run(_find(runtime, sorted(days)))


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
    rows, pages, announced, problem = 0, 0, None, None
    try:
        async for page in api.iter_pages(ENGAGEMENT_LOG, window=window):
            entries = msgspec.json.decode(page.body, type=_LogPage).engagement_logs
            rows, pages, announced = rows + len(entries), pages + 1, page.total
            for entry in entries:
                started = day_of(parse_time(entry.start_time), runtime.config.timezone)
                found.unknown.setdefault(started, set()).add(entry.engagement_id)
    except ScopeMissing as error:
        problem = f"not verified: {error}"
    except (TransientError, PermanentError) as error:
        problem = str(error)
    if problem:
        found.not_verified[day] = problem
    found.listed += rows
    runtime.state.windows.finish(
        batch_id,
        rows=rows,
        announced=announced,
        pages=pages,
        api_calls=pages,
        is_complete=problem is None,
        error=problem,
        now=runtime.clock.now(),
    )


def _drop_known(runtime: Runtime, found: LateClosers) -> None:
    for day in list(found.unknown):
        known = runtime.lake.latest("zoom/engagements", day, day, with_deleted=True)
        found.unknown[day] -= set(known.column("record_id").to_pylist())
        if not found.unknown[day]:
            del found.unknown[day]
