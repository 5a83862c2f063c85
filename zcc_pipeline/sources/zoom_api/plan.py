"""What a backfill will cost, said before it starts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from zcc_pipeline.domain.datasets import Dataset, Endpoint, Label, Reading, find_dataset
from zcc_pipeline.sources.zoom_api.config import HEAVY_PER_DAY, ZoomApiConfig
from zcc_pipeline.sources.zoom_api.governor import BACKFILL_DAILY_SHARE, pace


@dataclass(frozen=True, slots=True)
class PlanCost:
    """Calls by dataset or further listing and by label, and how long they take at the rate allowed to a backfill."""

    calls_by_dataset: Mapping[str, int]
    calls_by_label: Mapping[Label, int]
    heavy_share_of_day: float | None
    """HEAVY calls as a share of the account's daily budget; above 1 it takes days. ``None`` without limits."""
    seconds_by_label: Mapping[Label, float]
    seconds: float = field(default=0.0)
    """All labels side by side, daily budgets kept; 0 without limits."""


@dataclass(frozen=True, slots=True)
class FurtherListing:
    """What is listed day by day, but is no dataset of its own."""

    name: str
    endpoint: Endpoint
    records_per_day: int
    days: int


def calls_for(dataset: Dataset, records_per_day: int, days: int) -> int:
    """Calls to read so many records on each of so many days; a day without records still costs the call that
    finds none. Catalogues are read once, with one more call for each entry where the list lacks its details."""
    if dataset.reading is Reading.EMBEDDED or dataset.reading is Reading.PUSHED:
        return 0
    if dataset.reading in (Reading.PER_ENGAGEMENT, Reading.FILE):
        return records_per_day * days
    pages = _pages(dataset.listing, records_per_day)
    if dataset.reading is Reading.CATALOGUE:
        return pages + (records_per_day if dataset.detail else 0)
    return pages * days


def _pages(endpoint: Endpoint, records: int) -> int:
    return max(1, math.ceil(records / max(endpoint.page_size, 1)))


def plan_cost(
    records_per_day: Mapping[str, int],
    config: ZoomApiConfig,
    *,
    days: int = 1,
    further: Iterable[FurtherListing] = (),
) -> PlanCost:
    """Cost of reading those records a day, by dataset (full name or last part), for so many days.

    Catalogues are read once. Files count as LIGHT calls, the least that they can cost: Zoom names no label for
    downloads. ``further`` listings have days of their own.
    """
    by_dataset: dict[str, int] = {}
    by_label = dict.fromkeys(Label, 0)
    for key, records in records_per_day.items():
        dataset = find_dataset(key)
        calls = calls_for(dataset, records, days)
        by_dataset[dataset.name] = calls
        by_label[dataset.endpoint.label if dataset.endpoint else Label.LIGHT] += calls
    for listing in further:
        by_dataset[listing.name] = calls = _pages(listing.endpoint, listing.records_per_day) * listing.days
        by_label[listing.endpoint.label] += calls
    if config.plan == "unlimited":
        return PlanCost(by_dataset, by_label, None, dict.fromkeys(Label, 0.0))
    seconds = {label: calls * pace(config, label)[0] for label, calls in by_label.items()}
    allowed = int((config.heavy_calls_per_day() or 0) * BACKFILL_DAILY_SHARE)
    pauses = max(0, math.ceil(by_label[Label.HEAVY] / max(allowed, 1)) - 1)
    seconds[Label.HEAVY] = _heavy_seconds(seconds[Label.HEAVY], pauses)
    share = by_label[Label.HEAVY] / HEAVY_PER_DAY[config.plan]
    return PlanCost(by_dataset, by_label, share, seconds, max(seconds.values()))


def _heavy_seconds(working: float, pauses: int) -> float:
    """Whole days for every time the budget runs out, then what is left of the work."""
    return max(working, pauses * 86_400.0 + working / (pauses + 1)) if pauses else working
