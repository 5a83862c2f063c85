"""The promise as a whole: whatever happens, an event is kept, or the time it happened at lies in a gap that is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from random import Random

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from zcc_pipeline_tests.integration.websocket.loopback import (
    ANSWER,
    SOON_SILENT,
    Listening,
    MemorySink,
    Tokens,
    as_object,
    as_string,
    refuse,
    serving,
)

pytestmark = pytest.mark.integration


class Source:
    """Something happens every few milliseconds; whoever is connected at that moment is told, nobody later."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.happened: list[datetime] = []
        self.connected: ServerConnection | None = None
        self.is_mute = False
        self.closing: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        while True:
            self.happened.append(datetime.now(UTC))
            number = len(self.happened) - 1
            told = self.connected
            if told is not None and not self.is_mute:
                frame = (as_string if self.random.random() < 0.5 else as_object)(number)
                try:
                    await told.send(frame)
                except ConnectionClosed:
                    if self.connected is told:  # a newer one may have come meanwhile
                        self.connected = None
            await asyncio.sleep(0.002)

    async def serve(self, socket: ServerConnection) -> None:
        """Live for a while, then end in one of the ways a connection can end; a newer one may end the older."""
        if self.connected is not None and self.random.random() < 0.5:
            self.closing.append(asyncio.create_task(self.connected.close(1001)))
        self.connected, self.is_mute = socket, False
        life = 0.05 + self.random.random() * 0.3
        ending = self.random.choice((self._cut, self._close, self._fall_silent, self._go_on))
        answering = asyncio.create_task(self._answer(socket))
        await asyncio.sleep(life)
        await ending(socket)
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        if self.connected is socket:
            self.connected = None

    async def _answer(self, socket: ServerConnection) -> None:
        async for _ in socket:
            if not self.is_mute:
                await socket.send(ANSWER)

    async def _cut(self, socket: ServerConnection) -> None:
        socket.transport.abort()

    async def _close(self, socket: ServerConnection) -> None:
        await socket.close(self.random.choice((1000, 1001, 1008, 1011)))

    async def _fall_silent(self, socket: ServerConnection) -> None:
        self.is_mute = True
        await socket.wait_closed()

    async def _go_on(self, socket: ServerConnection) -> None:
        await socket.wait_closed()


async def break_inbox_now_and_then(sink: MemorySink, random: Random) -> None:
    while True:
        await asyncio.sleep(random.random() * 0.6)
        sink.is_broken = True
        await asyncio.sleep(random.random() * 0.3)
        sink.is_broken = False


async def live(seed: int, seconds: float) -> tuple[Source, list[MemorySink]]:
    """Two processes one after the other, the second told what the first had seen."""
    random = Random(seed)
    source = Source(random)
    script: Callable[[ServerConnection], Awaitable[None]] = source.serve
    plan = [refuse(random.choice((401, 503))) if random.random() < 0.3 else script for _ in range(500)]
    sinks = [MemorySink(), MemorySink()]
    seen = datetime.now(UTC)
    happening = asyncio.create_task(source.run())
    async with serving(*plan) as server:
        for sink in sinks:
            breaking = asyncio.create_task(break_inbox_now_and_then(sink, random))
            async with Listening(
                server,
                sink,
                last_seen=seen,
                tokens=Tokens(good_for_seconds=0.8),
                drain_seconds=0.3,
                silent_heartbeats=SOON_SILENT,
            ) as work:
                await asyncio.sleep(seconds)
                breaking.cancel()
                await asyncio.gather(breaking, return_exceptions=True)
                sink.is_broken = sink is sinks[0] and random.random() < 0.5
            await asyncio.sleep(0.1)
            seen = max((seen, *sink.notes.values()))
    happening.cancel()
    await asyncio.gather(happening, *source.closing, return_exceptions=True)
    assert work.listener.health().counts["connected"]
    return source, sinks


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_not_kept_lies_within_a_gap(seed: int) -> None:
    source, sinks = asyncio.run(live(seed, seconds=1.5))
    kept = {engagement for sink in sinks for engagement in sink.engagements()}
    gaps = [gap for sink in sinks for gap in sink.gaps()]
    ended = max(end for _, end in gaps)
    missed = [at for number, at in enumerate(source.happened) if f"e{number}" not in kept and at < ended]
    assert len(kept) > 50
    assert len(missed) > 20
    assert [at for at in missed if not any(start <= at <= end for start, end in gaps)] == []
