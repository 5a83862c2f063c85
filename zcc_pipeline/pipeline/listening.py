"""The WebSocket intake: the listener with a token of its own for each attempt, and what an earlier process last saw."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.inbox import EventSink, InboxReader
from zcc_pipeline.pipeline.runtime import PipelineConfig, Runtime
from zcc_pipeline.sources.websocket import SEEN_NOTE, Listener, ListenerConfig, Ticket
from zcc_pipeline.sources.zoom_api.oauth import AccessToken, TokenSource
from zcc_pipeline.transport import open_client
from zcc_pipeline.transport.metrics import Registry


class _Tickets:
    """A token that no connection has used yet, each time it is asked."""

    def __init__(self, tokens: TokenSource, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock
        self._last: AccessToken | None = None

    async def __call__(self) -> Ticket:
        current = self._tokens.current() if self._last is None else self._tokens.replace(self._last)
        self._last = token = await current
        return Ticket(token.value, token.dies - self._clock.monotonic())


def require_subscription(config: PipelineConfig) -> ListenerConfig:
    """Where to listen; ``ConfigurationError`` where the address or the credentials are missing or wrong."""
    if not config.websocket_url:
        raise ConfigurationError(
            "ZCC_WEBSOCKET_URL",
            "is not set, so there is nothing to listen to",
            purpose="endpoint address that Zoom shows in the app's WebSocket subscription",
            example="wss://ws.zoom.us/ws?subscriptionId=AbCdEfGhIj",
        )
    Runtime(config).require_credentials()
    return ListenerConfig(config.websocket_url)


async def listen(
    config: PipelineConfig, inbox: EventSink, *, clock: Clock, registry: Registry, stop: asyncio.Event
) -> None:
    """Listen until ``stop`` is set. The caller owns the inbox, whose lock makes this the only listener of its host.

    Raises ``ConfigurationError`` where a setting is missing or Zoom refuses the app before the first connection.
    """
    subscription = require_subscription(config)
    credentials = replace(Runtime(config).require_credentials(), grant_type=config.websocket_grant)
    last_seen = await asyncio.to_thread(_last_seen, config.inbox_url)
    counter = registry.counter("zcc_websocket_total", "What happened on the WebSocket, by kind.", ("kind",))
    async with open_client(timeouts=config.zoom.timeouts, keep_alive=1) as client:
        tokens = TokenSource(config.zoom, credentials, client=client, clock=clock)
        listener = Listener(
            subscription,
            token=_Tickets(tokens, clock),
            sink=inbox,
            clock=clock,
            last_seen=last_seen,
            on_count=counter.add,
        )
        registry.gauge(
            "zcc_websocket_connected", "1 while events can arrive.", lambda: float(listener.health().is_connected)
        )
        registry.gauge(
            "zcc_websocket_last_seen_age_seconds",
            "Time since the last moment up to which everything sent is known to have arrived.",
            _age(listener, clock),
        )
        await listener.run(stop)


def _age(listener: Listener, clock: Clock) -> Callable[[], float | None]:
    def age() -> float | None:
        seen = listener.health().last_seen
        return None if seen is None else (clock.now() - seen).total_seconds()

    return age


def _last_seen(inbox_url: str) -> datetime | None:
    """What the last process noted; from then to the first connection of this one is a gap."""
    with InboxReader.open(inbox_url) as reader:
        return reader.notes().get(SEEN_NOTE)
