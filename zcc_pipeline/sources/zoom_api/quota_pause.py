"""A used-up quota: who has the time waits until it is refilled, and goes on with the very call that was refused.

For commands that somebody started. Runs that schedules start do not wait: they would keep the next ones from their work
for hours.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import QuotaExhausted
from zcc_pipeline.domain.ports import Progress
from zcc_pipeline.sources.zoom_api.governor import seconds_to_midnight

T = TypeVar("T")

_log = logging.getLogger(__name__)

MARGIN_SECONDS = 60.0
"""Waited for beyond the named time: asked by a clock that is ahead, Zoom would still say no, and until the next day."""

_LONGEST_SLEEP_SECONDS = 600.0
"""Then the clock is looked at again: a machine that slept meanwhile is not waited for a second time."""


class QuotaPause:
    """Waits, and says until when."""

    def __init__(self, clock: Clock, progress: Progress) -> None:
        self._clock, self._progress = clock, progress
        self._told_until: datetime | None = None

    async def when_refilled(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Run it as often as it takes; ``QuotaExhausted`` never comes out of here."""
        while True:
            try:
                return await operation()
            except QuotaExhausted as error:
                await self._wait(error)

    async def _wait(self, error: QuotaExhausted) -> None:
        now = self._clock.now()
        seconds = error.retry_after_seconds or seconds_to_midnight(now)
        until = now + timedelta(seconds=seconds + MARGIN_SECONDS)
        task = f"Zoom's quota is used up, waiting until {until:%Y-%m-%d %H:%M} UTC"
        self._tell(task, until)
        self._progress.start(task, None)
        try:
            while (left := (until - self._clock.now()).total_seconds()) > 0:
                await self._clock.sleep(min(left, _LONGEST_SLEEP_SECONDS))
        finally:
            self._progress.finish(task)

    def _tell(self, task: str, until: datetime) -> None:
        """Once for all calls that wait for the same.

        Without a terminal there are no bars and no warnings, and hours of silence look like a hang.
        """
        if self._told_until is None or until > self._told_until + timedelta(seconds=MARGIN_SECONDS):
            self._told_until = until
            _log.error(task)
