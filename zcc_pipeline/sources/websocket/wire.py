"""Opening a socket so that nothing secret gets out: the token is in the address.

The library logs whole requests at debug level, follows redirects with what it was given, and reads proxies from the
environment: none of it may happen here.
"""

from __future__ import annotations

import logging

from websockets.asyncio.client import ClientConnection, connect

from zcc_pipeline.sources.websocket.config import ListenerConfig

_silent = logging.getLogger("zcc_pipeline.sources.websocket.silent")
_silent.setLevel(logging.CRITICAL + 1)
_silent.propagate = False


class _Direct(connect):
    """A connection to the address given and to no other."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """A redirect is a refusal."""
        return exc


async def open_connection(config: ListenerConfig, token: str) -> ClientConnection:
    """Connect; raises what the library raises (``WebSocketException``, ``OSError``, ``TimeoutError``).

    Pings are off: Zoom's heartbeats are messages, and the one long-lived public client turned pings off.
    """
    return await _Direct(
        config.address(token),
        compression=None,
        user_agent_header="zcc-pipeline",
        proxy=None,
        open_timeout=config.open_seconds,
        close_timeout=config.close_seconds,
        ping_interval=None,
        max_size=config.max_frame_bytes,
        logger=_silent,
    )
