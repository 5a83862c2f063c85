"""Lakes in memory of nothing but a folder, chunks of records, and a clock that tests move."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from zcc_pipeline.domain.datasets import DATASETS, Dataset
from zcc_pipeline.domain.records import LandingCounts, RecordChunk
from zcc_pipeline.landing import Lake, Storage, open_storage

ENGAGEMENTS = DATASETS["zoom/engagements"]
RECORDINGS = DATASETS["zoom/recordings"]
DAY = date(2026, 11, 20)
NOON = "2026-11-20T12:00:00Z"
START = datetime(2026, 11, 22, 8, tzinfo=UTC)


class SteppingClock:
    """Stands still until told otherwise; sleeping moves it."""

    def __init__(self, now: datetime = START) -> None:
        self.moment = now
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)


def counting_ids() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"{next(numbers):026d}"


def make_lake(place: Path | Storage, *, clock: SteppingClock | None = None, timezone: str = "UTC") -> Lake:
    storage = open_storage(str(place)) if isinstance(place, Path) else place
    return Lake(storage, timezone=ZoneInfo(timezone), clock=clock or SteppingClock(), new_id=counting_ids())


def chunk(
    records: Sequence[tuple[str, bytes]],
    *,
    minute: int = 0,
    dataset: Dataset = ENGAGEMENTS,
    occurred_at: str | Sequence[str | None] | None = NOON,
    **more: Any,
) -> RecordChunk:
    """Records as ``(id, payload)``, read at ``START`` plus that many minutes."""
    times = [occurred_at] * len(records) if occurred_at is None or isinstance(occurred_at, str) else occurred_at
    fields: dict[str, Any] = {
        "shape": "list",
        "route": "poll",
        "as_of": START + timedelta(minutes=minute),
        "batch_id": "b",
    }
    fields |= {"engagement_ids": [record_id for record_id, _ in records]} | more
    return RecordChunk(
        dataset=dataset.name,
        record_ids=[record_id for record_id, _ in records],
        payloads=[payload for _, payload in records],
        occurred_at=times,
        **fields,
    )


def land(lake: Lake, *chunks: RecordChunk, dataset: Dataset = ENGAGEMENTS, **options: Any) -> LandingCounts:
    with lake.writer(dataset, **options) as writer:
        for each in chunks:
            writer.add(each)
        return writer.commit()


def all_rows(lake: Lake, dataset: Dataset = ENGAGEMENTS) -> list[dict[str, Any]]:
    """Every version in the lake, file after file."""
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = []
    for file in lake.files(dataset.name):
        with lake.storage.open_input(file.path) as source:
            rows += pq.read_table(source).to_pylist()
    return rows


def latest_payloads(lake: Lake, dataset: Dataset = ENGAGEMENTS, **options: Any) -> dict[str, str]:
    table = lake.latest(dataset.name, date(2000, 1, 1), date(2100, 1, 1), **options)
    return dict(zip(table["record_id"].to_pylist(), table["payload"].to_pylist(), strict=True))
