"""A limit on bytes per second, so that a verification does not take the disk from the work of the day."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from zcc_pipeline.domain.clock import Clock


class Pace:
    """Shared by all threads that read. Without a limit it only counts."""

    def __init__(
        self,
        clock: Clock,
        *,
        bytes_per_second: float | None = None,
        wait: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._clock = clock
        self._rate = bytes_per_second
        self._wait = wait
        self._free_at = clock.monotonic()
        self._lock = Lock()
        self.bytes_read = 0

    def spend(self, size: int) -> None:
        """So many bytes were read; waits until they fit the limit."""
        with self._lock:
            self.bytes_read += size
            if self._rate is None:
                return
            now = self._clock.monotonic()
            self._free_at = max(self._free_at, now) + size / self._rate
            delay = self._free_at - now
        if delay > 0:
            self._wait(delay)
