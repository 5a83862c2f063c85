"""The one way to open an HTTP client, and what its failures mean."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import httpx

from zcc_pipeline.domain.errors import HostUnreachable, PermanentError, TransientError, ZccPipelineError
from zcc_pipeline.transport.connections import Transport

_PERMANENT = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.TooManyRedirects)
_KEEP_ALIVE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. ``read`` is the longest silence between two pieces of an answer, ``request`` the whole exchange."""

    connect: float = 10.0
    read: float = 30.0
    request: float = 90.0


class Client(httpx.AsyncClient):
    """httpx's client with a short way for many small answers."""

    def __init__(self, transport: httpx.AsyncBaseTransport, timeouts: Timeouts) -> None:
        timeout = httpx.Timeout(connect=timeouts.connect, read=timeouts.read, write=timeouts.read, pool=None)
        super().__init__(
            follow_redirects=False,
            trust_env=False,
            timeout=timeout,
            transport=transport,
            headers={"Accept": "application/json", "User-Agent": "zcc-pipeline"},
        )
        self._short_way = transport
        self._extensions = {"timeout": timeout.as_dict()}
        self._headers_sent = dict(self.headers)

    async def fetch(self, url: str, headers: Mapping[str, str]) -> httpx.Response:
        """GET, and read the answer whole. The same answer as ``get`` gives, at half of its cost.

        What is left out is what ``get`` does for redirects, cookies, authentication and hooks, none of which is used.
        """
        response = await self.open(url, headers)
        try:
            await response.aread()
        except BaseException:
            await response.aclose()
            raise
        return response

    async def open(self, url: str, headers: Mapping[str, str]) -> httpx.Response:
        """The same for an answer whose body the caller reads and closes."""
        sent = self._headers_sent | {name.lower(): value for name, value in headers.items()}
        request = httpx.Request("GET", url, headers=sent, extensions=self._extensions)
        response = await self._short_way.handle_async_request(request)
        response.request = request
        return response


def open_client(
    *,
    timeouts: Timeouts,
    keep_alive: int,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Client:
    """A client with a pool of HTTP/1.1 connections that follows no redirect by itself and reads nothing from the
    environment.

    The number of connections is not limited here: callers limit their concurrency, so that nobody who holds a
    rate slot waits for a connection. ``.netrc`` and proxy variables are ignored on purpose: neither may add or
    see credentials.
    """
    _silence_wire_logs()
    return Client(
        transport
        or Transport(ssl_context=_trusted_authorities(), keep_alive=keep_alive, keep_alive_seconds=_KEEP_ALIVE_SECONDS),
        timeouts,
    )


@cache
def _trusted_authorities() -> ssl.SSLContext:
    """Read once for all clients: it takes longer than everything else about opening one."""
    return httpx.create_ssl_context(trust_env=False)


def _silence_wire_logs() -> None:
    """The HTTP libraries log whole addresses and headers, ids, tokens and all: only their warnings may pass."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


def network_error(error: httpx.HTTPError | httpx.InvalidURL | TimeoutError, what: str) -> ZccPipelineError:
    """The error by consequence. Only the kind of failure is named: the library's text may quote the address."""
    kind = type(error).__name__
    if isinstance(error, (*_PERMANENT, httpx.InvalidURL)):
        return PermanentError(f"{what}: {kind}")
    if isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout)):
        return HostUnreachable(f"{what}: {kind}")
    return TransientError(f"{what}: {kind}")
