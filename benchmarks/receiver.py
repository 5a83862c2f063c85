"""Signed webhooks through the receiver into its inbox, against the same receiver that keeps nothing.

    python benchmarks/receiver.py [--events 60000] [--rounds 3] [--connections 64]
    python benchmarks/receiver.py --million          # memory over 1,000,000 events

Both are the real app on a real server, in a process of its own, with its log going to /dev/null; only the inbox
differs. The sender is a third process with every request made and signed beforehand. Prints requests per second of
both, their ratio, and the times to an answer; and how often this disk syncs in a second, without which the figures say
little.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from measure import report, run_candidate

SECRET = "benchmark"  # noqa: S105 - signs nothing of anybody
BODY_BYTES = 850
_ANSWERED = b"HTTP/1.1 200"


def serve(kind: str, folder: str) -> None:
    """Serve until terminated; the port is the first line that is printed."""
    import signal

    from zcc_pipeline.domain.clock import SystemClock
    from zcc_pipeline.domain.events import PushedEvent
    from zcc_pipeline.inbox import Inbox, InboxHealth, Put
    from zcc_pipeline.pipeline.loop import run
    from zcc_pipeline.sources.receiver.config import ReceiverConfig
    from zcc_pipeline.sources.receiver.serve import serve as serve_receiver
    from zcc_pipeline.transport.event_log import EventLog
    from zcc_pipeline.transport.metrics import Registry

    class Nothing:
        """Acknowledges and forgets."""

        async def put(self, event: PushedEvent) -> Put:
            del event
            return Put(1, is_duplicate=False)

        def health(self) -> InboxHealth:
            return InboxHealth(is_alive=True, waiting=0, last_commit_at=None, last_error=None, free_bytes=None)

        def note(self, name: str, at: datetime) -> None: ...

    async def main() -> None:
        clock, stop = SystemClock(), asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        config = ReceiverConfig(port=0, metrics_port=0, secret_tokens=(SECRET,))
        with open(os.devnull, "wb") as nowhere:  # noqa: ASYNC230, PTH123 - a device
            log = EventLog(nowhere, clock)
            async with contextlib.AsyncExitStack() as held:
                inbox = Nothing()
                if kind == "inbox":
                    inbox = await held.enter_async_context(Inbox.open(str(Path(folder) / "inbox.sqlite"), clock=clock))
                await serve_receiver(
                    config,
                    inbox,
                    clock=clock,
                    log=log,
                    registry=Registry(),
                    stop=stop,
                    on_ready=lambda listening: print(listening.webhook_url.split(":")[2].split("/")[0], flush=True),
                )
            log.close()

    run(main())


@contextlib.contextmanager
def server(kind: str, folder: str) -> Iterator[tuple[int, int]]:
    """A server in a process of its own; its port and process id."""
    command = [sys.executable, __file__, "--serve", kind, folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            process.terminate()


def signed_requests(first: int, count: int) -> deque[bytes]:
    """Distinct events, ready to be written to a socket."""
    stamp = str(int(datetime.now(UTC).timestamp())).encode()
    key = SECRET.encode()
    made: deque[bytes] = deque()
    for number in range(first, first + count):
        subject = {"engagement_id": f"engagement-{number:012d}", "channel": "voice", "note": ""}
        event = {
            "event": "contact_center.engagement_note_added",
            "event_ts": 1_795_000_000_000 + number,
            "payload": {"account_id": "account", "object": subject},
        }
        subject["note"] = "n" * (BODY_BYTES - len(json.dumps(event)))
        body = json.dumps(event).encode()
        signature = hmac.digest(key, b"v0:" + stamp + b":" + body, hashlib.sha256).hex().encode()
        made.append(
            b"POST /webhooks/zoom HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json; charset=utf-8\r\n"
            b"user-agent: Zoom Marketplace/1.0a\r\nx-zm-trackingid: WEB_0123456789abcdef\r\n"
            b"x-zm-request-timestamp: " + stamp + b"\r\nx-zm-signature: v0=" + signature + b"\r\n"
            b"content-length: " + str(len(body)).encode() + b"\r\n\r\n" + body
        )
    return made


class Connection(asyncio.Protocol):
    """Writes the next request as soon as the last one is answered."""

    def __init__(self, requests: deque[bytes], seconds: list[float], is_done: asyncio.Future[None]) -> None:
        self._requests, self._seconds, self._is_done = requests, seconds, is_done
        self._heard = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # a stream's
        """The first request."""
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        """An answer, or a piece of one: each ends with a brace."""
        self._heard += data
        if not self._heard.endswith(b'"}'):
            return
        assert self._heard.startswith(_ANSWERED), self._heard
        self._heard = b""
        self._seconds.append(time.perf_counter() - self._begin)
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        """The server must not go before we do."""
        if not self._is_done.done():
            self._is_done.set_exception(exc or ConnectionResetError("closed by the server"))

    def _next(self) -> None:
        if self._requests:
            self._begin = time.perf_counter()
            self._transport.write(self._requests.popleft())
        elif not self._is_done.done():
            self._is_done.set_result(None)
            self._transport.close()


def send(port: int, first: int, count: int, connections: int) -> None:
    """Post ``count`` events; reports seconds, and times to an answer in milliseconds."""
    import uvloop

    requests, seconds = signed_requests(first, count), list[float]()

    async def main() -> float:
        loop = asyncio.get_running_loop()
        done = [loop.create_future() for _ in range(connections)]
        begin = time.perf_counter()
        for each in done:
            await loop.create_connection(lambda each=each: Connection(requests, seconds, each), "127.0.0.1", port)
        await asyncio.gather(*done)
        return time.perf_counter() - begin

    took = uvloop.run(main())
    assert len(seconds) == count
    cuts = statistics.quantiles(seconds, n=100)
    report(seconds=took, p50=cuts[49] * 1000, p99=cuts[98] * 1000)


def syncs_per_second(folder: str) -> float:
    """Of a small write, on the disk where the inbox will lie."""
    with (Path(folder) / "sync").open("wb", buffering=0) as file:
        begin, count = time.perf_counter(), 0
        while time.perf_counter() - begin < 1:
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            count += 1
    return count


def one_round(kind: str, events: int, connections: int) -> dict[str, float]:
    """A fresh server and a fresh inbox, warmed up."""
    with tempfile.TemporaryDirectory() as folder, server(kind, folder) as (port, _):
        for first, count in ((0, 2_000), (2_000, events)):
            result = run_candidate("receiver.py", "--send", str(port), str(first), str(count), str(connections))
    return result


def compare(events: int, rounds: int, connections: int) -> None:
    """Alternate both, so that a noisy moment hits them alike."""
    with tempfile.TemporaryDirectory() as folder:
        print(f"this disk: {syncs_per_second(folder):,.0f} syncs/s")
    rates: dict[str, list[float]] = {"nothing": [], "inbox": []}
    p50, p99 = [], []
    for _ in range(rounds):
        for kind, of_kind in rates.items():
            result = one_round(kind, events, connections)
            of_kind.append(events / result["seconds"])
            print(f"{kind:8} {of_kind[-1]:8,.0f} events/s   p50 {result['p50']:5.1f} ms   p99 {result['p99']:5.1f} ms")
            if kind == "inbox":
                p50.append(result["p50"])
                p99.append(result["p99"])
    ratio = statistics.median(rates["inbox"]) / statistics.median(rates["nothing"])
    print(f"against keeping nothing: {ratio:.2f} x   (aim at least 0.35)")
    print(f"median p50 {statistics.median(p50):.1f} ms, p99 {statistics.median(p99):.1f} ms   (aim at most 50)")


def million(connections: int) -> None:
    """Memory of the receiving process, from the first 100,000 events to the last."""
    resident: list[float] = []
    with tempfile.TemporaryDirectory() as folder, server("inbox", folder) as (port, pid):
        for done in range(0, 1_000_000, 100_000):
            result = run_candidate("receiver.py", "--send", str(port), str(done), "100000", str(connections))
            status = Path(f"/proc/{pid}/status").read_text()
            resident.append(int(status.partition("VmRSS:")[2].split()[0]) / 1024)
            print(f"{done + 100_000:9,} events   {resident[-1]:6.1f} MB   p99 {result['p99']:5.1f} ms", flush=True)
    grown = resident[-1] / resident[0]
    print(f"the last against the first 100,000: {grown:.2f} x   (aim: flat, at most 1.1)")
    if grown > 1.1:
        raise SystemExit(1)


def main() -> None:
    """Both ways of use."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--million", action="store_true", help="memory over 1,000,000 events instead")
    options = parser.parse_args()
    if options.million:
        million(options.connections)
    else:
        compare(options.events, options.rounds, options.connections)


if __name__ == "__main__":
    match sys.argv[1:2]:
        case ["--serve"]:
            serve(sys.argv[2], sys.argv[3])
        case ["--send"]:
            send(*(int(each) for each in sys.argv[2:6]))
        case _:
            main()
