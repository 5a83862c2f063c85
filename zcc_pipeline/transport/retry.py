"""Trying again, with back-off and jitter, bounded by attempts and by total time.

Written here rather than taken from a library because every wait has to go through the injected clock: tests of
minutes of back-off take milliseconds, and a story told with a shifted clock stays true.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import QuotaExhausted, TransientError

T = TypeVar("T")

_random = secrets.SystemRandom().random


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long. Times are seconds."""

    attempts: int = 7
    total_seconds: float = 180.0
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 20.0

    def wait_seconds(self, attempt: int, *, asked: float | None, jitter: float) -> float:
        """Wait after the given failed attempt (1 is the first); ``jitter`` is a random number in [0, 1).

        Where the server asked for a time, never less than that, and a little more so that callers do not come
        back all at once.
        """
        grown = min(self.first_wait_seconds * 2.0 ** min(attempt - 1, 30), self.longest_wait_seconds)
        if asked is not None:
            return asked + self.first_wait_seconds * jitter
        return grown * (0.5 + 0.5 * jitter)


async def retry(
    operation: Callable[[], Awaitable[T]],
    *,
    policy: RetryPolicy,
    clock: Clock,
    jitter: Callable[[], float] = _random,
) -> T:
    """Run until it succeeds, fails for good, or the policy is used up; then the last error is raised as it came.

    Only ``TransientError`` is tried again. ``QuotaExhausted`` is not: its wait is hours, and the caller pauses.
    """
    started = clock.monotonic()
    attempt = 0
    while True:
        attempt += 1
        try:
            return await operation()
        except QuotaExhausted:
            raise
        except TransientError as error:
            wait = policy.wait_seconds(attempt, asked=error.retry_after_seconds, jitter=jitter())
            if attempt >= policy.attempts or clock.monotonic() - started + wait > policy.total_seconds:
                raise
        await clock.sleep(wait)
