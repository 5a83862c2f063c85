"""What account to generate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True)
class AccountSpec:
    """An account of whole days, ``last_day`` the latest of them.

    ``engagements_per_day`` is the mean over a week; Thursdays and Fridays have exactly this many (plus the few that
    stay open for weeks), Mondays more, Sundays fewer.
    Days are local days of ``timezone``.
    """

    last_day: date
    seed: int = 7
    days: int = 3
    engagements_per_day: int = 400
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        if self.days < 1 or self.engagements_per_day < 0:
            raise ValueError("an account has at least one day and no negative load")

    @property
    def first_day(self) -> date:
        """The earliest whole day."""
        return self.last_day - timedelta(days=self.days - 1)

    def all_days(self) -> list[date]:
        """Every whole day, oldest first."""
        return [self.first_day + timedelta(days=number) for number in range(self.days)]

    def day_start(self, day: date) -> datetime:
        """The first moment of a local day, in UTC."""
        return datetime.combine(day, time(0), ZoneInfo(self.timezone)).astimezone(UTC)
