"""``from`` and ``to`` as Zoom reads them.

Rules and their sources: both ends or none, the default window and one month of data per answer are in Zoom's
definition; that a longer window is cut rather than refused is our reading of it. In ``2026-11-01T00:00:00Z`` the
``Z`` is a literal and the ``timezone`` parameter decides, where an operation has one (reported from the newer
reference text; true offsets are obeyed).
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from zcc_pipeline.simulator.zoom.answers import invalid
from zcc_pipeline.simulator.zoom.query import Query

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATE_TIME = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(Z|[+-]\d{2}:?\d{2})")


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """A span in UTC; both ends belong to it, as Zoom's do."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class WindowRule:
    """How one operation names and reads its window."""

    names: tuple[str, str] = ("from", "to")
    default: timedelta = timedelta(hours=24)
    takes_dates: bool = True
    """Whether ``yyyy-mm-dd`` will do; recordings want full date-times."""


def parse_zone(query: Query) -> ZoneInfo:
    """The ``timezone`` parameter, UTC where absent."""
    name = query.text("timezone") or "UTC"
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid("timezone", "is not a time zone ID") from None


def parse_window(query: Query, rule: WindowRule, *, now: datetime, zone: ZoneInfo | None = None) -> TimeWindow:
    """The window of a call, cut to one month; the default window where both ends are absent."""
    name_from, name_to = rule.names
    text_from, text_to = query.text(name_from), query.text(name_to)
    if text_from is None and text_to is None:
        return TimeWindow(now - rule.default, now)
    if text_from is None:
        raise invalid(name_from, f"is required when {name_to} is given")
    if text_to is None:
        raise invalid(name_to, f"is required when {name_from} is given")
    zone = zone or ZoneInfo("UTC")
    start = _parse_moment(name_from, text_from, rule, zone, is_end=False)
    end = _parse_moment(name_to, text_to, rule, zone, is_end=True)
    if end < start:
        raise invalid(name_to, f"must not be before {name_from}")
    return TimeWindow(start, min(end, add_month(start)))


def add_month(moment: datetime) -> datetime:
    """The same day of the next month, or its last day."""
    year, month = (moment.year + 1, 1) if moment.month == 12 else (moment.year, moment.month + 1)
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))


def format_utc(moment: datetime) -> str:
    """As answers show times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _parse_moment(name: str, text: str, rule: WindowRule, zone: ZoneInfo, *, is_end: bool) -> datetime:
    try:
        if rule.takes_dates and _DATE.fullmatch(text):
            day = datetime.fromisoformat(text)
            if is_end:  # the whole last day belongs to the window
                day += timedelta(days=1, seconds=-1)
            return day.replace(tzinfo=zone).astimezone(UTC)
        match = _DATE_TIME.fullmatch(text)
        if match:
            wall = datetime.fromisoformat(match[1])
            if match[2] == "Z":
                return wall.replace(tzinfo=zone).astimezone(UTC)
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise invalid(name, "must be yyyy-MM-dd'T'HH:mm:ss'Z'" + (" or yyyy-mm-dd" if rule.takes_dates else ""))
