"""A small account that pushes, and somebody who receives."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from zcc_pipeline.simulator.zoom.account import Account, AccountSpec
from zcc_pipeline.simulator.zoom.server import RunningSimulator, running_simulator
from zcc_pipeline_tests.simulator.push.receiver import SECRET, Receiver, running_receiver

SPEC = AccountSpec(last_day=date(2026, 11, 20), days=1, engagements_per_day=30, seed=11)
Json = dict[str, Any]


class Sender:
    """A running stand-in and how it is told what to push."""

    def __init__(self, sim: RunningSimulator, http: httpx.Client) -> None:
        self.sim, self._http = sim, http

    def control(self, name: str, **body: Any) -> Json:
        """A control command; ``from_`` is free of the keyword."""
        answer = self.refused(name, **body)
        assert answer.status_code == 200, answer.text
        result: Json = answer.json()
        return result

    def refused(self, name: str, **body: Any) -> httpx.Response:
        """The bare answer."""
        told = {key.rstrip("_"): value for key, value in body.items()}
        return self._http.post(f"{self.sim.control_url}/{name}", json=told)

    def push(self, receiver: Receiver, **body: Any) -> Json:
        """Signed webhooks, waits so short that tests can stand them."""
        return self.control("push", **{"webhook_url": receiver.url, "secret": SECRET, "speed": 10_000} | body)

    def progress(self) -> Json:
        result: Json = self._http.get(f"{self.sim.control_url}/push").json()
        return result

    def truth(self, event: str = "") -> Json:
        query = {"event": event} if event else {}
        result: Json = self._http.get(f"{self.sim.control_url}/push-truth", params=query).json()
        return result

    def until_settled(self) -> None:
        """Also for what control actions push in the background."""
        deadline = time.monotonic() + 60
        while not self.progress()["is_settled"]:
            assert time.monotonic() < deadline, "pushing never ended"
            time.sleep(0.02)


@pytest.fixture
def serve() -> Iterator[Callable[..., Sender]]:
    with ExitStack() as stack:

        def start(spec: AccountSpec = SPEC, **options: Any) -> Sender:
            sim = stack.enter_context(running_simulator(spec, **options))
            return Sender(sim, stack.enter_context(httpx.Client(timeout=30)))

        yield start


@pytest.fixture
def sender(serve: Callable[..., Sender]) -> Sender:
    return serve()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def month() -> Account:
    """Thirty thin days, looked at five weeks later, so that everything that goes has gone; do not change it."""
    spec = AccountSpec(last_day=date(2026, 11, 20), days=30, engagements_per_day=50)
    return Account.generate(spec, clock=lambda: datetime(2026, 12, 28, 12, 0, tzinfo=UTC))
