"""The planner: one window of one dataset, listed completely, in as many parallel parts as the rate allows.

```
first page of the window ──► few pages left: go on with it, page by page
                        └──► many: the window is cut into equal parts, each listed by its own chain of pages
```

The page that was read to find out is thrown away when the window is cut: its rows come again in the parts, and
counting them twice would blur the one figure that proves completeness. It costs one call in a hundred or fewer.

Pages are handed to the sink as they come and nothing is kept of them but hashes of record ids; no more parts are under
way than calls may be, so memory hardly grows with the window. A part that goes wrong (its token expires, a page
repeats, rows are missing) is listed anew by itself; what it has already handed to the sink is true and stays.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from zcc_pipeline.domain.datasets import Dataset, Endpoint
from zcc_pipeline.domain.errors import WindowFailed
from zcc_pipeline.domain.records import RecordChunk
from zcc_pipeline.domain.window import Window
from zcc_pipeline.sources.zoom_api.client import ZoomApi
from zcc_pipeline.sources.zoom_api.paging import LONGEST_QUERY, ListingBroken, Page, PageTokenExpired
from zcc_pipeline.sources.zoom_api.seen_ids import SeenIds
from zcc_pipeline.sources.zoom_api.split import Origin, Reject, RejectedRecord, split_items
from zcc_pipeline.transport import MalformedAnswer

Sink = Callable[[Sequence[RecordChunk]], None]

RESTARTS = 2
"""How often a part is listed anew before it is given up."""

HALVINGS = 4
"""How often a window whose token dies is halved."""

PAGES_PER_PART = 4
"""A part ends with a page that is half empty on average; shorter parts would spend more calls than they save time."""

_UNLIMITED_CHAINS = 4
_UNEVEN = 1.5
_DEPTH = 3
_SHORTEST_PART = timedelta(hours=1)
_SHORTEST_HALF = timedelta(seconds=2)


@dataclass(slots=True)
class Listing:
    """What a listing brought. ``rows`` counts duplicates, as ``announced`` (Zoom's total, where it gives one) does.

    ``is_complete``: the last token was empty and the rows reach what was announced, in every part and in sum.
    """

    rows: int = 0
    announced: int | None = None
    pages: int = 0
    api_calls: int = 0
    is_complete: bool = True
    record_ids: SeenIds = field(default_factory=SeenIds)
    splits: int = 0
    rejected: int = 0

    def add(self, part: Listing) -> None:
        """Sum up with another part of the same window."""
        self.rows += part.rows
        if part.announced is not None:
            self.announced = (self.announced or 0) + part.announced
        self.pages += part.pages
        self.api_calls += part.api_calls
        self.is_complete &= part.is_complete
        self.record_ids |= part.record_ids
        self.splits += part.splits
        self.rejected += part.rejected

    @property
    def distinct(self) -> int:
        """Different records; those that could not be identified count one each."""
        return len(self.record_ids) + self.rejected


async def poll_window(
    api: ZoomApi,
    dataset: Dataset,
    window: Window,
    *,
    batch_id: str,
    sink: Sink,
    reject: Reject | None = None,
    endpoint: Endpoint | None = None,
    path_params: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
) -> Listing:
    """List everything of a window; windows of any length are asked for in spans that Zoom answers.

    ``WindowFailed`` where a part keeps going in circles or keeps answering nonsense; ``TransientError``,
    ``QuotaExhausted``, ``ScopeMissing`` as the client raises them. A listing that ends short is no error:
    ``is_complete`` is False. Without ``reject``, a record that cannot be identified raises ``RecordRejected``.
    """
    lister = _Lister(api, dataset, endpoint or dataset.listing, batch_id, sink, reject, path_params, params)
    whole = Listing()
    for span in window.split(math.ceil(window.duration / LONGEST_QUERY)):
        whole.add(await lister.list_span(span))
    return whole


async def poll_catalogue(
    api: ZoomApi,
    dataset: Dataset,
    *,
    batch_id: str,
    sink: Sink,
    reject: Reject | None = None,
    endpoint: Endpoint | None = None,
    path_params: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
) -> Listing:
    """List a dataset that has no window, whole; errors as in ``poll_window``."""
    lister = _Lister(api, dataset, endpoint or dataset.listing, batch_id, sink, reject, path_params, params)
    return await lister.list_part(None)


def plan_parts(first: Page, window: Window, *, calls_per_second: float, latency: float, most: int) -> int:
    """Into how many parts to cut a window whose first page has been seen; 1 means not at all.

    Enough chains to keep the allowed rate busy at twice the latency seen, and no more than the pages that are left can
    feed. Where Zoom gives no total, parts are never shorter than an hour.
    """
    if not first.token:
        return 1
    if math.isinf(calls_per_second):
        chains = min(_UNLIMITED_CHAINS, most)
    else:
        chains = min(math.ceil(calls_per_second * latency * 2) + 2, most)
    pages = _pages_announced(first)
    feed = int(window.duration / _SHORTEST_PART) if pages is None else pages // PAGES_PER_PART
    return max(1, min(chains, feed, int(window.duration.total_seconds())))


def plan_further_parts(first: Page, window: Window, *, pages_per_part: int) -> int:
    """The same for a part: a busy hour holds more than its share, and the longest chain decides when all is done."""
    pages = _pages_announced(first)
    if not first.token or pages is None or pages <= max(PAGES_PER_PART, _UNEVEN * pages_per_part):
        return 1
    return max(1, min(math.ceil(pages / pages_per_part), int(window.duration.total_seconds())))


def _pages_announced(first: Page) -> int | None:
    return None if first.total is None else math.ceil(first.total / max(len(first.items), 1))


@dataclass(slots=True)
class _Lister:
    """One dataset and where its records go."""

    api: ZoomApi
    dataset: Dataset
    endpoint: Endpoint
    batch_id: str
    sink: Sink
    reject: Reject | None
    path_params: Mapping[str, str] | None
    params: Mapping[str, str] | None
    _one_page: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def list_span(self, window: Window) -> Listing:
        """A span that Zoom answers in one listing, whole or cut into parts."""
        pages = self._pages(window)
        probe = await self._first(pages)
        parts = plan_parts(
            probe,
            window,
            calls_per_second=self.api.config.calls_per_second(self.endpoint.label),
            latency=self.api.latency_seconds or 0.0,
            most=self.api.config.max_concurrency,
        )
        if parts == 1:
            return await self.list_part(window, begun=_begin_with(probe, pages))
        per_part = math.ceil((_pages_announced(probe) or 0) / parts)
        whole = await self._list_pieces(window, parts, probe, per_part, depth=_DEPTH)
        if whole.is_complete and whole.distinct < (probe.total or 0):
            # Each part is whole and yet together they are less than the window had: ask once for it as one.
            again = await self.list_part(window)
            again.record_ids |= whole.record_ids
            again.pages += whole.pages
            again.api_calls += whole.api_calls
            again.splits = whole.splits
            return again
        return whole

    async def _list_pieces(self, window: Window, parts: int, probe: Page, per_part: int, *, depth: int) -> Listing:
        whole = Listing(pages=1, api_calls=probe.calls)
        pieces = [self._list_piece(piece, per_part, depth) for piece in window.split(parts)]
        for part in await _all(pieces):
            whole.add(part)
        return whole

    async def _list_piece(self, window: Window, per_part: int, depth: int) -> Listing:
        pages = self._pages(window)
        probe = await self._first(pages)
        parts = plan_further_parts(probe, window, pages_per_part=per_part) if depth and per_part else 1
        if parts > 1:
            return await self._list_pieces(window, parts, probe, per_part, depth=depth - 1)
        found = await self.list_part(window, begun=_begin_with(probe, pages))
        found.splits += 1
        return found

    async def list_part(
        self, window: Window | None, *, begun: AsyncIterator[Page] | None = None, halvings: int = HALVINGS
    ) -> Listing:
        """One chain of pages, begun anew where it breaks; a window whose token dies is halved, so that each
        half is faster."""
        found = Listing()
        for attempt in range(RESTARTS + 1):
            try:
                await self._read(begun or self._pages(window), found)
            except ListingBroken:
                if attempt == RESTARTS:
                    raise
            except PageTokenExpired:
                if halvings and window is not None and window.duration >= _SHORTEST_HALF:
                    return await self._list_halves(window, found, halvings - 1)
                if attempt == RESTARTS:
                    raise
            else:
                if _is_settled(found, is_first=attempt == 0):
                    break
            begun = None
        return found

    async def _list_halves(self, window: Window, broken: Listing, halvings: int) -> Listing:
        found = Listing(pages=broken.pages, api_calls=broken.api_calls, record_ids=broken.record_ids)
        for half in window.split(2):
            found.add(await self.list_part(half, halvings=halvings))
        return found

    async def _read(self, pages: AsyncIterator[Page], found: Listing) -> None:
        found.rows, found.announced, found.rejected, found.is_complete = 0, None, 0, False
        seen: set[int] = set()
        try:
            async for page in pages:
                found.pages += 1
                found.api_calls += page.calls
                await self._beside_the_loop(partial(self._take, page, found, seen))
        except MalformedAnswer as error:
            raise WindowFailed(f"{self.dataset.name}: {error}") from error
        finally:
            found.is_complete = _reaches(found.rows, found.announced)

    async def _beside_the_loop(self, work: Callable[[], None]) -> None:
        """Where calls are paced, splitting and landing run in a thread, one page at a time, so that no slot is missed.

        Without limits there is no pace to keep, and changing threads would only cost time.
        """
        if math.isinf(self.api.config.calls_per_second(self.endpoint.label)):
            work()
            return
        async with self._one_page:
            running = asyncio.ensure_future(asyncio.to_thread(work))
            try:
                await asyncio.shield(running)
            except asyncio.CancelledError:
                # The sink is the caller's: nothing may reach it once this has ended, however often it is told to stop.
                while not running.done():
                    with suppress(asyncio.CancelledError):
                        await asyncio.wait([running])
                running.exception()
                raise

    def _take(self, page: Page, found: Listing, seen: set[int]) -> None:
        origin = Origin(page.as_of, self.batch_id)
        rejected: list[RejectedRecord] = []
        chunks = split_items(self.dataset, page.items, origin, reject=rejected.append if self.reject else None)
        ids = chunks[0].record_ids
        mark = hash(tuple(ids))
        if ids and mark in seen:
            raise ListingBroken(f"GET {self.endpoint.path}: the records of page {page.number} have come before")
        seen.add(mark)
        for record in rejected:
            self.reject(record)  # type: ignore[misc]  # there are none without it
        self.sink(chunks)
        found.rows += len(page.items)
        found.rejected += len(page.items) - len(ids)
        found.record_ids.update(ids)
        if page.total is not None:
            found.announced = page.total

    async def _first(self, pages: AsyncIterator[Page]) -> Page:
        try:
            return await anext(pages)
        except MalformedAnswer as error:
            raise WindowFailed(f"{self.dataset.name}: {error}") from error

    def _pages(self, window: Window | None) -> AsyncIterator[Page]:
        return self.api.iter_pages(self.endpoint, window=window, path_params=self.path_params, params=self.params)


def _reaches(rows: int, announced: int | None) -> bool:
    return announced is None or rows >= announced


def _is_settled(found: Listing, *, is_first: bool) -> bool:
    """Whether to leave it at that. Rows that only reach the total with duplicates may hide a missing one: look
    once more."""
    if not found.is_complete:
        return False
    return not is_first or found.announced is None or found.distinct >= found.announced


async def _begin_with(first: Page, rest: AsyncIterator[Page]) -> AsyncIterator[Page]:
    yield first
    async for page in rest:
        yield page


async def _all(parts: Sequence[Coroutine[Any, Any, Listing]]) -> list[Listing]:
    """Side by side; the first error ends the others and is raised as it is."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
