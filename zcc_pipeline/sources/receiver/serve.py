"""Serves both ports until told to stop, and stops without losing what it has acknowledged."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.inbox import EventSink
from zcc_pipeline.sources.receiver.app import FLOW_PATH, WEBHOOK_PATH, build_app, build_metrics_app
from zcc_pipeline.sources.receiver.config import ReceiverConfig
from zcc_pipeline.sources.receiver.metrics import ReceiverMetrics
from zcc_pipeline.sources.receiver.server import guarded_server
from zcc_pipeline.transport.event_log import EventLog
from zcc_pipeline.transport.metrics import Registry


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a receiver is reached; an intake without secrets is not served and is None here."""

    webhook_url: str | None
    flow_url: str | None
    metrics_url: str


async def serve(
    config: ReceiverConfig,
    inbox: EventSink,
    *,
    clock: Clock,
    log: EventLog,
    registry: Registry,
    stop: asyncio.Event,
    on_ready: Callable[[Listening], None] | None = None,
) -> None:
    """Serve until ``stop`` is set: then no connection is taken any more, and requests that have begun are finished.

    Raises ``ConfigurationError`` where no intake has a secret or an address cannot be had. The inbox stays open: its
    owner closes it afterwards.
    """
    require_secrets(config)
    metrics = ReceiverMetrics(registry, inbox, clock)
    with ExitStack() as held:
        listener = held.enter_context(_bound(config.host, config.port, "ZCC_RECEIVER_PORT"))
        metrics_listener = held.enter_context(_bound(config.metrics_host, config.metrics_port, "ZCC_METRICS_PORT"))
        servers = [
            (guarded_server(build_app(config, inbox, clock=clock, metrics=metrics, log=log), config), listener),
            (
                guarded_server(build_metrics_app(config, inbox, registry=registry, metrics=metrics), config),
                metrics_listener,
            ),
        ]
        if on_ready is not None:
            on_ready(_listening(config, listener, metrics_listener))
        async with asyncio.TaskGroup() as running:
            for server, bound in servers:
                running.create_task(server.serve(sockets=[bound]))
            await stop.wait()
            for server, _ in servers:
                server.should_exit = True


def require_secrets(config: ReceiverConfig) -> None:
    """``ConfigurationError`` where no intake has a secret."""
    if not (config.secret_tokens or config.flow_tokens):
        raise ConfigurationError(
            "ZCC_WEBHOOK_SECRET_TOKENS, ZCC_FLOW_TOKENS",
            "at least one is needed; without a secret an intake would take events from anybody",
            purpose="secret tokens of the Marketplace app's webhooks; bearer tokens of flow event scripts",
            example="(the secret token on the app's Access page)",
        )


def _listening(config: ReceiverConfig, listener: socket.socket, metrics_listener: socket.socket) -> Listening:
    base = _url(listener) + config.root_path
    return Listening(
        webhook_url=base + WEBHOOK_PATH if config.secret_tokens else None,
        flow_url=base + FLOW_PATH if config.flow_tokens else None,
        metrics_url=_url(metrics_listener) + "/metrics",
    )


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _bound(host: str, port: int, setting: str) -> Iterator[socket.socket]:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigurationError(setting, f"cannot listen on {host}: {error.strerror}", example="8080") from error
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError as error:
            raise ConfigurationError(
                setting, f"cannot listen on {host}:{port}: {error.strerror}", example="8080"
            ) from error
        listener.listen(2048)
        yield listener
