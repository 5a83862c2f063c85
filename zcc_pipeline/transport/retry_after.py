"""``Retry-After`` in every form that is met: seconds, HTTP date, ISO date-time (Zoom's daily limit), rubbish or
nothing."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 31 * 86_400.0
"""Nobody is told to wait longer than a month; anything above is cut to it."""

_SECONDS = re.compile(r"\d{1,15}(?:\.\d{1,9})?", re.ASCII)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def parse_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Seconds to wait from ``now`` (never negative, at most ``LONGEST_SECONDS``); ``None`` where the header says
    nothing usable."""
    text = (value or "").strip()
    if not text:
        return None
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_SECONDS)
    moment = _parse_moment(text)
    if moment is None:
        return None
    seconds = (moment - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_SECONDS) if math.isfinite(seconds) else None


def is_date_time(value: str | None) -> bool:
    """Whether the header is an ISO date-time, the form that Zoom's daily limit uses."""
    text = (value or "").strip()
    return bool(_ISO.match(text)) and _parse_moment(text) is not None


def _parse_moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if _ISO.match(text) else parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):  # what the parsers raise on hostile text
        return None
