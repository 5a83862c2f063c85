"""One connection from its opening to its end.

What is known to have arrived is measured by heartbeats: frames come in order, so when the answer to a heartbeat is
here, so is everything that Zoom sent before it read that heartbeat.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.sources.websocket.config import ListenerConfig
from zcc_pipeline.sources.websocket.frames import Alive, EventFrame, Refusal, read_frame

HEARTBEAT = '{"module":"heartbeat"}'


class Refused(Exception):
    """Zoom refuses the token in a frame of its own."""


class Connection:
    """Reads one socket from its making on, until it ends by itself or is left."""

    def __init__(
        self,
        socket: ClientConnection,
        config: ListenerConfig,
        *,
        life_seconds: float,
        clock: Clock,
        count: Callable[[str], None],
        on_alive: Callable[[], Awaitable[None]],
        on_event: Callable[[bytes, datetime], Awaitable[None]],
        on_seen: Callable[[datetime], None],
    ) -> None:
        self._socket = socket
        self._config = config
        self._clock = clock
        self._count = count
        self._on_alive = on_alive
        self._on_event = on_event
        self._on_seen = on_seen
        self._dies = clock.monotonic() + life_seconds
        self._heard = clock.monotonic()
        self._is_handling = False
        self._is_alive = False
        self._unanswered: deque[datetime] = deque()
        self._answers = 0
        self._all_answered = asyncio.Event()
        self._is_due = asyncio.Event()
        self.opened = clock.monotonic()
        self.ended: float | None = None
        self._reading = asyncio.create_task(self._read())
        self._beating = asyncio.create_task(self._beat())

    @property
    def is_alive(self) -> bool:
        """Whether it has shown a sign of life and has not ended."""
        return self._is_alive and self.ended is None

    @property
    def has_proven_itself(self) -> bool:
        """Whether it lived for a heartbeat's length: the answer to the one sent at once is not enough.

        Otherwise two listeners that throw each other out would do so every second.
        """
        return self._answers > 1

    async def until_over(self, stop: asyncio.Event) -> str:
        """Wait for a reason to leave it: ``stop``, ``silent``, or ``planned``: due to be replaced, and still good.

        Raises what ended it otherwise: ``ConnectionClosed`` or ``Refused``.
        """
        stopping, due = asyncio.create_task(stop.wait()), asyncio.create_task(self._is_due.wait())
        try:
            await asyncio.wait((self._reading, self._beating, stopping, due), return_when=asyncio.FIRST_COMPLETED)
            if self._beating.done() and self._beating.exception() is not None:
                # The socket closed under the heartbeat; what it brought before is still to be read.
                await asyncio.wait((self._reading, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancel(stopping, due)
        if self._reading.done():
            self._reading.result()
        if stop.is_set():
            return "stop"
        return "silent" if self._beating.done() else "planned"

    async def leave(self, *, proving: bool = False) -> bool:
        """Say good-bye, and give what has arrived the time to be kept.

        Whether everything that was sent over it is kept: every heartbeat was answered, with ``proving`` one more that
        is sent now, and the other side has said good-bye too, after the last event.
        """
        patience = asyncio.create_task(self._patience())
        self._beating.cancel()  # or a heartbeat that crosses the good-bye would stay without its answer
        try:
            if proving and not self._reading.done():
                await self._prove(patience)
            await self._socket.close()
            await asyncio.wait((self._reading, patience), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancel(self._reading, self._beating, patience)
        error = None if self._reading.cancelled() else self._reading.exception()
        return not self._unanswered and isinstance(error, ConnectionClosed) and error.rcvd is not None

    async def _prove(self, patience: asyncio.Task[None]) -> None:
        """Until every heartbeat is answered, one sent now among them, or that can no longer be."""
        proof = asyncio.create_task(self._until_all_answered())
        await asyncio.wait((self._reading, proof, patience), return_when=asyncio.FIRST_COMPLETED)
        await _cancel(proof)
        if self._reading.done() and self._unanswered:
            self._unanswered.pop()  # the other side ended it meanwhile, and its good-bye proves as much

    async def _until_all_answered(self) -> None:
        await self._send_heartbeat()
        await self._all_answered.wait()

    async def _send_heartbeat(self) -> None:
        self._unanswered.append(self._clock.now())
        self._all_answered.clear()
        await self._socket.send(HEARTBEAT)

    async def _patience(self) -> None:
        await self._clock.sleep(self._config.close_seconds + self._config.drain_seconds)

    async def _beat(self) -> None:
        """Until there is nothing but silence."""
        while True:
            await self._send_heartbeat()
            left = self._dies - self._clock.monotonic()
            beat = self._config.heartbeat_seconds
            await self._clock.sleep(min(beat, left) if left > 0 else beat)
            if self._is_handling:
                continue  # the inbox makes us wait: neither silence nor a reason to leave what has been sent to us
            now = self._clock.monotonic()
            if now >= self._dies:
                self._is_due.set()
            if now - self._heard > beat * self._config.silent_heartbeats:
                return

    async def _read(self) -> None:
        try:
            while True:
                data = await self._socket.recv(decode=False)
                self._is_handling = True
                await self._handle(data)
                self._is_handling = False
                # From here, not from the arrival: while a full inbox made us wait, nobody was silent but us.
                self._heard = self._clock.monotonic()
        finally:
            self.ended = self._clock.monotonic()

    async def _handle(self, data: bytes) -> None:
        frame = read_frame(data)
        if isinstance(frame, Refusal):
            raise Refused(frame.module)
        if isinstance(frame, EventFrame):
            await self._alive()
            await self._on_event(frame.body, self._clock.now())
        elif isinstance(frame, Alive):
            await self._alive()
            if frame.is_answer:
                self._answered()
        else:
            self._count("unknown_module")

    async def _alive(self) -> None:
        if not self._is_alive:
            await self._on_alive()
            self._is_alive = True

    def _answered(self) -> None:
        self._count("heartbeat")
        if self._unanswered:
            self._answers += 1
            self._on_seen(self._unanswered.popleft())
            if not self._unanswered:
                self._all_answered.set()


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
