"""A process that lands pages until it is done or killed: ``python -m … <folder> <writer> <pages>``."""

from __future__ import annotations

import itertools
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.landing import Lake, open_storage
from zcc_pipeline_tests.lakes import ENGAGEMENTS, chunk

PAGE_RECORDS = 40
PAGES_BETWEEN_COMMITS = 5


def open_lake(folder: Path, writer: str) -> Lake:
    numbers = itertools.count()
    return Lake(
        open_storage(str(folder)),
        timezone=ZoneInfo("UTC"),
        clock=SystemClock(),
        new_id=lambda: f"{writer}-{os.getpid()}-{next(numbers):010d}",
    )


def payload(record: int) -> bytes:
    return b'{"n":%d,"note":"%s"}' % (record, b"word " * (record % 50))


def occurred_at(record: int) -> str:
    return (datetime(2026, 11, 20, tzinfo=UTC) + timedelta(minutes=7 * record)).isoformat()


def land_pages(folder: Path, writer: str, pages: int) -> None:
    lake = open_lake(folder, writer)
    for start in range(0, pages, PAGES_BETWEEN_COMMITS):
        with lake.writer(ENGAGEMENTS, flush_bytes=20_000) as landing:
            for page in range(start, min(pages, start + PAGES_BETWEEN_COMMITS)):
                numbers = range(page * PAGE_RECORDS, (page + 1) * PAGE_RECORDS)
                records = [(f"id-{number}", payload(number)) for number in numbers]
                times = [occurred_at(number) for number in numbers]
                landing.add(chunk(records, occurred_at=times, as_of=datetime.now(UTC)))
            landing.commit()


if __name__ == "__main__":
    print("ready", flush=True)
    land_pages(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
