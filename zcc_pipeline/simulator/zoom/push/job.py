"""One push: workers that send what was planned, again where Zoom would, until nothing is left."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from zcc_pipeline.simulator.zoom.push.event import PushedEvent
from zcc_pipeline.simulator.zoom.push.faults import Route
from zcc_pipeline.simulator.zoom.push.ledger import Passage
from zcc_pipeline.simulator.zoom.push.loopback import Address, Connection, Header
from zcc_pipeline.simulator.zoom.push.plan import Delivery, plan
from zcc_pipeline.simulator.zoom.push.requests import PushRequest
from zcc_pipeline.simulator.zoom.push.sending import Outside, post, send_challenge
from zcc_pipeline.simulator.zoom.push.webhooks import (
    ANSWER_WITHIN_SECONDS,
    RETRY_AFTER_SECONDS,
    STALE_SECONDS,
    is_delivered,
    is_tried_again,
    webhook_headers,
)

Work = Coroutine[Any, Any, None]
Send = Callable[[Connection, Delivery], Awaitable[None]]

_FLOW_WITHIN_SECONDS = 5.0
_WRONG = "-not"


class Job:
    """Sends one set of events; counts by route."""

    def __init__(self, number: int, events: Sequence[PushedEvent], request: PushRequest, outside: Outside) -> None:
        self.number = number
        self._request, self._outside = request, outside
        self.faults: Counter[str] = Counter()
        self.counts: dict[Route, Counter[str]] = {route: Counter() for route in request.routes}
        planned: Counter[str] = Counter()
        self._deliveries = plan(events, request, outside.ledger, self.faults, planned)
        for route, counts in self.counts.items():
            counts["events"] = planned[route]
        self._pending = len(self._deliveries)
        self._untried = sum(not delivery.late_seconds for delivery in self._deliveries)
        self._queues: dict[Route, asyncio.Queue[Delivery]] = {route: asyncio.Queue() for route in request.routes}
        self._settled, self._tried = asyncio.Event(), asyncio.Event()
        self._began = self._ended = outside.monotonic()

    @property
    def is_settled(self) -> bool:
        """Whether everything was sent and no retry is left."""
        return self._settled.is_set()

    async def until_settled(self) -> None:
        """Wait for the end."""
        await self._settled.wait()

    async def until_tried(self) -> None:
        """Wait until everything that is not late was tried once."""
        await self._tried.wait()

    async def run(self) -> None:
        """Send everything; ends when nothing is left."""
        loop = asyncio.get_running_loop()
        for delivery in self._deliveries:
            queue = self._queues[delivery.route]
            if delivery.late_seconds:
                loop.call_later(delivery.late_seconds / self._request.speed, queue.put_nowait, delivery)
            else:
                queue.put_nowait(delivery)
        self._deliveries = []
        self._note_progress()
        try:
            async with asyncio.TaskGroup() as group:
                workers = [group.create_task(worker) for worker in self._workers()]
                await self._settled.wait()
                for worker in workers:
                    worker.cancel()
        finally:
            self._end()

    def as_json(self) -> dict[str, Any]:
        """For the control route."""
        end = self._ended if self.is_settled else self._outside.monotonic()
        names = ("events", "sent", "accepted", "refused", "retried", "given_up", "missed")
        return {
            "job": self.number,
            "is_settled": self.is_settled,
            "pending": self._pending,
            "seconds": round(end - self._began, 3),
            "counts": {route: {name: counts[name] for name in names} for route, counts in self.counts.items()},
            "faults": dict(self.faults),
        }

    def _workers(self) -> list[Work]:
        request = self._request
        found: list[Work] = [self._send_frames()] if request.websocket else []
        for _ in range(request.concurrency):
            if request.webhook_url:
                found.append(self._send_posts("webhook", request.webhook_url, self._send_webhook))
            if request.flow_url:
                found.append(self._send_posts("flow", request.flow_url, self._send_flow))
        return found

    async def _send_posts(self, route: Route, url: str, send: Send) -> None:
        address = Address.parse(url)
        connection = Connection(address, monotonic=self._outside.monotonic)
        try:
            while True:
                delivery = await self._queues[route].get()
                delivery.tries += 1
                await send(connection, delivery)
                if delivery.tries == 1 and not delivery.late_seconds:
                    self._untried -= 1
                self._note_progress()
        finally:
            connection.close()

    async def _send_webhook(self, connection: Connection, delivery: Delivery) -> None:
        if delivery.kind == "challenge":
            await send_challenge(self._outside, connection, self._request.secret)
            self._pending -= 1
            return
        counts = self.counts["webhook"]
        self._count_try(delivery, counts)
        timestamp = int(self._outside.wall_clock().timestamp()) - STALE_SECONDS * delivery.is_stale
        secret = self._request.secret + _WRONG * delivery.is_wrongly_signed
        headers = webhook_headers(secret, timestamp, delivery.body, delivery=next(self._outside.deliveries))
        reply = await post(connection, headers, delivery.body, ANSWER_WITHIN_SECONDS)
        if reply is not None and is_delivered(reply.status, is_retry=delivery.tries > 1):
            self._accept(delivery, counts)
        elif reply is not None and not is_tried_again(reply.status):
            counts["refused"] += 1
        elif delivery.tries <= len(RETRY_AFTER_SECONDS):
            wait = RETRY_AFTER_SECONDS[delivery.tries - 1] / self._request.speed
            asyncio.get_running_loop().call_later(wait, self._queues["webhook"].put_nowait, delivery)
            return
        else:
            counts["given_up"] += 1
        self._pending -= 1

    async def _send_flow(self, connection: Connection, delivery: Delivery) -> None:
        """A script posts once; whatever comes back, it is gone."""
        counts = self.counts["flow"]
        self._count_try(delivery, counts)
        headers: list[Header] = [
            ("content-type", "application/json"),
            ("accept", "application/json, text/plain, */*"),
            ("user-agent", "axios/1.7.9"),
            ("authorization", f"Bearer {self._request.flow_token}{_WRONG * delivery.is_wrongly_signed}"),
        ]
        reply = await post(connection, headers, delivery.body, _FLOW_WITHIN_SECONDS)
        if reply is not None and 200 <= reply.status < 300:
            self._accept(delivery, counts)
        else:
            counts["given_up" if reply is None or reply.status >= 500 else "refused"] += 1
        self._pending -= 1

    async def _send_frames(self) -> None:
        queue, counts, hub = self._queues["websocket"], self.counts["websocket"], self._outside.hub
        while True:
            delivery = await queue.get()
            delivery.tries += 1
            if await hub.send(delivery.body, as_object=self._request.websocket == "object"):
                self._count_try(delivery, counts)
                self._accept(delivery, counts)
            else:
                counts["missed"] += 1
            self._pending -= 1
            if not delivery.late_seconds:
                self._untried -= 1
            self._note_progress()

    def _count_try(self, delivery: Delivery, counts: Counter[str]) -> None:
        counts["sent"] += 1
        counts["retried"] += delivery.tries > 1
        if delivery.kind == "garbage":
            self._outside.ledger.garbage += 1
        elif delivery.event is not None:
            passage = self._passage(delivery, delivery.event)
            passage.sent += 1
            passage.wrongly_signed += delivery.is_wrongly_signed
            passage.stale += delivery.is_stale

    def _accept(self, delivery: Delivery, counts: Counter[str]) -> None:
        counts["accepted"] += 1
        if delivery.kind != "garbage" and delivery.event is not None:
            self._passage(delivery, delivery.event).accepted += 1

    def _passage(self, delivery: Delivery, event: PushedEvent) -> Passage:
        ledger = self._outside.ledger
        find = ledger.foreign_passage if delivery.kind == "foreign" else ledger.event_passage
        return find(delivery.route, event)

    def _note_progress(self) -> None:
        if self._untried <= 0:
            self._tried.set()
        if self._pending <= 0:
            self._end()

    def _end(self) -> None:
        if not self._settled.is_set():
            self._ended = self._outside.monotonic()
        self._tried.set()
        self._settled.set()
