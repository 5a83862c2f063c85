"""Pages of a listing: their envelope, their address, and following the tokens without going in circles.

Zoom's rules: a token lives 15 minutes, an absent or empty one ends the listing, all filters stay the same while paging.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from zcc_pipeline.domain.datasets import DATASETS, ENGAGEMENT_LOG, Endpoint
from zcc_pipeline.domain.errors import TransientError, WindowFailed
from zcc_pipeline.domain.window import Window, format_time
from zcc_pipeline.transport import NO_JSON, MalformedAnswer, RequestRefused

if TYPE_CHECKING:
    from zcc_pipeline.sources.zoom_api.client import ZoomApi

OVERLAP = timedelta(seconds=1)
"""A window is asked for this much wider on both ends: whether Zoom counts an end in is not documented."""

LONGEST_QUERY = timedelta(days=28)
"""Zoom answers one month; the shortest one has 28 days."""


_WITH_TIMEZONE = frozenset({DATASETS["zoom/engagements"].listing.path, ENGAGEMENT_LOG.path})


class PageTokenExpired(TransientError):
    """The token of the next page is not taken any more; a fresh listing of the window helps."""


class ListingBroken(WindowFailed):
    """The listing goes in circles."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page as received. ``items`` are views of ``body``; ``calls`` is what it cost, failed attempts included."""

    body: bytes
    as_of: datetime
    number: int
    total: int | None
    token: str
    items: list[msgspec.Raw]
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is around the records."""

    items: list[msgspec.Raw]
    token: str
    total: int | None


@lru_cache(maxsize=64)
def envelope_reader(items_key: str) -> Callable[[bytes], Envelope]:
    """Reads a page's envelope in one pass in C; ``MalformedAnswer`` where the array is missing or none."""
    shape = msgspec.defstruct(
        "PageEnvelope",
        [
            ("items", list[msgspec.Raw]),
            ("next_page_token", str | None, None),
            ("total_records", Any, None),
            ("has_more", bool | None, None),
        ],
        rename={"items": items_key},
        gc=False,
    )
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(shape)

    def read(body: bytes) -> Envelope:
        try:
            found = decoder.decode(body)
        except NO_JSON:
            raise MalformedAnswer(f"a page without a proper `{items_key}` array") from None
        token = found.next_page_token or ""
        if found.has_more is True and not token:
            raise MalformedAnswer("a page that announces more and has no token")
        return Envelope(found.items, "" if found.has_more is False else token, _total(found.total_records))

    return read


def _total(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return None


def query_of(endpoint: Endpoint, window: Window | None, params: Mapping[str, str] | None) -> dict[str, str]:
    """The query of every page of a listing but for the token: both ends of the window always, in full UTC."""
    query = dict(params or {})
    if endpoint.page_size:
        query["page_size"] = str(endpoint.page_size)
    if (window is None) != (endpoint.window_parameters is None):
        raise ValueError(f"{endpoint.path} {'needs a' if window is None else 'takes no'} window")
    if window is not None and endpoint.window_parameters is not None:
        start, end = window.start - OVERLAP, window.end + OVERLAP
        if end - start > LONGEST_QUERY + 2 * OVERLAP:
            raise ValueError(f"{endpoint.path} answers {LONGEST_QUERY.days} days at most, not {window.duration}")
        first, last = endpoint.window_parameters
        query[first], query[last] = format_time(start), format_time(_ceil(end))
    return with_timezone(endpoint, query)


def with_timezone(endpoint: Endpoint, query: dict[str, str]) -> dict[str, str]:
    """Adds ``timezone=UTC`` where the operation has it: without, the account's own zone may decide what a ``Z``
    means."""
    if endpoint.path in _WITH_TIMEZONE:
        query["timezone"] = "UTC"
    return query


def _ceil(moment: datetime) -> datetime:
    return moment + timedelta(seconds=1) if moment.microsecond else moment


async def iter_pages(
    api: ZoomApi,
    endpoint: Endpoint,
    *,
    window: Window | None,
    path_params: Mapping[str, str] | None,
    params: Mapping[str, str] | None,
) -> AsyncIterator[Page]:
    """Pages until the last token is empty.

    ``PageTokenExpired`` where Zoom refuses a later page, ``WindowFailed`` where a token or a page comes twice or
    two empty pages follow each other: such a listing would never end.
    """
    query = query_of(endpoint, window, params)
    tokens: set[str] = set()
    seen: set[int] = set()
    number, rows, weight = 0, 0, math.inf
    while True:
        number += 1
        try:
            page = await api.fetch_page(endpoint, path_params=path_params, params=query, number=number, weight=weight)
        except RequestRefused as error:
            if number > 1 and error.http_status == 400:
                raise PageTokenExpired(f"GET {endpoint.path}: page token refused on page {number}") from error
            raise
        if page.token in tokens:
            raise ListingBroken(f"GET {endpoint.path}: page token repeats on page {number}")
        print_of_page = _fingerprint(page.items)
        if print_of_page in seen:
            raise ListingBroken(f"GET {endpoint.path}: page repeats on page {number}")
        seen.add(print_of_page)
        rows += len(page.items)
        # First pages go first, because they tell how much there is; then the listing that has most before it.
        weight = 0.0 if page.total is None else float(page.total - rows)
        yield page
        if not page.token:
            return
        tokens.add(page.token)
        query["next_page_token"] = page.token


def _fingerprint(items: list[msgspec.Raw]) -> int:
    """Tells pages apart in eight bytes: a listing may have ten thousand of them."""
    return hash((len(items), bytes(items[0]), bytes(items[-1]))) if items else 0
