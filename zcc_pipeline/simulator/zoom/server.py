"""Starts the stand-in: as a process of its own, or as a thread beside a test."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.simulator.zoom.account.account import Account
from zcc_pipeline.simulator.zoom.account.spec import AccountSpec
from zcc_pipeline.simulator.zoom.connections import BreakableProtocol
from zcc_pipeline.simulator.zoom.operations import all_scopes
from zcc_pipeline.simulator.zoom.options import SimulatorOptions
from zcc_pipeline.simulator.zoom.rest_app import build_app
from zcc_pipeline.simulator.zoom.standin import ZoomStandIn

_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1"}  # noqa: S104


@dataclass(frozen=True)
class RunningSimulator:
    """Where a running stand-in is reached, and the stand-in itself for tests in the same process."""

    api_url: str
    oauth_url: str
    control_url: str
    websocket_url: str
    """Without the access token, as a subscription shows it."""
    api_host: str
    file_host: str
    standin: ZoomStandIn


def serve(options: SimulatorOptions, *, on_ready: Callable[[RunningSimulator], None] | None = None) -> None:
    """Serve until interrupted. ``on_ready`` is told the addresses before the first request is taken.

    Raises ``ConfigurationError`` when the address is taken.
    """
    with _bind(options) as listener:
        running, server = _prepare(options, listener)
        if on_ready is not None:
            on_ready(running)
        server.run(sockets=[listener])


@contextmanager
def running_simulator(
    spec: AccountSpec,
    *,
    around: Callable[[ASGIApp], ASGIApp] | None = None,
    **options: Any,  # noqa: ANN401 SimulatorOptions checks them
) -> Iterator[RunningSimulator]:
    """A stand-in on a thread, for the length of a ``with`` block; ``options`` are those of ``SimulatorOptions``.

    ``around`` puts an application around it, which sees every request as it comes and every answer as it goes.
    """
    settings = SimulatorOptions(spec=spec, **options)
    with _bind(settings) as listener:
        running, server = _prepare(settings, listener, around)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="zoom-stand-in", daemon=True)
        thread.start()
        try:
            # The listener already queues connections, so nothing has to wait for the thread to come up.
            yield running
        finally:
            server.should_exit = True
            thread.join(timeout=10)


def _bind(options: SimulatorOptions) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host, options.port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            "--port", f"cannot listen on {options.host}:{options.port}: {error.strerror}", example="0"
        ) from error
    listener.listen(1024)
    return listener


def _prepare(
    options: SimulatorOptions, listener: socket.socket, around: Callable[[ASGIApp], ASGIApp] | None = None
) -> tuple[RunningSimulator, uvicorn.Server]:
    host = options.public_host or _ANY_ADDRESS.get(options.host, options.host)
    base_url = f"http://{host}:{listener.getsockname()[1]}"
    standin = ZoomStandIn(
        options,
        Account.generate(options.spec, clock=options.clock),
        base_url=base_url,
        scopes=all_scopes(),
        monotonic=time.monotonic,
        wall_clock=lambda: datetime.now(UTC),
    )
    app = build_app(standin)
    config = uvicorn.Config(
        around(app) if around is not None else app,
        http=BreakableProtocol,
        ws="websockets-sansio",
        lifespan="on",
        access_log=False,
        log_config=None,
        date_header=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    running = RunningSimulator(
        api_url=f"{base_url}/v2",
        oauth_url=f"{base_url}/oauth/token",
        control_url=f"{base_url}/_control",
        websocket_url=f"{base_url.replace('http', 'ws', 1)}/ws?subscriptionId=stand-in",
        api_host=host,
        file_host=standin.file_url.removeprefix("http://").rpartition(":")[0],
        standin=standin,
    )
    return running, uvicorn.Server(config)
