"""Keeping below a CRM's rate limit, so that calls are not spent on being refused."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from zcc_pipeline.domain.clock import Clock


@dataclass(frozen=True, slots=True)
class Pace:
    """At most so many calls within any span of so many seconds."""

    calls: int
    seconds: float


class Pacer:
    """Hands out the moments at which calls may leave; whoever takes one keeps it."""

    def __init__(self, pace: Pace, clock: Clock) -> None:
        self._pace = pace
        self._clock = clock
        self._taken: deque[float] = deque(maxlen=pace.calls)

    def reserve(self) -> float:
        """Take the next free moment; returns the seconds until then."""
        now = self._clock.monotonic()
        at = now
        if len(self._taken) == self._pace.calls:
            at = max(now, self._taken[0] + self._pace.seconds)
        self._taken.append(at)
        return at - now
