"""The client: one connection pool, one token, one governor; every call goes through ``_call``.

```
fetch, fetch_page ─► circuit breaker ─► retry ─► attempt:
  token ─► slot of the governor ─► GET ─► error by consequence, or the body checked
```
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.datasets import Endpoint, Label
from zcc_pipeline.domain.errors import ConfigurationError, NotFound, PermanentError, ScopeMissing, TransientError
from zcc_pipeline.domain.ports import RateBudget
from zcc_pipeline.domain.window import Window
from zcc_pipeline.sources.zoom_api import paging
from zcc_pipeline.sources.zoom_api.answers import UnauthorizedToken, error_of
from zcc_pipeline.sources.zoom_api.config import ZoomApiConfig, ZoomCredentials
from zcc_pipeline.sources.zoom_api.downloads import DownloadBody, Downloader, with_bearer
from zcc_pipeline.sources.zoom_api.governor import Governor
from zcc_pipeline.sources.zoom_api.oauth import AccessToken, TokenSource
from zcc_pipeline.sources.zoom_api.paging import Page, envelope_reader
from zcc_pipeline.sources.zoom_api.quota_pause import QuotaPause
from zcc_pipeline.transport import NO_JSON, CircuitBreaker, MalformedAnswer, network_error, open_client, retry

T = TypeVar("T")

_LONGEST_ID = 512


class EmptyAnswer(MalformedAnswer):
    """A success without a body: right after an engagement ended Zoom may answer so."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer as received. ``as_of`` is when the request was sent: the time that the content speaks for."""

    body: bytes
    as_of: datetime
    status: int


