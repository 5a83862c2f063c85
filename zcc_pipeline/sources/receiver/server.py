"""uvicorn, made safe against senders that are slow, endless or many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from zcc_pipeline.sources.receiver.config import ReceiverConfig
from zcc_pipeline.sources.receiver.http import App

_MOST_HEAD_BYTES = 64 * 1024


class GuardedProtocol(HttpToolsProtocol):
    """HTTP/1.1 in which a request has a time to come in; uvicorn itself waits for ever once a connection is open.

    A connection whose time is up is closed without an answer: to Zoom that is a failure of transport, after which it
    sends the event again, whereas any 4xx would lose it.
    """

    def __init__(self, *args: Any, limits: ReceiverConfig, **options: Any) -> None:  # noqa: ANN401 uvicorn's own
        super().__init__(*args, **options)
        self._limits = limits
        self._deadline: asyncio.TimerHandle | None = None
        self._is_in_head = self._is_in_body = False
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Somebody is there; they have to say something."""
        super().connection_made(transport)
        self._allow(self._limits.head_timeout_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """They are gone."""
        self._clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Most requests come in one piece and never meet a timer."""
        was_in_head = self._is_in_head
        super().data_received(data)
        if self._is_in_head:
            self._head_bytes = self._head_bytes + len(data) if was_in_head else 0
            if self._head_bytes > _MOST_HEAD_BYTES:
                self.transport.close()
            elif self._deadline is None:
                self._allow(self._limits.head_timeout_seconds)
        elif self._is_in_body and self._deadline is None:
            self._allow(self._limits.body_timeout_seconds)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._is_in_head = True

    def on_headers_complete(self) -> None:
        """The end of its head; its body gets a time of its own."""
        self._clear()
        self._is_in_head, self._is_in_body = False, True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The end of its body, which may come after the answer."""
        self._clear()
        self._is_in_body = False
        super().on_message_complete()

    def _allow(self, seconds: float) -> None:
        self._deadline = self.loop.call_later(seconds, self._time_is_up)

    def _clear(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _time_is_up(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()


class Server(uvicorn.Server):
    """A server that leaves signals alone: whoever runs it says when to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing."""
        yield


def guarded_server(app: App, config: ReceiverConfig) -> Server:
    """One worker, one app, no access log, no headers about itself, nobody's word on where a request came from."""
    return Server(
        uvicorn.Config(
            app,
            http=_protocol(config),  # type: ignore[arg-type] # called, never subclassed
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level=None,
            proxy_headers=False,
            server_header=False,
            backlog=2048,
            limit_concurrency=config.max_connections,
            timeout_keep_alive=round(config.keep_alive_seconds),
            timeout_graceful_shutdown=round(config.drain_seconds),
        )
    )


def _protocol(config: ReceiverConfig) -> Callable[..., GuardedProtocol]:
    def make(*args: Any, **options: Any) -> GuardedProtocol:  # noqa: ANN401 uvicorn's own
        return GuardedProtocol(*args, limits=config, **options)

    return make
