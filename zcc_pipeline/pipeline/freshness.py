"""How fresh the lake is, by the records' own time: when something was read last says nothing about what came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from zcc_pipeline.pipeline.lake_facts import engagements_of
from zcc_pipeline.pipeline.runtime import Runtime

PAUSES_OVER = timedelta(days=35)
"""Long enough to have seen how a contact centre rests at weekends and on holidays."""


@dataclass(frozen=True, slots=True)
class NewestEngagement:
    """The newest engagement, and the longest span between days with engagements before it (one day at least)."""

    started_at: datetime
    longest_pause: timedelta


def newest_engagement(runtime: Runtime) -> NewestEngagement | None:
    """Look at the newest day that has any; None where the lake has none."""
    days = runtime.lake.days("zoom/engagements")
    while days:
        landed = engagements_of(runtime.lake, days[-1])
        if landed:
            recent = [day for day in days if days[-1] - day <= PAUSES_OVER]
            pauses = [later - earlier for earlier, later in pairwise(recent)]
            newest = max(record.started_at for record in landed.values())
            return NewestEngagement(newest, max(pauses, default=timedelta(days=1)))
        days.pop()
    return None
