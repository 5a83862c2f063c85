"""Rate limits: calls within a rolling window, calls at once, and what is too much."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["window", "concurrency", "storm", "daily"]


@dataclass(frozen=True, slots=True)
class Limit:
    """So many calls within any span of so many seconds; of those under one label."""

    calls: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Exceeded:
    """Why a call is one too many, for the CRM to put into its own words."""

    kind: Kind
    label: str
    limit: int
    seconds: float
    """Length of the window; 0 where there is none."""
    retry_after: float
    """Seconds until a call would pass; 0 where the CRM could not know (``daily``: until the day is over)."""


class Limits:
    """Counts calls against their limits. ``calls_at_once`` 0 means any number."""

    def __init__(self, limits: Mapping[str, Limit], *, calls_at_once: int = 0, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self.in_flight = 0
        self.most_at_once = 0
        self.configure(limits, calls_at_once=calls_at_once)

    def configure(self, limits: Mapping[str, Limit], *, calls_at_once: int = 0) -> None:
        """Start over with other limits."""
        self.limits = dict(limits)
        self.calls_at_once = calls_at_once
        self._taken: dict[str, deque[float]] = {label: deque() for label in limits}

    def take(self, label: str) -> Exceeded | None:
        """Count one call; why not, where it is one too many (that one does not count)."""
        if self.calls_at_once and self.in_flight > self.calls_at_once:
            return Exceeded("concurrency", label, self.calls_at_once, 0, 1)
        limit = self.limits.get(label)
        if limit is None:
            return None
        now, taken = self._monotonic(), self._taken[label]
        while taken and now - taken[0] >= limit.seconds:
            taken.popleft()
        if len(taken) >= limit.calls:
            return Exceeded("window", label, limit.calls, limit.seconds, limit.seconds - (now - taken[0]))
        taken.append(now)
        return None

    def left(self, label: str) -> int | None:
        """Calls that would pass now; None without a limit."""
        limit = self.limits.get(label)
        if limit is None:
            return None
        now = self._monotonic()
        return limit.calls - sum(1 for at in self._taken[label] if now - at < limit.seconds)
