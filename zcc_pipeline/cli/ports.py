"""Ports on loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterable


def free_port(wanted: int) -> int:
    """The port wanted where nobody uses it, else any that is free."""
    with socket.socket() as probe:
        try:
            _bind(probe, wanted)
        except OSError:
            _bind(probe, 0)
        port: int = probe.getsockname()[1]
        return port


def first_free(ports: Iterable[int]) -> int:
    """The first of them that nobody uses, else any that is free."""
    return next((port for port in ports if free_port(port) == port), 0) or free_port(0)


def _bind(probe: socket.socket, port: int) -> None:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", port))
