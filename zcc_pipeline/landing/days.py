"""From the times that a source wrote to days of the account's time zone, for whole columns at once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zcc_pipeline.domain.window import EPOCH, day_window, time_or_none
from zcc_pipeline.landing.columns import TextColumn, to_numpy

NO_TIME = np.iinfo(np.int64).min
"""Stands for a time that is missing or that nobody can read."""

_MICROSECOND = timedelta(microseconds=1)
_DAY_MICROSECONDS = 86_400_000_000
_FIRST = 0
_LAST = int((datetime(2200, 1, 1, tzinfo=UTC) - EPOCH) / _MICROSECOND)
_EPOCH_ORDINAL = EPOCH.toordinal()

Microseconds = np.ndarray[tuple[int], np.dtype[np.int64]]


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (moment - EPOCH) // _MICROSECOND


def parse_times(texts: TextColumn) -> Microseconds:
    """ISO 8601 times (or epoch milliseconds in digits) as microseconds since 1970; ``NO_TIME`` where that fails.

    Times before 1970 or after 2199 are no times: they come from broken clocks and would only make odd folders.
    """
    try:
        column = pc.cast(texts.to_arrow(), pa.timestamp("us", tz="UTC")).cast(pa.int64())
        moments = np.where(to_numpy(column.is_null(), "bool"), NO_TIME, to_numpy(column, "int64"))
    except pa.ArrowInvalid:
        moments = np.fromiter((_parse_one(texts.raw(row)) for row in range(len(texts))), np.int64, len(texts))
    return np.where((moments >= _FIRST) & (moments < _LAST), moments, NO_TIME)


def _parse_one(raw: bytes) -> int:
    moment = time_or_none(raw.decode(errors="replace"))
    return NO_TIME if moment is None else to_microseconds(moment)


def days_of(moments: Microseconds, timezone: ZoneInfo) -> Microseconds:
    """Ordinal of the local day of each moment (``date.fromordinal``); the moments must all be times.

    Local midnights are looked up for the days that occur and their neighbours, so days of 23 and 25 hours come out
    right.
    """
    utc_days = np.unique(moments // _DAY_MICROSECONDS) + _EPOCH_ORDINAL
    ordinals = np.unique(np.concatenate([utc_days - 1, utc_days, utc_days + 1]))
    midnights = [to_microseconds(day_window(date.fromordinal(int(day)), timezone).start) for day in ordinals]
    return ordinals[np.searchsorted(np.array(midnights, np.int64), moments, side="right") - 1]
