"""One connection from its opening to its end.

What is known to have arrived is measured by heartbeats: frames come in order, so when the answer to a heartbeat is
here, so is everything that Zoom sent before it read that heartbeat.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime

from websockets.asyncio.client import ClientConnection

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.sources.websocket.config import ListenerConfig
from zcc_pipeline.sources.websocket.frames import Alive, EventFrame, Refusal, read_frame

HEARTBEAT = '{"module":"heartbeat"}'


class Refused(Exception):
    """Zoom refuses the token in a frame of its own."""


class Connection:
    """Reads one socket until it, the caller or time ends it."""

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

    @property
    def has_proven_itself(self) -> bool:
        """Whether it lived for a heartbeat's length: the answer to the one sent at once is not enough.

        Otherwise two listeners that throw each other out would do so every second.
        """
        return self._answers > 1

    async def run(self, stop: asyncio.Event) -> str:
        """Go on until there is a reason to end it on purpose, which is returned: ``stop``, ``planned``, ``silent``.

        Raises what ended it otherwise: ``ConnectionClosed`` or ``Refused``.
        """
        reading = asyncio.create_task(self._read())
        beating = asyncio.create_task(self._beat())
        stopping = asyncio.create_task(stop.wait())
        tasks = (reading, beating, stopping)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if beating.done() and beating.exception() is not None:
                # The socket closed under the heartbeat; what it brought before is still to be read.
                await asyncio.wait((reading, stopping), return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
            reason = "stop" if stopping.done() else beating.result()
            await self._say_goodbye(reading)
            return reason
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._socket.close()

    async def _say_goodbye(self, reading: asyncio.Task[None]) -> None:
        """Close, and give what has arrived the time to be kept; what is not kept lies within the gap that follows."""
        await self._socket.close()
        patience = asyncio.ensure_future(self._clock.sleep(self._config.drain_seconds))
        await asyncio.wait((reading, patience), return_when=asyncio.FIRST_COMPLETED)
        patience.cancel()

    async def _beat(self) -> str:
        while True:
            self._unanswered.append(self._clock.now())
            await self._socket.send(HEARTBEAT)
            left = self._dies - self._clock.monotonic()
            beat = self._config.heartbeat_seconds
            await self._clock.sleep(min(beat, left) if left > 0 else beat)
            if self._is_handling:
                continue  # the inbox makes us wait: neither silence nor a reason to leave what has been sent to us
            now = self._clock.monotonic()
            if now >= self._dies:
                return "planned"
            if now - self._heard > beat * self._config.silent_heartbeats:
                return "silent"

    async def _read(self) -> None:
        while True:
            data = await self._socket.recv(decode=False)
            self._is_handling = True
            await self._handle(data)
            self._is_handling = False
            # From here, not from the arrival: while a full inbox made us wait, nobody was silent but us.
            self._heard = self._clock.monotonic()

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
