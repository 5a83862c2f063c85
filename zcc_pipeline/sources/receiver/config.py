"""What the receiver is told, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ReceiverConfig:
    """Addresses, secrets and limits of the HTTP intakes. An intake without a secret is not served at all."""

    host: str = "127.0.0.1"
    port: int = 8080
    """0 takes a free one."""
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9464
    """0 takes a free one. Metrics are never served on the port that the world reaches."""
    secret_tokens: tuple[str, ...] = field(default=(), repr=False)
    """Of the Marketplace app. All are accepted; a challenge is answered with the one that it was signed with."""
    tolerance_seconds: int = 300
    """How far the signed time of a webhook may lie from now, either way."""
    flow_tokens: tuple[str, ...] = field(default=(), repr=False)
    """Bearer tokens of flow event scripts; all are accepted."""
    max_body_bytes: int = 1024 * 1024
    max_unread_bytes: int = 64 * 1024 * 1024
    """Of all bodies that are coming in at the same time, per intake; beyond it senders are told to come back."""
    head_timeout_seconds: float = 10.0
    """Longest time from a connection (or an answer) to the end of the next request's head."""
    body_timeout_seconds: float = 10.0
    """Longest time from the head of a request to the end of its body. Zoom itself gives up after 3 s."""
    max_connections: int = 1000
    """Further ones are answered 503 and closed: Zoom sends the event again."""
    failures_per_minute: int = 60
    """Refused signatures or tokens per source; further ones are answered 429 and no longer logged one by one."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose ``X-Forwarded-For`` is believed. From anybody else it is ignored."""
    keep_alive_seconds: float = 150.0
    """Longer than proxies keep theirs (nginx 60 s, Caddy 120 s): whoever closes first must not be the one asked."""
    root_path: str = ""
    """Path that a proxy in front hands on with each request, such as ``/zcc``."""
    drain_seconds: float = 10.0
    """Longest wait, when stopping, for requests that have begun."""
    min_free_bytes: int = 64 * 1024 * 1024
    """``/readyz`` says no below this."""