class ZoomApi:
    """Reads of Zoom's REST API. Use as ``async with ZoomApi(...) as api``.

    ``live`` marks work that somebody waits for (refreshes after events): it goes before every backfill. Clients
    that share ``breaker`` (for calls) and ``file_breaker`` (for files: other hosts) share what is known of an outage.
    With ``pause`` a used-up quota is waited for; without, ``QuotaExhausted`` is raised.
    """

    def __init__(
        self,
        config: ZoomApiConfig,
        credentials: ZoomCredentials,
        *,
        budget: RateBudget,
        clock: Clock,
        live: bool = False,
        breaker: CircuitBreaker | None = None,
        file_breaker: CircuitBreaker | None = None,
        pause: QuotaPause | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.config = config
        self.api_calls: dict[Label, int] = dict.fromkeys(Label, 0)
        self.token_calls = 0
        self.latency_seconds: float | None = None
        self.clock_skew_seconds: float | None = None
        self._clock = clock
        self._breaker = breaker or CircuitBreaker(clock)
        self._pause = pause
        self._base = config.api_url.rstrip("/")
        self._client = open_client(timeouts=config.timeouts, keep_alive=config.max_concurrency, transport=transport)
        self._governor = Governor(config, budget=budget, clock=clock, live=live)
        self._tokens = TokenSource(config, credentials, client=self._client, clock=clock, on_call=self._count_token)
        self._downloads = Downloader(
            config,
            client=self._client,
            tokens=self._tokens,
            governor=self._governor,
            clock=clock,
            breaker=file_breaker or CircuitBreaker(clock),
            pause=pause,
            on_call=self._count,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def granted_scopes(self) -> frozenset[str]:
        """Scopes of the token, as Zoom names them when it hands it out."""
        return (await self._tokens.current()).scopes

    async def fetch(
        self,
        endpoint: Endpoint,
        *,
        path_params: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Reply:
        """One answer that is valid JSON.

        ``NotFound`` for 404, 410 and 444 and for an empty answer (``http_status`` 200), ``ScopeMissing``,
        ``RequestRefused`` for other
        4xx, ``QuotaExhausted`` for a used-up day, ``TransientError`` once the retries are used up.
        """
        query = paging.with_timezone(endpoint, dict(params or {}))
        try:
            reply, _, _ = await self._call(endpoint, path_params, query, _check_object)
        except EmptyAnswer as error:
            raise NotFound(f"{error}", http_status=200) from error
        return reply

    def iter_pages(
        self,
        endpoint: Endpoint,
        *,
        window: Window | None = None,
        path_params: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Page]:
        """Every page of one listing, in order; see ``paging.iter_pages`` for its errors."""
        return paging.iter_pages(self, endpoint, window=window, path_params=path_params, params=params)

    async def fetch_page(
        self,
        endpoint: Endpoint,
        *,
        path_params: Mapping[str, str] | None,
        params: Mapping[str, str],
        number: int,
        weight: float = 0.0,
    ) -> Page:
        """One page; malformed ones are asked for again. ``weight``: which page goes first where several wait."""
        read = envelope_reader(endpoint.items)
        reply, envelope, calls = await self._call(endpoint, path_params, params, read, weight)
        return Page(reply.body, reply.as_of, number, envelope.total, envelope.token, envelope.items, calls)

    def open_download(
        self, url: str, *, offset: int = 0, etag: str | None = None, scopes: tuple[str, ...] = ()
    ) -> AbstractAsyncContextManager[DownloadBody]:
        """Open a file that a record points at; see ``Downloader.open``. ``NotFound`` for 404 and 410."""
        return self._downloads.open(url, offset=offset, etag=etag, scopes=scopes)

    def address(self, endpoint: Endpoint, path_params: Mapping[str, str] | None, params: Mapping[str, str]) -> str:
        """The full URL; ids are escaped so that none can lead to another path."""
        path = endpoint.path.format_map({name: _escape(value) for name, value in (path_params or {}).items()})
        return f"{self._base}{path}?{urlencode(params)}" if params else f"{self._base}{path}"

    async def _call(
        self,
        endpoint: Endpoint,
        path_params: Mapping[str, str] | None,
        params: Mapping[str, str],
        check: Callable[[bytes], T],
        weight: float = 0.0,
    ) -> tuple[Reply, T, int]:
        url = self.address(endpoint, path_params, params)
        what = f"GET {endpoint.path}"
        calls: Counter[str] = Counter()

        async def attempt() -> tuple[Reply, T]:
            reply = await self._authorised(endpoint, url, what, calls, weight)
            try:
                return reply, check(reply.body)
            except MalformedAnswer as error:
                raise type(error)(f"{what}: {reply.status}, {error}") from None

        async def ask() -> tuple[Reply, T]:
            return await self._breaker.call(lambda: retry(attempt, policy=self.config.retries, clock=self._clock))

        reply, checked = await (self._pause.when_refilled(ask) if self._pause else ask())
        return reply, checked, calls["sent"]

    async def _authorised(self, endpoint: Endpoint, url: str, what: str, calls: Counter[str], weight: float) -> Reply:
        token = await self._tokens.current()
        try:
            return await self._send(endpoint, url, what, token, calls, weight)
        except (UnauthorizedToken, ScopeMissing) as error:
            # A token dies early when another app asks for one; a scope given to the app after the token
            # was made is not in it.
            another = await self._tokens.replace(token, even_young=isinstance(error, UnauthorizedToken))
            if another is token:
                raise
        try:
            return await self._send(endpoint, url, what, another, calls, weight)
        except UnauthorizedToken as error:
            raise refused_app(what) from error

    async def _send(
        self, endpoint: Endpoint, url: str, what: str, token: AccessToken, calls: Counter[str], weight: float
    ) -> Reply:
        async with self._governor.slot(endpoint.label, weight=weight):
            self._count(endpoint.label)
            calls["sent"] += 1
            as_of, started = self._clock.now(), self._clock.monotonic()
            try:
                async with asyncio.timeout(self.config.timeouts.request):
                    response = await self._client.fetch(url, with_bearer({}, token))
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
                raise network_error(error, what) from None
        self._observe(response, as_of, self._clock.monotonic() - started)
        if response.status_code == 200:
            return Reply(response.content, as_of, 200)
        refused = error_of(
            what,
            status=response.status_code,
            headers=response.headers,
            body=response.content,
            scopes=endpoint.scopes,
            now=self._clock.now(),
        )
        if response.status_code == 429 and isinstance(refused, TransientError):
            self._governor.rest(endpoint.label, refused)
        raise refused

    def _observe(self, response: httpx.Response, as_of: datetime, seconds: float) -> None:
        self.latency_seconds = seconds if self.latency_seconds is None else 0.8 * self.latency_seconds + 0.2 * seconds
        said = response.headers.get("date")
        if said is None or self.clock_skew_seconds is not None:
            return
        try:
            moment = parsedate_to_datetime(said)
        except (ValueError, TypeError, IndexError, OverflowError):  # what the parser raises on hostile text
            return
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        self.clock_skew_seconds = (moment - as_of - timedelta(seconds=seconds / 2)).total_seconds()

    def _count(self, label: Label) -> None:
        self.api_calls[label] += 1

    def _count_token(self) -> None:
        self.token_calls += 1


def refused_app(what: str) -> ConfigurationError:
    """A brand-new token is refused: not a matter of time, and not of scopes."""
    return ConfigurationError(
        "ZCC_ZOOM_CLIENT_ID",
        f"Zoom refuses a new token of this app ({what}: 401); the app is deactivated, or the user who owns it "
        "has no Contact Center role",
        purpose="credentials of the server-to-server OAuth app that reads Contact Center",
    )


def _escape(value: str) -> str:
    if not value or len(value) > _LONGEST_ID or value.strip(".") == "":
        raise PermanentError("an id that cannot be part of an address")
    return quote(value, safe="")


_EMPTY = frozenset({b"", b"{}", b"null"})


def _check_object(body: bytes) -> None:
    """Valid JSON of an object with something in it, without building anything from it."""
    if body.strip() in _EMPTY:
        raise EmptyAnswer("empty answer")
    if not body.lstrip().startswith(b"{"):
        raise MalformedAnswer("not a JSON object")
    try:
        _ANYTHING.decode(body)
        body.decode()
    except NO_JSON:
        raise MalformedAnswer("not valid JSON") from None


class _Anything(msgspec.Struct, gc=False):
    """Decoding into no fields checks the syntax of all of them."""


_ANYTHING = msgspec.json.Decoder(_Anything)
