"""The rate governor: nobody sends before there is a slot, and live work never waits behind a backfill.

Slots come from the ``RateBudget`` that all processes share. Three things are added to it here:

- **Even pace.** Slots are a little further apart than the limit asks, and this process never starts more calls in
  any one second than the account may. So a server that measures a sliding second sees no excess, even when a late
  event loop catches up.
- **Priority.** Live work takes its slot at once, however far ahead it lies. A backfill takes a slot only when it is
  next, and asks again otherwise. So the queue in front of a live call is never longer than one backfill call,
  however many backfills run, and a backfill alone still gets every slot: the reserve costs nothing while nobody
  needs it.
- **The daily budget of HEAVY calls** is different: what is spent is gone until midnight UTC. There a backfill
  leaves a fifth.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, time, timedelta

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.datasets import Label
from zcc_pipeline.domain.errors import QuotaExhausted, TransientError
from zcc_pipeline.domain.ports import RateBudget
from zcc_pipeline.sources.zoom_api.config import RATES_PER_SECOND, ZoomApiConfig
from zcc_pipeline.sources.zoom_api.turnstile import Turnstile

JITTER_SECONDS = 0.03
"""By how much two calls may move towards each other on their way before the limit would be passed."""

PATIENCE_SECONDS = 90.0
"""A slot further away than this is not waited for: the caller pauses and resumes."""

BACKFILL_DAILY_SHARE = 0.8
"""Of our daily HEAVY budget; the rest is kept for live work."""

REST_SECONDS = 1.0

_SHORTEST_SLEEP = 0.001


class Governor:
    """Hands out the right to make one call. ``live`` says which side of the reserve this process is on."""

    def __init__(self, config: ZoomApiConfig, *, budget: RateBudget, clock: Clock, live: bool) -> None:
        self._config = config
        self._budget = budget
        self._clock = clock
        self._live = live
        self._turns = {label: Turnstile() for label in Label}
        self._under_way = asyncio.Semaphore(config.max_concurrency)
        self._recent: dict[Label, deque[float]] = {}
        if config.plan != "unlimited":
            self._recent = {label: deque(maxlen=RATES_PER_SECOND[config.plan][label]) for label in Label}

    @asynccontextmanager
    async def slot(self, label: Label, *, weight: float = 0.0) -> AsyncIterator[None]:
        """Wait for the right to make one call, and make it inside; ``QuotaExhausted`` where that is hours away.

        Among the calls of this process that wait, the one with the greatest ``weight`` goes first. No more calls than
        ``max_concurrency`` are inside at once.
        """
        if self._live or self._config.plan == "unlimited":
            async with self._under_way:
                await self._take(label)
                yield
            return
        async with self._turns[label].turn(weight):  # one asks the budget, the others wait for nothing
            await self._under_way.acquire()
            try:
                await self._take(label)
            except BaseException:
                self._under_way.release()
                raise
        try:
            yield
        finally:
            self._under_way.release()

    def rest(self, label: Label, refused: TransientError) -> None:
        """After a 429: no process uses this label before the time that Zoom named, or for a second where it
        named none."""
        if self._config.plan != "unlimited":
            seconds = refused.retry_after_seconds or REST_SECONDS
            self._budget.block(label, until=self._clock.now().timestamp() + seconds)

    async def _take(self, label: Label) -> None:
        if self._config.plan == "unlimited":
            return
        await self._wait_for_slot(label)
        await self._keep_to_any_second(label)
        if label is Label.HEAVY:
            self._spend_daily()

    async def _wait_for_slot(self, label: Label) -> None:
        interval, burst = pace(self._config, label)
        horizon = PATIENCE_SECONDS if self._live else interval
        while True:
            now = self._clock.now().timestamp()
            latest = now + horizon
            at = self._budget.reserve(label, interval_seconds=interval, burst=burst, now=now, not_later_than=latest)
            if at - now > PATIENCE_SECONDS:
                until = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
                raise QuotaExhausted(f"no more {label} calls before {until}", retry_after_seconds=at - now)
            if at <= latest:
                if at > now:
                    await self._clock.sleep(at - now)
                return
            await self._clock.sleep(max(at - latest, _SHORTEST_SLEEP))

    async def _keep_to_any_second(self, label: Label) -> None:
        recent = self._recent[label]
        while len(recent) == recent.maxlen:
            wait = recent[0] + 1.0 + JITTER_SECONDS / 2 - self._clock.monotonic()
            if wait <= 0:
                break
            await self._clock.sleep(wait)
        recent.append(self._clock.monotonic())

    def _spend_daily(self) -> None:
        cap = self._config.heavy_calls_per_day()
        if cap is None:
            return
        now = self._clock.now()
        allowed = cap if self._live else int(cap * BACKFILL_DAILY_SHARE)
        if not self._budget.spend_daily(now.date(), amount=1, cap=allowed):
            raise QuotaExhausted(
                f"the daily budget of HEAVY calls is used up ({allowed} of {cap})",
                retry_after_seconds=seconds_to_midnight(now),
            )


def pace(config: ZoomApiConfig, label: Label) -> tuple[float, int]:
    """Seconds between two slots of a label, and how many that were missed may be caught up at once.

    Both together never pass the account's limit in any second, and catching up never takes more than a quarter of
    a second's share.
    """
    limit = RATES_PER_SECOND[config.plan][label]
    interval = max((1.0 + JITTER_SECONDS) / limit, 1.0 / (limit * config.rate_share))
    return interval, max(1, min(int((limit - 1.0 / interval) / 2), int(0.25 / interval)))


def seconds_to_midnight(now: datetime) -> float:
    """Until the next day begins in UTC, when Zoom's daily limits start anew."""
    midnight = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
    return (midnight - now).total_seconds()
