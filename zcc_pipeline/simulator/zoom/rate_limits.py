"""Zoom Contact Center's rate limits, per account and label, and the 429 answers in every documented form.

Figures: https://developers.zoom.us/docs/api/rate-limits/ (February 2026), table for Contact Center. How Zoom counts
inside a second is not published; here a bucket of one second's worth is refilled evenly, so an even pace at the limit
always passes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import StrEnum
from typing import Literal

from zcc_pipeline.simulator.zoom.answers import CallRefusedError, Header, refuse

Plan = Literal["pro", "business", "unlimited"]
Label = Literal["LIGHT", "MEDIUM", "HEAVY"]

CALLS_PER_SECOND: dict[str, dict[Label, float]] = {
    "pro": {"LIGHT": 20, "MEDIUM": 10, "HEAVY": 5},
    "business": {"LIGHT": 40, "MEDIUM": 20, "HEAVY": 10},
    "unlimited": {},
}
HEAVY_CALLS_PER_DAY: dict[str, int | None] = {"pro": 15_000, "business": 30_000, "unlimited": None}

_PER_SECOND = "You have reached the maximum per-second rate limit for this API. Try again later."
_PER_DAY = (
    "You have reached the maximum daily rate limit for this API. "
    "Refer to the response header for details on when you can make another request."
)


class RetryForm(StrEnum):
    """How a per-second 429 says when to come back; clients have met each of them."""

    SECONDS = "seconds"
    HTTP_DATE = "http_date"
    RESET_ONLY = "reset_only"  # X-RateLimit-Reset, no Retry-After
    SILENT = "silent"  # no header at all


@dataclass(slots=True)
class _Bucket:
    per_second: float
    tokens: float
    filled_at: float


class RateLimits:
    """One account's limits; every app of the account shares them."""

    def __init__(
        self,
        plan: Plan,
        *,
        monotonic: Callable[[], float],
        wall_clock: Callable[[], datetime],
        heavy_per_day: int | None = None,
    ) -> None:
        self._monotonic = monotonic
        self._wall_clock = wall_clock
        self._turn = 0
        self.retry_forms: tuple[RetryForm, ...] = tuple(RetryForm)
        self.configure(plan, heavy_per_day=heavy_per_day)

    def configure(
        self,
        plan: Plan,
        *,
        per_second: dict[Label, float] | None = None,
        heavy_per_day: int | None = None,
    ) -> None:
        """Start over with a plan's limits, or others where given."""
        self.plan: Plan = plan
        limits = CALLS_PER_SECOND[plan] | (per_second or {})
        now = self._monotonic()
        self._buckets = {label: _Bucket(limit, max(1.0, limit), now) for label, limit in limits.items()}
        self.heavy_per_day = heavy_per_day if heavy_per_day is not None else HEAVY_CALLS_PER_DAY[plan]
        self.heavy_used_today = 0
        self._day = self._wall_clock().date()

    def take(self, label: Label) -> CallRefusedError | None:
        """Count one call; the 429 to answer with where it is one too many."""
        if label == "HEAVY" and (refusal := self._take_from_day()) is not None:
            return refusal
        bucket = self._buckets.get(label)
        if bucket is not None and not self._draw(bucket):
            return self.refuse_second(label)
        if label == "HEAVY":
            self.heavy_used_today += 1
        return None

    def _draw(self, bucket: _Bucket) -> bool:
        now = self._monotonic()
        capacity = max(1.0, bucket.per_second)
        bucket.tokens = min(capacity, bucket.tokens + (now - bucket.filled_at) * bucket.per_second)
        bucket.filled_at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def refuse_second(self, label: Label) -> CallRefusedError:
        """A per-second 429, in the next of the forms."""
        form = self.retry_forms[self._turn % len(self.retry_forms)]
        self._turn += 1
        limit = self._buckets[label].per_second if label in self._buckets else 0
        again_at = self._wall_clock() + timedelta(seconds=1)
        quota = [
            (b"X-RateLimit-Category", label.capitalize().encode()),
            (b"X-RateLimit-Type", b"QPS"),
            (b"X-RateLimit-Limit", b"%d" % int(limit)),
            (b"X-RateLimit-Remaining", b"0"),
        ]
        headers: dict[RetryForm, list[Header]] = {
            RetryForm.SECONDS: [*quota, (b"Retry-After", b"1")],
            RetryForm.HTTP_DATE: [(b"Retry-After", format_datetime(again_at, usegmt=True).encode())],
            RetryForm.RESET_ONLY: [*quota, (b"X-RateLimit-Reset", b"%d" % (int(again_at.timestamp()) + 1))],
            RetryForm.SILENT: [],
        }
        return refuse(429, 429, _PER_SECOND, headers=headers[form])

    def _take_from_day(self) -> CallRefusedError | None:
        now = self._wall_clock()
        if now.date() != self._day:
            self._day, self.heavy_used_today = now.date(), 0
        if self.heavy_per_day is None or self.heavy_used_today < self.heavy_per_day:
            return None
        midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
        return refuse(
            429,
            429,
            _PER_DAY,
            headers=[
                (b"X-RateLimit-Category", b"Heavy"),
                (b"X-RateLimit-Type", b"Daily-limit"),
                (b"X-RateLimit-Limit", b"%d" % self.heavy_per_day),
                (b"X-RateLimit-Remaining", b"0"),
                (b"Retry-After", midnight.strftime("%Y-%m-%dT%H:%M:%SZ").encode()),
            ],
        )
