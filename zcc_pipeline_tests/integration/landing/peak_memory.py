"""Prints the peak memory of one piece of work in MB: ``python -m … <land|store> <folder> <amount>``."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

from zcc_pipeline.landing import FileStore, open_storage
from zcc_pipeline_tests.lakes import ENGAGEMENTS, SteppingClock, chunk, make_lake
from zcc_pipeline_tests.unit.landing.test_files import FakeBody, FakeSource

PAGE_RECORDS = 100
CHUNK = bytes(range(256)) * 256


class Generated(FakeSource):
    """A recording of any size that is never in memory as a whole."""

    def __init__(self, megabytes: int) -> None:
        super().__init__()
        self.chunks = megabytes * (1 << 20) // len(CHUNK)

    @asynccontextmanager
    async def open(self, offset: int, etag: str | None) -> AsyncIterator[FakeBody]:
        body = FakeBody(b"", total_size=self.chunks * len(CHUNK))

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(self.chunks):
                yield CHUNK
                await asyncio.sleep(0)

        body.chunks = chunks
        yield body


def store(folder: Path, megabytes: int) -> None:
    files = FileStore(open_storage(str(folder)), clock=SteppingClock())
    source = Generated(megabytes)
    asyncio.run(files.store(kind="recording", source_id="x", day=date(2026, 11, 20), source=source))


def land(folder: Path, records: int) -> None:
    filler = "".join(chr(97 + number * 7 % 26) for number in range(900))
    with make_lake(folder).writer(ENGAGEMENTS) as writer:
        for start in range(0, records, PAGE_RECORDS):
            numbers = range(start, start + PAGE_RECORDS)
            writer.add(chunk([(f"id-{n}", b'{"n":%d,"f":"%s"}' % (n, filler.encode())) for n in numbers]))
        writer.commit()


if __name__ == "__main__":
    {"store": store, "land": land}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
    # Not getrusage: its figure includes what the parent used before this program was started.
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(int(peak.group(1)) // 1024 if peak else 0)
