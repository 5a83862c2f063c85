from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.inbox import EventSink
from zcc_pipeline.pipeline.loop import run
from zcc_pipeline.sources.receiver.config import ReceiverConfig
from zcc_pipeline.sources.receiver.serve import Listening, serve
from zcc_pipeline.transport.event_log import EventLog
from zcc_pipeline.transport.metrics import Registry
from zcc_pipeline_tests.event_senders import FLOW_TOKEN, SECRET
from zcc_pipeline_tests.event_sinks import MemoryInbox

CONFIG = ReceiverConfig(port=0, metrics_port=0, secret_tokens=(SECRET,), flow_tokens=(FLOW_TOKEN,), drain_seconds=5)


@dataclass
class Running:
    """A receiver on a thread of its own."""

    inbox: Any
    log: io.BytesIO = field(default_factory=io.BytesIO)
    listening: Listening | None = None

    @property
    def address(self) -> tuple[str, int]:
        assert self.listening is not None
        assert self.listening.webhook_url is not None
        host, _, port = self.listening.webhook_url.removeprefix("http://").partition("/")[0].partition(":")
        return host, int(port)

    def stop(self) -> None:
        with suppress(RuntimeError):  # its loop is closed: it has stopped already
            self.loop.call_soon_threadsafe(self.stopping.set)

    def in_loop(self, work: Callable[[], None]) -> None:
        """Do something where the receiver runs."""
        self.loop.call_soon_threadsafe(work)

    def serve(self, config: ReceiverConfig, ready: threading.Event) -> None:
        clock = SystemClock()
        log = EventLog(self.log, clock)

        def on_ready(listening: Listening) -> None:
            self.listening = listening
            ready.set()

        async def main() -> None:
            self.loop, self.stopping = asyncio.get_running_loop(), asyncio.Event()
            await serve(
                config, self.inbox, clock=clock, log=log, registry=Registry(), stop=self.stopping, on_ready=on_ready
            )

        try:
            run(main())
        finally:
            log.close()


@contextmanager
def running(inbox: EventSink | None = None, **changes: Any) -> Iterator[Running]:
    """A receiver with real sockets, for the length of a block."""
    receiver, ready = Running(inbox or MemoryInbox()), threading.Event()
    thread = threading.Thread(target=receiver.serve, args=(replace(CONFIG, **changes), ready), daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield receiver
    finally:
        if thread.is_alive():
            receiver.stop()
            thread.join(60)
        assert not thread.is_alive()


@pytest.fixture
def receiver() -> Iterator[Running]:
    with running() as started:
        yield started
