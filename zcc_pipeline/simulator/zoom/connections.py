"""Reaches the connection below a request, so that an answer can break the way networks break."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any, cast

from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_KEY = "zcc_connection"
_LINGER_ZERO = struct.pack("ii", 1, 0)  # close sends RST and drops what is buffered


class BreakableProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose requests know their connection."""

    def on_message_begin(self) -> None:
        """Put the transport where the application finds it."""
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)["extensions"] = {_KEY: {"transport": self.transport}}


async def reset_connection(scope: Scope, receive: Receive) -> None:
    """End the connection with a TCP reset."""
    transport = _transport(scope)
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
    transport.abort()
    await _until_gone(receive)


async def close_connection(scope: Scope, receive: Receive) -> None:
    """Send what is buffered, then end the connection in good order, however much is still owed."""
    _transport(scope).close()
    await _until_gone(receive)


def _transport(scope: Scope) -> asyncio.Transport:
    return cast("asyncio.Transport", scope["extensions"][_KEY]["transport"])


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
