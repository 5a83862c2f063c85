"""Serves a stand-in on a thread of its own."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.simulator.crm.base.standin import CrmStandIn
from zcc_pipeline.simulator.zoom.connections import BreakableProtocol


@dataclass(frozen=True, slots=True)
class RunningStandIn:
    """Where a running stand-in is reached, and the stand-in itself for tests in the same process."""

    url: str
    standin: CrmStandIn

    @property
    def control_url(self) -> str:
        """Base of its control routes."""
        return f"{self.url}/_control"


@dataclass(frozen=True, slots=True)
class Certificate:
    """For clients that speak TLS only."""

    certificate: Path
    key: Path


@contextmanager
def running(
    standin: CrmStandIn, *, host: str = "127.0.0.1", port: int = 0, tls: Certificate | None = None
) -> Iterator[RunningStandIn]:
    """A stand-in for the length of a ``with`` block; port 0 takes a free one.

    Raises ``ConfigurationError`` when the port is taken or the host is not this machine's own.
    """
    with _bind(host, port) as listener:
        running_standin, server = _prepare(standin, listener, host, tls)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name=f"{standin.name}-stand-in", daemon=True
        )
        thread.start()
        try:
            # The listener already queues connections, so nothing has to wait for the thread to come up.
            yield running_standin
        finally:
            standin.release()
            server.should_exit = True
            thread.join(timeout=10)
            standin.close()


def _bind(host: str, port: int) -> socket.socket:
    """Loopback only: whoever reaches a stand-in may change everything in it."""
    if not _is_loopback(host):
        raise ConfigurationError("--host", f"{host} is not a loopback address", example="127.0.0.1")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError("--port", f"cannot listen on {host}:{port}: {error.strerror}", example="0") from error
    listener.listen(1024)
    return listener


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _prepare(
    standin: CrmStandIn, listener: socket.socket, host: str, tls: Certificate | None
) -> tuple[RunningStandIn, uvicorn.Server]:
    shown = f"[{host}]" if ":" in host else host
    standin.base_url = f"{'https' if tls else 'http'}://{shown}:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        standin,
        http=BreakableProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        date_header=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        ssl_certfile=None if tls is None else str(tls.certificate),
        ssl_keyfile=None if tls is None else str(tls.key),
    )
    return RunningStandIn(standin.base_url, standin), uvicorn.Server(config)
