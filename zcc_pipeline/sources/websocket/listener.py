"""The loop around connections: a fresh token, connect, listen, and say what time was missed.

Written here rather than with the library's own ``async for``, which would use the address with its dead token again
and end at the first 401.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import PermanentError, TransientError, ZccPipelineError
from zcc_pipeline.domain.events import PushedEvent, zoom_event
from zcc_pipeline.inbox import EventSink
from zcc_pipeline.sources.websocket.config import ListenerConfig, Ticket
from zcc_pipeline.sources.websocket.connection import Connection, Refused
from zcc_pipeline.sources.websocket.gaps import SEEN_NOTE, gap_event
from zcc_pipeline.sources.websocket.wire import open_connection

T = TypeVar("T")

_log = logging.getLogger(__name__)
_random = secrets.SystemRandom().random
_AHEAD_SECONDS = 300.0
_FIRST_PUT_WAIT = 0.1
_LONGEST_PUT_WAIT = 5.0


@dataclass(frozen=True, slots=True)
class ListenerHealth:
    """How the listener is. ``counts`` by what happened; no ids, no names."""

    is_connected: bool
    last_seen: datetime | None
    """Everything that Zoom sent up to here is kept, or lies within a gap that is."""
    counts: dict[str, int]


class Listener:
    """Receives events over a WebSocket and hands each to ``sink``; one per subscription.

    ``token`` gives a new ticket each time it is asked. ``last_seen`` is what an earlier process noted under
    ``SEEN_NOTE``: the time since then becomes a gap at the first connection; without it there is nothing to measure
    from, and what came before is left to polling. ``on_count`` is told each thing that ``ListenerHealth`` counts.
    """

    def __init__(
        self,
        config: ListenerConfig,
        *,
        token: Callable[[], Awaitable[Ticket]],
        sink: EventSink,
        clock: Clock,
        random: Callable[[], float] = _random,
        last_seen: datetime | None = None,
        on_count: Callable[[str], None] = lambda _what: None,
    ) -> None:
        self._config = config
        self._token = token
        self._sink = sink
        self._clock = clock
        self._random = random
        self._last_seen = last_seen
        self._on_count = on_count
        self._counts: Counter[str] = Counter()
        self._newest: Connection | None = None
        self._old: Connection | None = None
        """One that is due and goes on until its successor is alive."""
        self._trusted: Connection | None = None
        """The one whose heartbeats tell what has arrived; none while another might be getting the events already."""
        self._failures = 0
        self._stop = asyncio.Event()

    def health(self) -> ListenerHealth:
        """How things are now."""
        is_connected = any(each is not None and each.is_alive for each in (self._newest, self._old))
        return ListenerHealth(is_connected, self._last_seen, dict(self._counts))

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until ``stop`` is set. ``ConfigurationError`` where Zoom refuses the app before the first connection;
        afterwards a refusal may pass, so it is logged and tried again like any other failure.
        """
        self._stop = stop
        while not stop.is_set():
            reason = await self._attempt()
            if reason == "stop":
                break
            self._count(reason.partition(" ")[0])
            if reason == "planned":
                continue
            wait = self._next_wait()
            _log.warning("websocket: %s; next try in %.1f s", reason, wait)
            await self._unless_stopped(self._clock.sleep(wait))
        await self._close_books()

    def _count(self, what: str) -> None:
        self._counts[what] += 1
        self._on_count(what)

    async def _attempt(self) -> str:
        """One token, one connection; what ended it, in words that carry neither address nor token."""
        trusted = self._trusted
        try:
            ticket = await self._unless_stopped(self._token())
            if ticket is not None:
                self._trusted = None
                socket = await self._unless_stopped(open_connection(self._config, ticket.value))
                return "stop" if socket is None else await self._listen(socket, ticket, trusted)
        except InvalidStatus as error:
            self._trusted = trusted
            return _in_words(error)
        except (Refused, WebSocketException, OSError) as error:
            return _in_words(error)
        except ZccPipelineError as error:
            is_for_good = not isinstance(error, (TransientError, PermanentError))
            if is_for_good and not self._counts["connected"]:
                raise
            return f"token {type(error).__name__}"
        return "stop"

    async def _listen(self, socket: ClientConnection, ticket: Ticket, before: Connection | None) -> str:
        ahead = min(_AHEAD_SECONDS, ticket.good_for_seconds / 2)
        is_next = self._old is not None and before is self._old
        connection = Connection(
            socket,
            self._config,
            life_seconds=min(self._config.connection_seconds, ticket.good_for_seconds - ahead),
            clock=self._clock,
            count=self._count,
            on_alive=lambda: self._connected(connection, is_next=is_next),
            on_event=self._received,
            on_seen=lambda at: self._saw(connection, at),
        )
        self._newest = self._trusted = connection
        try:
            reason = await connection.until_over(self._stop)
            if reason == "planned":
                self._old = connection
            return reason
        finally:
            if connection.has_proven_itself:
                self._failures = 0
            if self._old is not connection:
                await connection.leave()

    async def _connected(self, connection: Connection, *, is_next: bool) -> None:
        """The first sign of life: from here on nothing is missed, and what may have been is said.

        Nothing was where the connection before this one (``is_next``: no other came between) went on until this one
        stood, and everything sent over it is kept.
        """
        old, self._old = self._old, None
        is_seamless = False
        if old is not None:
            is_kept = await old.leave(proving=True)
            is_seamless = is_next and is_kept and old.ended is not None and old.ended >= connection.opened
        if not is_seamless:
            await self._keep_gap(self._clock.now())
        self._count("connected")
        _log.info("websocket: connected")

    async def _received(self, body: bytes, at: datetime) -> None:
        event = zoom_event(body, intake="websocket", received_at=at)
        await self._keep(event)
        self._count("event")

    def _saw(self, connection: Connection, at: datetime) -> None:
        if connection is not self._trusted:
            return
        if self._last_seen is None or at > self._last_seen:
            self._last_seen = at
        self._sink.note(SEEN_NOTE, self._last_seen)

    async def _keep_gap(self, until: datetime) -> None:
        if self._last_seen is not None and self._last_seen != until:
            await self._keep(gap_event(self._last_seen, until, received_at=until))
            self._count("gap")
        self._last_seen = until
        self._sink.note(SEEN_NOTE, until)

    async def _keep(self, event: PushedEvent) -> None:
        """Until it is kept: nothing else is read meanwhile, so the sender is held back rather than forgotten."""
        wait = _FIRST_PUT_WAIT
        while True:
            try:
                await self._sink.put(event)
            except TransientError as error:
                self._count("inbox_unavailable")
                _log.warning("websocket: an event waits for the inbox (%s)", type(error).__name__)
            else:
                return
            await self._clock.sleep(wait * (0.5 + 0.5 * self._random()))
            wait = min(wait * 2, _LONGEST_PUT_WAIT)

    async def _close_books(self) -> None:
        """The time between the last answered heartbeat and a clean stop is a gap too; an inbox that does not answer
        is not waited for, as the next start then says it.
        """
        if self._old is not None:
            await self._old.leave()
        if self._counts["connected"]:
            closing = self._keep_gap(self._clock.now())
            await _first_of(closing, self._clock.sleep(self._config.drain_seconds))

    def _next_wait(self) -> float:
        ceiling = self._config.first_wait_seconds * 2.0 ** min(self._failures, 30)
        self._failures += 1
        return min(ceiling, self._config.longest_wait_seconds) * self._random()

    async def _unless_stopped(self, work: Awaitable[T]) -> T | None:
        """The outcome of the work, or ``None`` as soon as somebody wants to stop."""
        return await _first_of(work, self._stop.wait())


def _in_words(error: Exception) -> str:
    """Why a connection ended, by a word that can be counted, then a code: never the library's own text, which may
    quote the address.
    """
    if isinstance(error, Refused):
        return f"refused in {error}"
    if isinstance(error, InvalidStatus):
        return f"refused {error.response.status_code}"
    if isinstance(error, ConnectionClosed):
        frame = error.rcvd or error.sent
        return f"closed {frame.code if frame else 'without a word'}"
    return f"network {type(error).__name__}"


async def _first_of(work: Awaitable[T], other: Awaitable[object]) -> T | None:
    """The outcome of the work, or ``None`` where the other ended first. Neither outlives this call."""
    working, waiting = asyncio.ensure_future(work), asyncio.ensure_future(other)
    try:
        await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        for task in (working, waiting):
            task.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)
