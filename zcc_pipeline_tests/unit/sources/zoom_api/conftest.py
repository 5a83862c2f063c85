"""A Zoom in memory, behind httpx's transport seam, in virtual time: minutes of back-off take milliseconds."""

from __future__ import annotations

import asyncio
import json
import math
import selectors
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from zcc_pipeline.domain.datasets import DATASETS, Label
from zcc_pipeline.domain.window import Window, format_time
from zcc_pipeline.sources.zoom_api import ZoomApi, ZoomApiConfig, ZoomCredentials
from zcc_pipeline.sources.zoom_api.quota_pause import QuotaPause

START = datetime(2026, 3, 1, tzinfo=UTC)
API_URL = "https://api.zoom.test/v2"


class JumpingSelector(selectors.SelectSelector):
    """Never waits: where there is nothing to do until later, it is later."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        events = super().select(0)
        if not events:
            if timeout is None:
                raise RuntimeError("everything waits for something that will not come")
            self.now += max(timeout, 0.0)
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.jumping = JumpingSelector()
        super().__init__(self.jumping)

    def time(self) -> float:
        return self.jumping.now

    def run_in_executor(self, executor: Any, work: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """At once: a thread would take real time, of which this loop knows nothing."""
        done = self.create_future()
        try:
            done.set_result(work(*args))
        except Exception as error:  # noqa: BLE001 - handed on as an executor does
            done.set_exception(error)
        return done


class VirtualClock:
    """Time as the running virtual loop has it."""

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class MemoryBudget:
    """The generic cell rate algorithm, in memory; what the state store does in SQL."""

    def __init__(self) -> None:
        self.arrival: dict[Label, float] = {}
        self.blocked_until: dict[Label, float] = {}
        self.spent: Counter[date] = Counter()

    def reserve(
        self, label: Label, *, interval_seconds: float, burst: int, now: float, not_later_than: float | None = None
    ) -> float:
        arrival = self.arrival.get(label, 0.0)
        slot = max(now, self.blocked_until.get(label, 0.0), arrival - (burst - 1) * interval_seconds)
        if not_later_than is None or slot <= not_later_than:
            self.arrival[label] = max(arrival, slot) + interval_seconds
        return slot

    def block(self, label: Label, *, until: float) -> None:
        self.blocked_until[label] = max(self.blocked_until.get(label, 0.0), until)

    def spend_daily(self, day: date, *, amount: int, cap: int) -> bool:
        if self.spent[day] + amount > cap:
            return False
        self.spent[day] += amount
        return True

    def spent_daily(self, day: date) -> int:
        return self.spent[day]


Answer = httpx.Response | Exception | None


@dataclass
class MemoryZoom:
    """Engagements of one account. ``meddle`` may answer a request before the account does."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    time_field: str = "start_time"
    items_key: str = "engagements"
    announces: bool = True
    latency: float = 0.0
    per_second: int | None = None
    """A strict server: so many calls in any second, the next is refused."""
    meddle: Callable[[httpx.Request], Answer] = lambda request: None
    requests: list[httpx.Request] = field(default_factory=list)
    tokens_given: int = 0
    valid_tokens: set[str] = field(default_factory=set)
    refused: int = 0
    arrivals: deque[float] = field(default_factory=deque)
    token_lifetime: float = 3600
    found: dict[Any, list[dict[str, Any]]] = field(default_factory=dict)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        now = asyncio.get_running_loop().time()
        self.requests.append(request)
        if (answer := self.meddle(request)) is not None:
            if isinstance(answer, Exception):
                raise answer
            return answer
        if request.url.path.endswith("/oauth/token"):
            return self._give_token()
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.valid_tokens:
            return httpx.Response(401, json={"code": 124, "message": "Invalid access token."})
        if self.per_second is not None and not self._within_limit(now):
            self.refused += 1
            return httpx.Response(429, json={"code": 429, "message": "per-second"}, headers={"Retry-After": "1"})
        if self.latency:
            await asyncio.sleep(self.latency)
        return self._list(request.url.params)

    def _give_token(self) -> httpx.Response:
        self.tokens_given += 1
        token = f"SECRET-{self.tokens_given}"
        self.valid_tokens.add(token)
        scopes = "contact_center:read:list_engagements:admin contact_center:read:engagement:admin"
        return httpx.Response(
            200,
            json={"access_token": token, "expires_in": self.token_lifetime, "scope": scopes, "token_type": "bearer"},
        )

    def _within_limit(self, now: float) -> bool:
        while self.arrivals and self.arrivals[0] <= now - 1.0:
            self.arrivals.popleft()
        if len(self.arrivals) >= (self.per_second or 0):
            return False
        self.arrivals.append(now)
        return True

    def _list(self, params: httpx.QueryParams) -> httpx.Response:
        rows = self.rows
        if "from" in params:
            key = (id(rows), len(rows), params["from"], params["to"])
            if key not in self.found:
                self.found[key] = [row for row in rows if params["from"] <= row[self.time_field] < params["to"]]
            rows = self.found[key]
        size = int(params.get("page_size", 10))
        offset = int(params.get("next_page_token", "0"))
        following = offset + size
        body: dict[str, Any] = {
            "page_size": size,
            "next_page_token": str(following) if following < len(rows) else "",
            self.items_key: rows[offset:following],
        }
        if self.announces:
            body["total_records"] = len(rows)
        return httpx.Response(200, content=json.dumps(body).encode(), headers={"content-type": "application/json"})

    def calls(self) -> list[httpx.Request]:
        """Requests but for those of tokens."""
        return [request for request in self.requests if not request.url.path.endswith("/oauth/token")]


