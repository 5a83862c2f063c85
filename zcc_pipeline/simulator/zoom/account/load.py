"""When engagements come: by weekday, by hour, by channel."""

from __future__ import annotations

from bisect import bisect
from datetime import date, datetime, timedelta
from itertools import accumulate
from random import Random

from zcc_pipeline.simulator.zoom.account.spec import AccountSpec

#: share of the mean day, Monday first; they sum to seven
WEEKDAY_LOAD = (1.3, 1.2, 1.1, 1.0, 1.0, 0.8, 0.6)
#: relative load of each local hour: two humps, quiet nights
HOUR_LOAD = (2, 1, 1, 1, 1, 2, 4, 10, 22, 34, 40, 38, 30, 32, 38, 36, 32, 26, 20, 14, 10, 8, 5, 3)
#: channel, source, direction and their share in percent
MIX: tuple[tuple[str, str, str, float], ...] = (
    ("voice", "", "inbound", 42),
    ("voice", "", "outbound", 10),
    ("video", "web_video", "inbound", 7),
    ("messaging", "web_chat", "inbound", 17),
    ("messaging", "sms", "inbound", 6),
    ("messaging", "sms", "outbound", 2),
    ("messaging", "whatsapp", "inbound", 7),
    ("email", "email_address", "inbound", 8),
    ("email", "email_address", "outbound", 1),
)

_HOURS = list(accumulate(HOUR_LOAD))
_SHARES = list(accumulate(row[3] for row in MIX))


def engagements_on(spec: AccountSpec, day: date) -> int:
    """How many engagements start on that day."""
    return round(spec.engagements_per_day * WEEKDAY_LOAD[day.weekday()])


def start_times(rng: Random, spec: AccountSpec, day: date, count: int) -> list[datetime]:
    """``count`` starts inside the local day, in order, whole seconds."""
    begin, length = spec.day_start(day), spec.day_start(day + timedelta(days=1)) - spec.day_start(day)
    seconds = []
    for _ in range(count):
        hour = bisect(_HOURS, rng.random() * _HOURS[-1])
        seconds.append(int((hour + rng.random()) / 24 * length.total_seconds()))
    return [begin + timedelta(seconds=second) for second in sorted(seconds)]


def draw_route(rng: Random) -> tuple[str, str, str, float]:
    """Channel, source and direction of the next engagement."""
    return MIX[bisect(_SHARES, rng.random() * _SHARES[-1])]
