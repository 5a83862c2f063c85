from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from zcc_pipeline.sources.receiver.app import build_app
from zcc_pipeline.sources.receiver.config import ReceiverConfig
from zcc_pipeline.sources.receiver.metrics import ReceiverMetrics
from zcc_pipeline.transport.event_log import EventLog
from zcc_pipeline.transport.metrics import Registry
from zcc_pipeline_tests.event_senders import FLOW_TOKEN, OLD_SECRET, SECRET, Answered, ask
from zcc_pipeline_tests.event_sinks import MemoryInbox

CONFIG = ReceiverConfig(secret_tokens=(SECRET, OLD_SECRET), flow_tokens=(FLOW_TOKEN, "flow-token-0"))
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class HandClock:
    """Stands still until moved."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Bench:
    """An app on a memory inbox, with what it counted and said."""

    config: ReceiverConfig = CONFIG
    inbox: MemoryInbox = field(default_factory=MemoryInbox)
    clock: HandClock = field(default_factory=HandClock)

    def __post_init__(self) -> None:
        self.stream = io.BytesIO()
        self.log = EventLog(self.stream, self.clock)
        self.registry = Registry()
        self.metrics = ReceiverMetrics(self.registry, self.inbox, self.clock)
        self.app = build_app(self.config, self.inbox, clock=self.clock, metrics=self.metrics, log=self.log)

    def ask(self, path: str, *args: Any, **options: Any) -> Answered:
        answered = asyncio.run(ask(self.app, path, *args, **options))
        assert answered is not None
        return answered

    def lines(self) -> list[dict[str, Any]]:
        """Everything said; nothing can be said afterwards."""
        self.log.close()
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def bench_with() -> Iterator[Callable[..., Bench]]:
    made = []

    def make(**changes: Any) -> Bench:
        made.append(Bench(config=replace(CONFIG, **changes)))
        return made[-1]

    yield make
    for each in made:
        each.log.close()


@pytest.fixture
def bench(bench_with: Callable[..., Bench]) -> Bench:
    return bench_with()