def make_engagement(number: int, start: datetime, **more: Any) -> dict[str, Any]:
    return {
        "engagement_id": f"engagement-{number:07d}",
        "start_time": format_time(start),
        "notes": [],
        "dispositions": [],
        **more,
    }


def make_day(count: int, *, start: datetime = START) -> list[dict[str, Any]]:
    """Engagements of one day with the load of a day: quiet nights, a busy noon."""
    rows = []
    for number in range(count):
        share = (number + 0.5) / count
        second = 86_399 * (share + 0.12 * math.sin(2 * math.pi * share))
        rows.append(make_engagement(number, start + timedelta(seconds=int(second))))
    return rows


@dataclass
class Toolbox:
    """Everything a test needs, since test folders are no packages."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    budget: MemoryBudget = field(default_factory=MemoryBudget)
    zoom: MemoryZoom = field(default_factory=MemoryZoom)
    start: datetime = START
    day: Window = field(default_factory=lambda: Window(START, START + timedelta(days=1)))
    budget_type: type[MemoryBudget] = MemoryBudget
    engagements: Any = DATASETS["zoom/engagements"]

    @staticmethod
    def engagement(number: int, start: datetime, **more: Any) -> dict[str, Any]:
        return make_engagement(number, start, **more)

    @staticmethod
    def fill_day(count: int) -> list[dict[str, Any]]:
        return make_day(count)

    def api(
        self, *, live: bool = False, transport: Any = None, pause: QuotaPause | None = None, **config: Any
    ) -> ZoomApi:
        settings = {"api_url": API_URL, "oauth_url": "https://zoom.test/oauth/token", "plan": "unlimited", **config}
        return ZoomApi(
            ZoomApiConfig(**settings),
            ZoomCredentials("ACCOUNT", "CLIENT", "CLIENT-SECRET"),
            budget=self.budget,
            clock=self.clock,
            live=live,
            pause=pause,
            transport=transport or httpx.MockTransport(self.zoom),
        )

    @staticmethod
    def run(work: Coroutine[Any, Any, Any]) -> Any:
        """Run to the end in virtual time."""
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(work)


@pytest.fixture
def box() -> Toolbox:
    return Toolbox()
