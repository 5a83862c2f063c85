"""A server that costs next to nothing: engagements serialised before the first request, joined into pages as asked for.

Started by the benchmarks as a process of its own: ``python benchmarks/page_server.py RECORDS DAYS``; prints its port.
It honours ``from``, ``to``, ``page_size`` and ``next_page_token`` and nothing else. It shares no code with the package.
"""

from __future__ import annotations

import asyncio
import bisect
import json
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
NOTE = "Customer asked about the delivery of the order and was told that it leaves the warehouse tomorrow. "


def build_records(count: int, days: int) -> tuple[list[int], list[bytes]]:
    """Start times (epoch seconds) and JSON of each engagement: about 1 kB, one or two notes and dispositions."""
    step = days * 86_400 / count
    starts, records = [], []
    for number in range(count):
        start = FIRST_DAY + timedelta(seconds=int(number * step))
        end = start + timedelta(seconds=240 + number % 300)
        starts.append(int(start.timestamp()))
        records.append(json.dumps(_engagement(number, start, end), separators=(",", ":")).encode())
    return starts, records


def _engagement(number: int, start: datetime, end: datetime) -> dict[str, object]:
    stamp = "%Y-%m-%dT%H:%M:%SZ"
    return {
        "engagement_id": f"eng{number:019d}",
        "start_time": start.strftime(stamp),
        "end_time": end.strftime(stamp),
        "duration": int((end - start).total_seconds()),
        "direction": "inbound" if number % 3 else "outbound",
        "channels": [{"channel": "voice", "channel_source": ""}],
        "channel_types": ["voice"],
        "consumers": [
            {
                "consumer_id": f"con{number % 5000:019d}",
                "consumer_display_name": f"Customer {number % 5000}",
                "consumer_number": f"+1205555{number % 100 + 100:04d}",
            }
        ],
        "flows": [{"flow_id": "flow000000000000000001", "flow_name": "Main line", "flow_version": "3"}],
        "queues": [{"cc_queue_id": f"queue{number % 8:017d}", "queue_name": f"Queue {number % 8}", "queue_id": "ZWQ1"}],
        "agents": [{"user_id": f"user{number % 40:018d}", "display_name": f"Agent {number % 40}"}],
        "talk_duration": 180,
        "flow_duration": 12,
        "waiting_duration": 9,
        "handling_duration": 210,
        "wrap_up_duration": 30,
        "transfer_count": 0,
        "dispositions": [
            {"disposition_id": f"disp{level:018d}", "disposition_name": f"Outcome {level}"}
            for level in range(1 + number % 2)
        ],
        "notes": [
            {
                "user_id": f"user{number % 40:018d}",
                "note_id": f"note{number:017d}{part}",
                "note": NOTE * (1 + number % 2),
                "last_modified_time": end.strftime(stamp),
            }
            for part in range(1 + number % 2)
        ],
        "transcript_url": "",
        "survey_id": "",
        "voice_mail": 0,
    }


class Pages:
    """Answers by request target."""

    def __init__(self, starts: list[int], records: list[bytes]) -> None:
        self._starts, self._records = starts, records

    def answer(self, target: str) -> bytes:
        """The whole HTTP response."""
        parts = urlsplit(target)
        if parts.path.endswith("/oauth/token"):
            return _response(b'{"access_token":"t","token_type":"bearer","expires_in":3600,"scope":"","api_url":""}')
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        low, high = self._range(query)
        size = int(query.get("page_size", "100"))
        offset = int(query.get("next_page_token", "0"))
        begin = low + offset
        stop = min(begin + size, high)
        token = str(offset + size) if stop < high else ""
        head = f'{{"next_page_token":"{token}","page_size":{size},"total_records":{high - low},"engagements":['
        return _response(head.encode() + b",".join(self._records[begin:stop]) + b"]}")

    def _range(self, query: dict[str, str]) -> tuple[int, int]:
        if "from" not in query:
            return 0, len(self._records)
        low = bisect.bisect_left(self._starts, datetime.fromisoformat(query["from"]).timestamp())
        return low, bisect.bisect_right(self._starts, datetime.fromisoformat(query["to"]).timestamp())


def _response(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive for requests that this benchmark makes; bodies are read and ignored."""

    def __init__(self, pages: Pages) -> None:
        self._pages, self._buffer = pages, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every complete request."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].decode()
            length = next(
                (
                    int(line.partition(":")[2])
                    for line in head.split("\r\n")
                    if line.lower().startswith("content-length")
                ),
                0,
            )
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._transport.write(self._pages.answer(head.split(" ", 2)[1]))  # type: ignore[attr-defined]


async def serve(count: int, days: int) -> None:
    """Serve until killed."""
    pages = Pages(*build_records(count, days))
    server = await asyncio.get_running_loop().create_server(lambda: Connection(pages), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        import uvloop

        uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
    except KeyboardInterrupt:
        pass
