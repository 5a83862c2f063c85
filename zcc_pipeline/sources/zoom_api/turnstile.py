"""One at a time, the heaviest first."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count


class Turnstile:
    """A lock whose waiters come in by weight, and in order of arrival where they weigh the same."""

    def __init__(self) -> None:
        self._is_taken = False
        self._arrivals = count()
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, weight: float) -> AsyncIterator[None]:
        """Hold it for the length of the block."""
        await self._enter(weight)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, weight: float) -> None:
        if not self._is_taken:
            self._is_taken = True
            return
        mine = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (-weight, next(self._arrivals), mine))
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._leave()  # the turn had been given, and nobody is there to take it
            raise

    def _leave(self) -> None:
        while self._waiting:
            _, _, following = heapq.heappop(self._waiting)
            if not following.done():
                following.set_result(None)
                return
        self._is_taken = False
