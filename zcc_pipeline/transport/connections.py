"""Connections that read as much at once as has arrived.

httpcore reads 64 kB at a time, through layers that copy them twice more: a recording then costs the processor more in
the reading than in both of its digests. Here the event loop receives straight into a buffer of a connection's own, and
one read hands over whatever is there. The extension point is ``httpcore.AsyncConnectionPool(network_backend=…)``;
asyncio only, like everything here.
"""

# ruff: noqa: ASYNC109 - httpcore hands timeouts over as arguments
from __future__ import annotations

import asyncio
import select
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import aiohappyeyeballs
import httpcore
import httpx

_BUFFER_BYTES = 1 << 19
_NEXT_ADDRESS_SECONDS = 0.25
"""How long an address of a host gets before its next one is tried beside it (RFC 8305)."""

_FAILURES = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol)


class Transport(httpx.AsyncBaseTransport):
    """HTTP/1.1 over a pool of such connections. ``ssl_context`` decides whom to believe."""

    def __init__(self, *, ssl_context: ssl.SSLContext, keep_alive: int, keep_alive_seconds: float) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=None,
            max_keepalive_connections=keep_alive,
            keepalive_expiry=keep_alive_seconds,
            network_backend=_Network(),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send; the body of the answer is read by whoever wants it. Errors are those of httpx."""
        url = request.url
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=cast("httpx.AsyncByteStream", request.stream),
            extensions=request.extensions,
        )
        with _as_httpx():
            answer = await self._pool.handle_async_request(asked)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=dict(answer.extensions)
        )

    async def aclose(self) -> None:
        """Close every connection."""
        with _as_httpx():
            await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for part in self._answer.aiter_stream():
                yield part

    async def aclose(self) -> None:
        with _as_httpx():
            await self._answer.aclose()


@contextmanager
def _as_httpx() -> Iterator[None]:
    """Both libraries name their errors alike."""
    try:
        yield
    except _FAILURES as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error


class _Network(httpcore.AnyIOBackend):
    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        if local_address is not None or socket_options:
            raise NotImplementedError("the pool above binds no address and sets no options")
        loop = asyncio.get_running_loop()
        async with _failing_as(httpcore.ConnectTimeout, httpcore.ConnectError, timeout):
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            connected = await aiohappyeyeballs.start_connection(
                found, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS, interleave=1
            )
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport, receiver = await loop.create_connection(_Receiver, sock=connected)
        return _Stream(transport, receiver)


@asynccontextmanager
async def _failing_as(too_late: type[Exception], failed: type[Exception], seconds: float | None) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise too_late(str(error)) from error
    except OSError as error:
        raise failed(str(error)) from error


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, transport: asyncio.Transport, receiver: _Receiver) -> None:
        self._transport, self._receiver = transport, receiver
        self._socket: socket.socket | None = transport.get_extra_info("socket")
        self._watched: select.poll | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - all there is
        async with _failing_as(httpcore.ReadTimeout, httpcore.ReadError, timeout):
            return cast("bytes", await self._receiver.read())

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if buffer:
            async with _failing_as(httpcore.WriteTimeout, httpcore.WriteError, timeout):
                await self._receiver.write(buffer)

    async def aclose(self) -> None:
        self._transport.abort()  # nothing is left to send, and nobody waits for the farewell of the other side
        await asyncio.sleep(0)

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        try:
            async with _failing_as(httpcore.ConnectTimeout, httpcore.ConnectError, timeout):
                secured = await loop.start_tls(
                    self._transport, self._receiver, ssl_context, server_hostname=server_hostname
                )
        except BaseException:
            self._transport.abort()
            raise
        if secured is None:
            raise httpcore.ConnectError("closed during the handshake")
        self._receiver.connection_made(secured)
        return _Stream(secured, self._receiver)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        if info == "is_readable":
            return self._receiver.has_something or self._is_readable()
        return self._transport.get_extra_info(info)

    def _is_readable(self) -> bool:
        """Whether the system has something that the loop has not read yet; a closed connection has.

        The pool asks this of each of its connections at each request, so it is made ready for once.
        """
        if self._socket is None or self._socket.fileno() < 0:
            return True
        if not hasattr(select, "poll"):  # Windows, where select knows no limit of descriptors
            return bool(select.select([self._socket.fileno()], [], [], 0)[0])
        if self._watched is None:
            self._watched = select.poll()
            self._watched.register(self._socket.fileno(), select.POLLIN)
        return bool(self._watched.poll(0))


class _Receiver(asyncio.BufferedProtocol):
    """The loop fills the buffer, ``read`` empties it; while it is full the other side waits."""

    def __init__(self) -> None:
        self._buffer, self._spare = memoryview(bytearray(_BUFFER_BYTES)), memoryview(bytearray(_BUFFER_BYTES))
        self._filled = 0
        self._is_paused = self._is_at_end = self._is_lost = False
        self._error: Exception | None = None
        self._arrival: asyncio.Future[None] | None = None
        self._can_write = asyncio.Event()
        self._can_write.set()

    @property
    def has_something(self) -> bool:
        """Bytes that nobody asked for, or the end."""
        return self._filled > 0 or self._is_at_end

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the size is ours
        return self._buffer[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        self._filled += nbytes
        if self._filled == _BUFFER_BYTES:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._is_at_end = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_at_end, self._is_lost, self._error = True, True, exc
        self._can_write.set()
        self._wake()

    def pause_writing(self) -> None:
        self._can_write.clear()

    def resume_writing(self) -> None:
        self._can_write.set()

    async def read(self) -> memoryview:
        """Whatever has arrived, at least one byte; none at the end. Good until the next call: httpcore copies it."""
        if not self.has_something:
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        arrived, self._filled = self._buffer[: self._filled], 0
        self._buffer, self._spare = self._spare, self._buffer
        if self._is_paused and not self._is_lost:
            self._is_paused = False
            self._transport.resume_reading()
        if not arrived and self._error is not None:
            raise ConnectionError(str(self._error)) from self._error
        return arrived

    async def write(self, data: bytes) -> None:
        """Returns once the connection takes more."""
        if self._is_lost:
            raise ConnectionError("the connection is closed")
        self._transport.write(data)
        await self._can_write.wait()

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)
