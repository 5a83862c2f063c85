"""What a sender of events does, written without the receiver's own code."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

JSON_TYPE = (b"content-type", b"application/json; charset=utf-8")
SECRET = "current-secret"
OLD_SECRET = "previous-secret"
FLOW_TOKEN = "flow-token-1"


def webhook_signature(secret: str, timestamp: str, body: bytes) -> str:
    """As Zoom's documentation puts it, over the bytes."""
    signed = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256)
    return f"v0={signed.hexdigest()}"


def zoom_node_sample_accepts(secret: str, timestamp: str, signature: str, body: bytes) -> bool:
    """Zoom's own sample for Node (github.com/zoom/webhook-sample): it signs the JSON as it would write it itself."""
    written_again = json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).encode()
    return signature == webhook_signature(secret, timestamp, written_again)


def signed(body: bytes, *, secret: str = SECRET, at: float | None = None) -> list[tuple[bytes, bytes]]:
    """Headers of a webhook."""
    timestamp = str(int(datetime.now(UTC).timestamp() if at is None else at))
    return [
        JSON_TYPE,
        (b"x-zm-signature", webhook_signature(secret, timestamp, body).encode()),
        (b"x-zm-request-timestamp", timestamp.encode()),
    ]


def zoom_body(name: str = "contact_center.engagement_ended", *, number: int = 0, account: str = "acc") -> bytes:
    """An event; another number is another event."""
    subject = {"engagement_id": f"eng-{number}", "channel": "voice", "consumers": [{"consumer_number": "+4930123456"}]}
    event = {
        "event": name,
        "event_ts": 1_795_000_000_000 + number,
        "payload": {"account_id": account, "object": subject},
    }
    return json.dumps(event, separators=(",", ":")).encode()


def flow_body(**changes: Any) -> bytes:
    """A flow event; a field changed to ``...`` is left out."""
    event = {
        "schema": 1,
        "type": "disposition_saved",
        "idempotency_key": "eng-1:disposition_saved:1",
        "engagement_id": "eng-1",
        "occurred_at": "2026-11-20T10:15:00.250+01:00",
        "disposition": "Sold",
    } | changes
    return json.dumps({name: value for name, value in event.items() if value is not ...}).encode()


def with_token(token: str = FLOW_TOKEN) -> list[tuple[bytes, bytes]]:
    """Headers of a flow event."""
    return [JSON_TYPE, (b"authorization", f"Bearer {token}".encode())]


@dataclass(frozen=True)
class Answered:
    status: int
    headers: dict[bytes, bytes]
    body: bytes


async def ask(
    app: Any,
    path: str,
    headers: Sequence[tuple[bytes, bytes]] = (),
    body: bytes | Sequence[bytes] = b"",
    *,
    method: str = "POST",
    client: tuple[str, int] | None = ("192.0.2.7", 5000),
) -> Answered | None:
    """One request to an ASGI app, its body in as many pieces as given; None where the app did not answer."""
    pieces = [body] if isinstance(body, bytes) else list(body)
    incoming = [
        {"type": "http.request", "body": piece, "more_body": index < len(pieces) - 1}
        for index, piece in enumerate(pieces)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": method, "path": path, "headers": list(headers), "client": client, "query_string": b"",
    }  # fmt: skip
    await app(scope, receive, send)
    if not sent:
        return None
    start, *rest = sent
    return Answered(start["status"], dict(start["headers"]), b"".join(each.get("body", b"") for each in rest))
