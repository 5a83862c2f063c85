"""What the listener is told, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from zcc_pipeline.domain.errors import ConfigurationError

SETTING = "ZCC_WEBSOCKET_URL"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Ticket:
    """An access token for one attempt to connect, and how long it is good for."""

    value: str = field(repr=False)
    good_for_seconds: float


@dataclass(frozen=True, slots=True)
class ListenerConfig:
    """Where the subscription is and how patient to be. Times are seconds."""

    url: str = field(repr=False)
    """As Zoom shows it in the subscription; the token is added to its query."""
    heartbeat_seconds: float = 30.0
    """Zoom's own interval."""
    silent_heartbeats: float = 2.5
    """After so many heartbeats without any frame the connection is taken for dead, at the next heartbeat."""
    connection_seconds: float = 3300.0
    """Longest life of one connection; less where the token dies sooner."""
    open_seconds: float = 15.0
    close_seconds: float = 2.0
    """Longest wait for the other side's good-bye."""
    drain_seconds: float = 5.0
    """Longest wait, when a connection is ended on purpose, for what it has already brought to be kept."""
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    max_frame_bytes: int = 1024 * 1024

    def __post_init__(self) -> None:
        problem = _problem(self.url)
        if problem:
            raise ConfigurationError(
                SETTING,
                problem,
                purpose="endpoint address that Zoom shows in the app's WebSocket subscription",
                example="wss://ws.zoom.us/ws?subscriptionId=AbCdEfGhIj",
            )

    def address(self, token: str) -> str:
        """The address to connect to: a secret as a whole, never to be logged."""
        parts = urlsplit(self.url)
        query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "access_token"]
        return urlunsplit(
            (parts.scheme, parts.netloc, parts.path or "/", urlencode([*query, ("access_token", token)]), "")
        )


def _problem(url: str) -> str | None:
    """What is wrong with an address, without repeating it: it may hold a token."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme not in ("ws", "wss") or not host:
        return "is not a WebSocket address (wss://…)"
    if parts.scheme == "ws" and host not in _LOOPBACK:
        return "has no TLS; the token travels in it, so only wss:// will do"
    if parts.username or parts.password:
        return "carries a user or a password, which is not how Zoom signs in"
    return None
