"""Real sockets and real time: a strict server, a sink that blocks, bodies that break off."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.errors import TransientError
from zcc_pipeline.domain.window import Window
from zcc_pipeline.sources.zoom_api import DownloadSource, ZoomApi, poll_window

pytestmark = pytest.mark.integration

DAY = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
ROWS = [
    {"engagement_id": f"e{n:05d}", "start_time": (DAY.start + timedelta(seconds=86_400 * n // 6_000)).isoformat()}
    for n in range(6_000)
]
FILE = bytes(range(256)) * 4_000
OpenApi = Callable[..., ZoomApi]


@dataclass
class StrictServer:
    """Twenty calls in any second and not one more; files whose body breaks off after ``cut`` bytes of each answer."""

    arrivals: deque[float] = field(default_factory=deque)
    refused: int = 0
    cut: int = 300_000
    ranges: list[str] = field(default_factory=list)

    def answer(self, target: str, headers: dict[str, str]) -> tuple[bytes, bool]:
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if path.endswith("/token"):
            return plain(json.dumps({"access_token": "t", "expires_in": 3600}).encode()), False
        if path.startswith("/v2/file"):
            return self.part_of_file(headers)
        now = time.monotonic()
        while self.arrivals and self.arrivals[0] <= now - 1.0:
            self.arrivals.popleft()
        if len(self.arrivals) >= 20:
            self.refused += 1
            return b"HTTP/1.1 429 Too Many\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", False
        self.arrivals.append(now)
        first, last = (datetime.fromisoformat(query[name][0]).isoformat() for name in ("from", "to"))
        rows = [row for row in ROWS if first <= row["start_time"] < last]
        offset = int(query.get("next_page_token", ["0"])[0])
        page = {
            "engagements": rows[offset : offset + 100],
            "total_records": len(rows),
            "next_page_token": str(offset + 100) if offset + 100 < len(rows) else "",
        }
        return plain(json.dumps(page).encode()), False

    def part_of_file(self, headers: dict[str, str]) -> tuple[bytes, bool]:
        wanted = headers.get("range", "bytes=0-")
        self.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        rest = FILE[start:]
        head = f'ETag: "v"\r\nContent-Type: audio/mpeg\r\nContent-Length: {len(rest)}\r\n'
        if start:
            head = f"206 Partial\r\nContent-Range: bytes {start}-{len(FILE) - 1}/{len(FILE)}\r\n" + head
        else:
            head = "200 OK\r\n" + head
        return f"HTTP/1.1 {head}\r\n".encode() + rest[: self.cut], len(rest) > self.cut

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:] if line)}
                await reader.readexactly(int(headers.get("content-length", "0")))
                answer, breaks_off = self.answer(lines[0].split()[1], headers)
                writer.write(answer)
                await writer.drain()
                if breaks_off:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


def plain(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@asynccontextmanager
async def strict_server() -> AsyncIterator[tuple[StrictServer, str]]:
    server = StrictServer()
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listener:
        yield server, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"


def test_a_server_that_counts_any_second_sees_no_call_too_many_even_while_the_sink_blocks(open_api: OpenApi) -> None:
    async def work() -> None:
        pages = 0

        def slow_sink(chunks: Any) -> None:
            nonlocal pages
            pages += 1
            time.sleep(0.3 if pages % 20 == 0 else 0.0)

        async with strict_server() as (server, base), open_api(base) as api:
            begin = time.monotonic()
            listing = await poll_window(api, DATASETS["zoom/engagements"], DAY, batch_id="b", sink=slow_sink)
            seconds = time.monotonic() - begin
        assert server.refused == 0
        assert listing.is_complete
        assert len(listing.record_ids) == 6_000
        assert seconds < listing.api_calls / 20 * 3 + 10

    asyncio.run(work())


def test_the_sink_is_left_alone_once_the_listing_was_given_up(open_api: OpenApi) -> None:
    async def work() -> None:
        is_called, last_call = threading.Event(), 0.0

        def slow_sink(chunks: Any) -> None:
            nonlocal last_call
            is_called.set()
            time.sleep(0.2)
            last_call = time.monotonic()

        async with strict_server() as (_, base), open_api(base) as api:
            listing = asyncio.ensure_future(
                poll_window(api, DATASETS["zoom/engagements"], DAY, batch_id="b", sink=slow_sink)
            )
            assert await asyncio.to_thread(is_called.wait, 30)
            listing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await listing
            given_up = time.monotonic()
            await asyncio.sleep(0.4)
        assert 0 < last_call <= given_up

    asyncio.run(work())


def test_an_error_of_the_sink_ends_the_listing_as_it_is(open_api: OpenApi) -> None:
    async def work() -> None:
        def full_disk(chunks: Any) -> None:
            raise OSError(28, "No space left on device")

        async with strict_server() as (_, base), open_api(base) as api:
            with pytest.raises(OSError, match="No space left"):
                await poll_window(api, DATASETS["zoom/engagements"], DAY, batch_id="b", sink=full_disk)

    asyncio.run(work())


def test_a_file_that_breaks_off_goes_on_where_it_stopped(open_api: OpenApi) -> None:
    async def work() -> None:
        content, etag = b"", None
        async with strict_server() as (server, base), open_api(base) as api:
            source = DownloadSource(api, f"{base}/v2/file")
            while len(content) < len(FILE):
                async with source.open(len(content), etag) as body:
                    assert body.is_partial == bool(content)
                    assert body.total_size == len(FILE)
                    etag = body.etag
                    try:
                        async for chunk in body.chunks():
                            content += chunk
                    except TransientError:
                        continue
        assert content == FILE
        assert server.ranges == ["bytes=0-", *(f"bytes={n}-" for n in range(300_000, len(FILE), 300_000))]

    asyncio.run(work())
