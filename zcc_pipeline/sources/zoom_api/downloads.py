"""Downloads: the token goes to Zoom and to nobody else, an interrupted file goes on where it stopped.

Zoom's addresses want a bearer token and may redirect (https://developers.zoom.us/docs/api/using-zoom-apis/); its log
gives relative ones. Redirects are followed by hand, because after each hop it has to be decided anew who may see the
token.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

import httpx

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.datasets import Label
from zcc_pipeline.domain.errors import PermanentError, TransientError
from zcc_pipeline.sources.zoom_api.answers import UnauthorizedToken, error_of
from zcc_pipeline.sources.zoom_api.config import ZoomApiConfig
from zcc_pipeline.sources.zoom_api.governor import Governor
from zcc_pipeline.sources.zoom_api.oauth import AccessToken, TokenSource
from zcc_pipeline.sources.zoom_api.quota_pause import QuotaPause
from zcc_pipeline.sources.zoom_api.trusted_hosts import TrustedHosts, join_address, split_address
from zcc_pipeline.transport import CircuitBreaker, Client, RequestRefused, describe_url, network_error, retry

if TYPE_CHECKING:
    from zcc_pipeline.sources.zoom_api.client import ZoomApi

MOST_REDIRECTS = 5
PATH_WORDS = frozenset(
    [
        "v2",
        "contact_center",
        "recording",
        "recordings",
        "inbox",
        "inboxes",
        "message",
        "messages",
        "engagement",
        "engagements",
        "voicemail",
        "voicemails",
        "transcript",
        "transcripts",
        "download",
        "playback",
        "email",
    ]
)
"""Words of Zoom's download addresses that may be printed; every other part of a path may be an id."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CONTENT_RANGE = re.compile(r"bytes\s+(\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII | re.IGNORECASE)
_LARGEST_SMALL_BODY = 65_536


