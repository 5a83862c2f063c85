"""Silence in business hours: no event and no challenge for longer than a working contact centre ever is quiet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """Days of the week (Monday is 0) and the hours in which somebody works, in the account's time zone."""

    weekdays: frozenset[int]
    opens: time
    closes: time
    """After ``opens`` on the same day; midnight means the end of the day."""

    @classmethod
    def parse(cls, text: str) -> BusinessHours:
        """``mon-fri 08:00-18:00``, ``mon,wed,sat 09:00-13:00`` or ``mon-sun 00:00-24:00``; ``ValueError`` otherwise."""
        days, _, hours = text.strip().lower().partition(" ")
        opens, _, closes = hours.strip().partition("-")
        opening, closing = time.fromisoformat(opens), time(0) if closes == "24:00" else time.fromisoformat(closes)
        if closing <= opening and closing != time(0):
            raise ValueError(f"{text!r}: it closes before it opens")
        return cls(frozenset(_weekdays(days)), opening, closing)

    def between(self, start: datetime, end: datetime, timezone: ZoneInfo) -> timedelta:
        """How much of the time from start to end falls into business hours."""
        total, day, last = timedelta(0), start.astimezone(timezone).date(), end.astimezone(timezone).date()
        while day <= last:
            if day.weekday() in self.weekdays:
                opens = datetime.combine(day, self.opens, timezone)
                following = day + timedelta(days=1)
                closes = datetime.combine(following if self.closes == time(0) else day, self.closes, timezone)
                # instants, not wall clocks: on the day the clocks change the same zone would count an hour too many
                overlap = min(closes.timestamp(), end.timestamp()) - max(opens.timestamp(), start.timestamp())
                total += timedelta(seconds=max(0.0, overlap))
            day += timedelta(days=1)
        return total


def _weekdays(text: str) -> Iterable[int]:
    for part in text.split(","):
        first, _, last = part.partition("-")
        try:
            start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        except ValueError:
            raise ValueError(f"{part!r} is not a day of the week or a span of them, such as mon-fri") from None
        yield from ((start + offset) % 7 for offset in range((end - start) % 7 + 1))


@dataclass(frozen=True, slots=True)
class Silence:
    """Since when nothing has been heard, and how much of that time somebody was at work."""

    last_heard_at: datetime
    business_time: timedelta
    is_alarming: bool


def measure_silence(
    last_heard_at: datetime, now: datetime, *, hours: BusinessHours, timezone: ZoneInfo, longest: timedelta
) -> Silence:
    """Compare the quiet business time with the longest that is normal."""
    quiet = hours.between(last_heard_at, now, timezone) if now > last_heard_at else timedelta(0)
    return Silence(last_heard_at, quiet, quiet >= longest)
