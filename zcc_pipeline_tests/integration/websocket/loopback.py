"""A real WebSocket server that does what a test tells it, connection by connection, and a sink in memory."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from zcc_pipeline.domain.clock import Clock, SystemClock
from zcc_pipeline.domain.events import CONNECTION_GAP, PushedEvent
from zcc_pipeline.inbox import Put
from zcc_pipeline.sources.websocket import Listener, ListenerConfig, Ticket
from zcc_pipeline_tests.event_sinks import MemoryInbox

ANSWER = '{"module":"heartbeat","success":true,"content":"live","header":{}}'
BUILT = '{"module":"build_connection","success":true,"content":"ok"}'
Script = Callable[[ServerConnection], Awaitable[None]]


def event(number: int) -> dict[str, Any]:
    return {
        "event": "contact_center.engagement_ended",
        "event_ts": 1_700_000_000_000 + number,
        "payload": {"account_id": "account", "object": {"engagement_id": f"e{number}"}},
    }


def as_string(number: int) -> str:
    return json.dumps({"module": "message", "content": json.dumps(event(number))})


def as_object(number: int) -> str:
    return json.dumps({"module": "message", "content": event(number)})


async def answer_heartbeats(socket: ServerConnection) -> None:
    """A well-behaved server until the other side goes."""
    try:
        async for message in socket:
            if json.loads(message) == {"module": "heartbeat"}:
                await socket.send(ANSWER)
    except ConnectionClosed:
        pass


def sending(*frames: str | bytes) -> Script:
    async def script(socket: ServerConnection) -> None:
        for frame in frames:
            await socket.send(frame)
        await answer_heartbeats(socket)

    return script


def cut_after(*frames: str, heartbeats: int = 1) -> Script:
    """Answer some heartbeats, send, and let TCP die without a word."""

    async def script(socket: ServerConnection) -> None:
        for _ in range(heartbeats):
            await socket.recv()
            await socket.send(ANSWER)
        for frame in frames:
            await socket.send(frame)
        await asyncio.sleep(0.02)
        socket.transport.abort()

    return script


def refuse(status: int, **headers: str) -> Response:
    return Response(status, HTTPStatus(status).phrase, Headers({"Content-Length": "0", **headers}))


@dataclass
class Server:
    """``plan`` says what becomes of each connection in turn: a refusal or a script; afterwards all are well."""

    plan: deque[Response | Script] = field(default_factory=deque)
    tokens: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    close_codes: list[int | None] = field(default_factory=list)
    url: str = ""
    _scripts: deque[Script] = field(default_factory=deque)

    def answer(self, _socket: ServerConnection, request: Request) -> Response | None:
        parts = urlsplit(request.path)
        self.paths.append(parts.path)
        self.tokens.append(parse_qs(parts.query)["access_token"][0])
        step = self.plan.popleft() if self.plan else answer_heartbeats
        if isinstance(step, Response):
            return step
        self._scripts.append(step)
        return None

    async def handle(self, socket: ServerConnection) -> None:
        await self._scripts.popleft()(socket)
        self.close_codes.append(socket.close_code)


@asynccontextmanager
async def serving(*plan: Response | Script, port: int = 0) -> AsyncIterator[Server]:
    server = Server(deque(plan))
    async with serve(server.handle, "127.0.0.1", port, process_request=server.answer, close_timeout=1) as running:
        port = running.sockets[0].getsockname()[1]
        server.url = f"ws://127.0.0.1:{port}/ws?subscriptionId=abc"
        yield server


class MemorySink(MemoryInbox):
    """An inbox in memory, with what these tests ask of it."""

    def __init__(self, *, is_full: bool = False) -> None:
        super().__init__()
        self.is_broken = is_full
        self.refusals = 0
        self.puts: list[PushedEvent] = []

    async def put(self, event: PushedEvent) -> Put:
        self.refusals += self.is_broken
        put = await super().put(event)
        self.puts.append(event)
        return put

    def engagements(self) -> list[str | None]:
        return [each.engagement_id for each in self.puts if each.intake == "websocket"]

    def gaps(self) -> list[tuple[datetime, datetime]]:
        bodies = [json.loads(each.body) for each in self.puts if each.event == CONNECTION_GAP]
        return [(datetime.fromisoformat(body["from"]), datetime.fromisoformat(body["to"])) for body in bodies]


class Tokens:
    """A new token every time; each must be used for one attempt only."""

    def __init__(self, good_for_seconds: float = 3600.0) -> None:
        self.given: list[str] = []
        self.good_for_seconds = good_for_seconds
        self.errors: deque[Exception] = deque()

    async def __call__(self) -> Ticket:
        if self.errors:
            raise self.errors.popleft()
        self.given.append(f"secret-token-{len(self.given) + 1}")
        return Ticket(self.given[-1], self.good_for_seconds)


QUICK = {
    "heartbeat_seconds": 0.05,
    "silent_heartbeats": 200.0,  # a machine that stands still for a moment is no silent connection
    "first_wait_seconds": 0.01,
    "longest_wait_seconds": 0.05,
    "close_seconds": 0.5,
}
SOON_SILENT = 2.5
"""Heartbeats without an answer, for tests of silence."""


class Listening:
    """A listener at work in the background."""

    def __init__(
        self,
        server: Server,
        sink: MemorySink,
        *,
        clock: Clock | None = None,
        last_seen: datetime | None = None,
        tokens: Tokens | None = None,
        **config: float,
    ) -> None:
        self.sink = sink
        self.stop = asyncio.Event()
        self.tokens = tokens or Tokens()
        self.listener = Listener(
            ListenerConfig(server.url, **{**QUICK, **config}),  # type: ignore[arg-type]
            token=self.tokens,
            sink=sink,
            clock=clock or SystemClock(),
            last_seen=last_seen,
        )
        self.task = asyncio.create_task(self.listener.run(self.stop))

    async def until(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.005)

    async def __aenter__(self) -> Listening:
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.stop.set()
        async with asyncio.timeout(60):
            await asyncio.gather(self.task, return_exceptions=True)
