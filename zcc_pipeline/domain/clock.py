"""Time as something handed in, so that tests bring their own."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What rooms may ask about time."""

    def now(self) -> datetime:
        """Current time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; for durations only."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Current time, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait without blocking other tasks."""
        await asyncio.sleep(seconds)


class ShiftedClock(SystemClock):
    """The machine's time plus a shift that can grow; lets a story of weeks be told in seconds."""

    def __init__(self, shift: timedelta = timedelta(0)) -> None:
        self.shift = shift

    def now(self) -> datetime:
        """Current time plus the shift."""
        return super().now() + self.shift
