"""Posts to receivers on this machine, and to no other: small HTTP/1.1 on kept-alive connections."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import httptools

_IDLE_SECONDS = 1.0
"""A connection unused for longer is opened anew, as a server may be about to close it."""
Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Address:
    """A receiver on loopback."""

    host: str
    port: int
    target: str
    """Path and query, exactly as in the URL."""

    @classmethod
    def parse(cls, url: str) -> Address:
        """``ValueError`` for anything but plain HTTP on loopback: events carry made-up people, but real habits."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"events are pushed to http:// addresses only, not to {parts.scheme or 'nothing'}")
        if not _is_loopback(parts.hostname):
            raise ValueError(f"events are pushed to loopback addresses only, not to {parts.hostname}")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.hostname, parts.port or 80, target)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a receiver answered."""

    status: int
    body: bytes


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Connection:
    """One connection to one receiver; for one request at a time."""

    def __init__(self, address: Address, *, monotonic: Callable[[], float]) -> None:
        self._address = address
        self._monotonic = monotonic
        self._protocol: _Answers | None = None
        self._used_at = 0.0
        self._fixed = f"POST {address.target} HTTP/1.1\r\nhost: {address.host}:{address.port}\r\n"

    async def post(self, headers: Iterable[Header], body: bytes, *, timeout_seconds: float) -> Reply:
        """Send and wait for the whole answer. ``TimeoutError`` when it takes longer, else ``ConnectionError``."""
        try:
            async with asyncio.timeout(timeout_seconds):
                protocol = await self._open()
                lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
                head = f"{self._fixed}{lines}content-length: {len(body)}\r\n\r\n".encode("latin-1")
                reply = await protocol.exchange(head + body)
        except BaseException:
            self.close()
            raise
        self._used_at = self._monotonic()
        return reply

    def close(self) -> None:
        """Let the connection go; the next post opens another."""
        if self._protocol is not None:
            self._protocol.abort()
            self._protocol = None

    async def _open(self) -> _Answers:
        kept = self._protocol
        if kept is not None and kept.is_open and self._monotonic() - self._used_at < _IDLE_SECONDS:
            return kept
        self.close()
        try:
            _, protocol = await asyncio.get_running_loop().create_connection(
                _Answers, self._address.host, self._address.port
            )
        except OSError as error:
            raise ConnectionError(f"cannot connect: {error.strerror}") from error
        self._protocol = protocol
        return protocol


class _Answers(asyncio.Protocol):
    """Reads one answer at a time; callbacks as ``httptools`` names them."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Reply] | None = None
        self._body = bytearray()
        self._ends_with_connection = False
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.is_open = cast("asyncio.Transport", transport), True

    async def exchange(self, request: bytes) -> Reply:
        if self._transport is None or not self.is_open:
            raise ConnectionError("the connection is closed")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def abort(self) -> None:
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail("the answer is not HTTP")

    def on_message_begin(self) -> None:
        self._ends_with_connection = True

    def on_header(self, name: bytes, _value: bytes) -> None:
        if name.lower() in {b"content-length", b"transfer-encoding"}:
            self._ends_with_connection = False

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self.is_open = self._parser.should_keep_alive()
        reply = Reply(self._parser.get_status_code(), bytes(self._body))
        self._body.clear()
        self._parser = httptools.HttpResponseParser(self)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(reply)

    def eof_received(self) -> None:
        if self._ends_with_connection and self._parser.get_status_code():
            self.on_message_complete()
        self._fail("the receiver closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail("the connection broke" if exc else "the receiver closed the connection")

    def _fail(self, reason: str) -> None:
        self.is_open = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionError(reason))