@dataclass(frozen=True, slots=True)
class DownloadBody:
    """One answer to a download; satisfies ``domain.byte_sources.Body``."""

    status: int
    total_size: int | None
    etag: str | None
    media_type: str | None
    file_name: str | None
    is_partial: bool
    response: httpx.Response
    what: str

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes as they come off the wire; ``TransientError`` where they break off."""
        try:
            async for chunk in self.response.aiter_bytes():
                yield chunk
        except httpx.HTTPError as error:
            raise network_error(error, self.what) from None


@dataclass(frozen=True, slots=True)
class DownloadSource:
    """A file at Zoom that can be read again from any offset; satisfies ``domain.byte_sources.ByteSource``."""

    api: ZoomApi
    url: str
    scopes: tuple[str, ...] = ()
    """What the listing needs that gave the address: named where a scope is missing and Zoom does not say which."""

    def open(self, offset: int, etag: str | None) -> AbstractAsyncContextManager[DownloadBody]:
        """See ``ZoomApi.open_download``."""
        return self.api.open_download(self.url, offset=offset, etag=etag, scopes=self.scopes)


@dataclass(frozen=True, slots=True)
class _Asking:
    """What goes with a request: its headers, and the scopes to name should one be missing."""

    headers: Mapping[str, str]
    scopes: tuple[str, ...]


class Downloader:
    """Opens downloads with the client, token and governor of the API."""

    def __init__(
        self,
        config: ZoomApiConfig,
        *,
        client: Client,
        tokens: TokenSource,
        governor: Governor,
        clock: Clock,
        breaker: CircuitBreaker,
        pause: QuotaPause | None,
        on_call: Callable[[Label], None],
    ) -> None:
        self._config = config
        self._client = client
        self._tokens = tokens
        self._governor = governor
        self._clock = clock
        self._breaker = breaker
        self._pause = pause
        self._on_call = on_call
        self._hosts = TrustedHosts(config.api_url, config.download_hosts)

    @asynccontextmanager
    async def open(
        self, url: str, *, offset: int, etag: str | None, scopes: tuple[str, ...] = ()
    ) -> AsyncIterator[DownloadBody]:
        """Open a file, from ``offset`` where it is still the same as ``etag`` says.

        Without a strong ETag nothing proves that the rest belongs to what is already there: then the whole
        file is sent again, as it is where the server cannot continue (416, or a part that begins elsewhere).
        """
        plain = {"Accept": "*/*", "Accept-Encoding": "identity"}
        can_resume = offset > 0 and _strong(etag) is not None
        headers = plain | {"Range": f"bytes={offset}-", "If-Range": etag or ""} if can_resume else plain
        body = await self._open(url, _Asking(headers, scopes))
        try:
            if can_resume and not _continues(body.response, offset):
                await body.response.aclose()
                body = await self._open(url, _Asking(plain, scopes))
            yield body
        finally:
            await body.response.aclose()

    async def _open(self, url: str, asking: _Asking) -> DownloadBody:
        async def attempt() -> DownloadBody:
            response, what = await self._follow(url, asking)
            try:
                return _body(response, what)
            except TransientError:
                await response.aclose()
                raise

        async def ask() -> DownloadBody:
            return await self._breaker.call(lambda: retry(attempt, policy=self._config.retries, clock=self._clock))

        return await (self._pause.when_refilled(ask) if self._pause else ask())

    async def _follow(self, url: str, asking: _Asking) -> tuple[httpx.Response, str]:
        """Send, and follow redirects. Once dropped, the token stays dropped."""
        where, what, with_token = self._hosts.absolute(url), "", True
        for _ in range(MOST_REDIRECTS + 1):
            what = f"GET {describe_url(where, words=PATH_WORDS)}"
            parts = split_address(where, what)
            self._hosts.check(parts, what)
            with_token = with_token and self._hosts.may_see_token(parts)
            is_api = self._hosts.is_api(parts)
            response = await self._authorised(where, asking, what, with_token=with_token, is_api=is_api)
            if response.status_code not in _REDIRECTS:
                return response, what
            location = response.headers.get("location", "")
            await _read_beginning(response)
            if not location:
                raise TransientError(f"{what}: {response.status_code} without a location")
            where = join_address(where, location, what)
        raise PermanentError(f"{what}: more than {MOST_REDIRECTS} redirects")

    async def _authorised(
        self, where: str, asking: _Asking, what: str, *, with_token: bool, is_api: bool
    ) -> httpx.Response:
        if not with_token:
            return await self._send(where, asking, what, is_api=is_api)
        token = await self._tokens.current()
        try:
            return await self._send(where, _with_token(asking, token), what, is_api=is_api)
        except UnauthorizedToken:
            token = await self._tokens.replace(token)
        try:
            return await self._send(where, _with_token(asking, token), what, is_api=is_api)
        except UnauthorizedToken as error:
            raise RequestRefused(f"{error}, with a new token", http_status=401) from error

    async def _send(self, where: str, asking: _Asking, what: str, *, is_api: bool) -> httpx.Response:
        # Zoom names no label for its download addresses; the lightest is the least that they can cost.
        slot = self._governor.slot(Label.LIGHT) if is_api else nullcontext()
        try:
            async with slot:
                if is_api:
                    self._on_call(Label.LIGHT)
                response = await self._client.open(where, asking.headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise network_error(error, what) from None
        if response.status_code in _REDIRECTS or response.status_code in (200, 206):
            return response
        if response.status_code == 416 and "Range" in asking.headers:
            return response
        error_body = await _read_beginning(response)
        found = error_of(
            what,
            status=response.status_code,
            headers=response.headers,
            body=error_body,
            scopes=asking.scopes,
            now=self._clock.now(),
        )
        if response.status_code == 429 and is_api and isinstance(found, TransientError):
            self._governor.rest(Label.LIGHT, found)
        raise found


def with_bearer(headers: Mapping[str, str], token: AccessToken) -> dict[str, str]:
    """The headers with the token in them."""
    return {**headers, "Authorization": f"Bearer {token.value}"}


def _with_token(asking: _Asking, token: AccessToken) -> _Asking:
    return _Asking(with_bearer(asking.headers, token), asking.scopes)


def _continues(response: httpx.Response, offset: int) -> bool:
    """Whether a 206 begins where it should; a 200 is the whole file and always right."""
    if response.status_code == 416:
        return False
    if response.status_code != 206:
        return True
    match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", "").strip())
    return match is not None and int(match[1]) == offset


def _body(response: httpx.Response, what: str) -> DownloadBody:
    headers = response.headers
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower() or None
    if media_type == "text/html" and response.status_code != 416:
        raise TransientError(f"{what}: {response.status_code}, an HTML page instead of a file")
    is_partial = response.status_code == 206
    return DownloadBody(
        status=response.status_code,
        total_size=_total_size(response, is_partial=is_partial),
        etag=_strong(headers.get("etag")),
        media_type=media_type,
        file_name=file_name_of(headers.get("content-disposition", "")),
        is_partial=is_partial,
        response=response,
        what=what,
    )


def _strong(etag: str | None) -> str | None:
    return etag if etag is not None and len(etag) > 2 and etag.startswith('"') and etag.endswith('"') else None


def _total_size(response: httpx.Response, *, is_partial: bool) -> int | None:
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        return None
    if is_partial:
        match = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", "").strip())
        return int(match[3]) if match and match[3] != "*" else None
    length = response.headers.get("content-length", "").strip()
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None


_EXTENDED = re.compile(r";\s*filename\*\s*=\s*([A-Za-z0-9_-]+)'[^']*'([^;\s]+)", re.IGNORECASE)
_QUOTED = re.compile(r';\s*filename\s*=\s*"((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_TOKEN = re.compile(r";\s*filename\s*=\s*([^;\s\"]+)", re.IGNORECASE)


def file_name_of(disposition: str) -> str | None:
    """The name of a ``Content-Disposition`` (RFC 6266; RFC 5987 wins), without any folder; ``None`` where there
    is none."""
    name = ""
    if (match := _EXTENDED.search(disposition)) and match[1].lower() in ("utf-8", "iso-8859-1"):
        name = unquote(match[2], encoding=match[1], errors="replace")
    if not name and (match := _QUOTED.search(disposition)):
        name = re.sub(r"\\(.)", r"\1", match[1])
    if not name and (match := _TOKEN.search(disposition)):
        name = match[1]
    name = "".join(c for c in re.split(r"[/\\]", name)[-1] if c.isprintable()).strip(" .")[:255]
    return name or None


async def _read_beginning(response: httpx.Response) -> bytes:
    """A small body, after which the connection serves the next request; of a large one the beginning, and the
    connection is given up."""
    body = b""
    try:
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > _LARGEST_SMALL_BODY:
                break
    except httpx.HTTPError:
        return body
    finally:
        await response.aclose()
    return body
