"""Days as partitions, in the time zone of the account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import dagster as dg
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from zcc_pipeline.domain.window import iter_days

FIRST_DAY = date(2022, 7, 18)
"""Before this day Zoom Contact Center's lists hold no recordings; a fixed start keeps partitions the same for all."""

ALL_DAYS_AT_ONCE = dg.BackfillPolicy.single_run()
"""A backfill of many days is one run: the verbs loop over days, and a run for each would cost more than the work."""


def build_partitions(timezone: str, first_day: date | None = None) -> dg.DailyPartitionsDefinition:
    """One partition a day up to and with today; partitions are known by their day, so the first may be moved."""
    return dg.DailyPartitionsDefinition((first_day or FIRST_DAY).isoformat(), timezone=timezone, end_offset=1)


def range_tags(first: date, last: date) -> dict[str, str]:
    """Run tags that make one run of a span of days, both ends included."""
    return {ASSET_PARTITION_RANGE_START_TAG: first.isoformat(), ASSET_PARTITION_RANGE_END_TAG: last.isoformat()}


def days_of_keys(keys: Iterable[str]) -> list[date]:
    """Partition keys as days."""
    return [date.fromisoformat(key) for key in keys]


def days_of_run(tags: Mapping[str, str]) -> list[date]:
    """The days that a run is about, also where the asset at hand has no partitions; none for a run without days."""
    if PARTITION_NAME_TAG in tags:
        return [date.fromisoformat(tags[PARTITION_NAME_TAG])]
    if ASSET_PARTITION_RANGE_START_TAG in tags:
        first, last = tags[ASSET_PARTITION_RANGE_START_TAG], tags[ASSET_PARTITION_RANGE_END_TAG]
        return list(iter_days(date.fromisoformat(first), date.fromisoformat(last)))
    return []
