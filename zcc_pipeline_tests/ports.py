"""Ports for servers that cannot be asked to take any: nobody holds them until the server does."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack

_BELOW_OUTGOING = range(15_000, 32_000)
"""Linux and macOS take the port of an outgoing connection from above, so that other tests do not take one meanwhile."""


def free_ports(count: int) -> list[int]:
    """So many of loopback, each another."""
    dice = random.SystemRandom()
    found: list[int] = []
    with ExitStack() as stack:
        while len(found) < count:
            probe = stack.enter_context(socket.socket())
            port = dice.choice(_BELOW_OUTGOING)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
    return found
