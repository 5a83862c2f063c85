"""Half-open spans of time, and days in the account's time zone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_TIME_FROM = datetime(2200, 1, 1, tzinfo=UTC)
_MILLISECOND_DIGITS = range(12, 14)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """``[start, end)``, both aware and in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs aware times")
        if self.end <= self.start:
            raise ValueError(f"a window must not be empty: {self.start} .. {self.end}")

    @property
    def duration(self) -> timedelta:
        """Length."""
        return self.end - self.start

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def split(self, parts: int) -> list[Window]:
        """Equal parts on whole seconds, covering exactly this window; fewer if it is too short."""
        seconds = int(self.duration.total_seconds())
        parts = max(1, min(parts, seconds))
        cuts = [self.start + timedelta(seconds=seconds * i // parts) for i in range(parts)] + [self.end]
        return [Window(a, b) for a, b in pairwise(cuts)]


def day_window(day: date, timezone: ZoneInfo) -> Window:
    """The day as people of that time zone mean it: 23, 24 or 25 hours."""
    start = datetime(day.year, day.month, day.day, tzinfo=timezone)
    following = day + timedelta(days=1)
    end = datetime(following.year, following.month, following.day, tzinfo=timezone)
    return Window(start.astimezone(UTC), end.astimezone(UTC))


def day_of(moment: datetime, timezone: ZoneInfo) -> date:
    """The day that a moment falls on."""
    return moment.astimezone(timezone).date()


def trailing_days(today: date, count: int, *, limit: date | None) -> tuple[date, date]:
    """From ``count`` days before today, or from ``limit`` where that is later, up to today."""
    first = today - timedelta(days=count)
    return max(first, limit or first), today


def iter_days(first: date, last: date) -> Iterator[date]:
    """Days from first to last, both included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def parse_time(text: str) -> datetime:
    """An ISO 8601 time as Zoom writes it (``Z``, an offset, or neither, which is UTC because we always ask for UTC)."""
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def time_or_none(text: str | None) -> datetime | None:
    """The same for a time in a record, where anything may stand: also as epoch milliseconds in digits.

    None where there is none or nobody can read it. Times before 1970 or after 2199 are no times either: they come from
    broken clocks and would only make odd days.
    """
    try:
        moment = _parse_any(text or "")
    except (ValueError, OverflowError):
        return None
    return moment if EPOCH <= moment < _NO_TIME_FROM else None


def _parse_any(text: str) -> datetime:
    if text.isascii() and text.isdigit() and len(text) in _MILLISECOND_DIGITS:
        return EPOCH + timedelta(milliseconds=int(text))
    return parse_time(text)


def format_time(moment: datetime) -> str:
    """``2026-11-22T08:00:00Z``: the only form the pipeline sends."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
