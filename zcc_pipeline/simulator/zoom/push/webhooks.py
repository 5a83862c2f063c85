"""Zoom's way of calling a webhook: signature, headers, what counts as delivered, when it tries again, the challenge.

From https://developers.zoom.us/docs/api/webhooks/ and https://developers.zoom.us/blog/webhook-delays.
"""

from __future__ import annotations

import hashlib
import hmac
import json

from zcc_pipeline.simulator.zoom.push.loopback import Header, Reply

ANSWER_WITHIN_SECONDS = 3.0
RETRY_AFTER_SECONDS = (5 * 60, 20 * 60, 60 * 60)
"""From one try to the next: 5, 25 and 85 minutes after the first."""
STALE_SECONDS = 3600
_AGENT = "Zoom Marketplace/1.0a"
_JSON = "application/json; charset=utf-8"


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The signature of exactly these bytes at this time (seconds since 1970)."""
    text = b"v0:%d:" % timestamp + body
    return "v0=" + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def encrypt_token(secret: str, plain_token: str) -> str:
    """What a challenge has to be answered with."""
    return hmac.new(secret.encode(), plain_token.encode(), hashlib.sha256).hexdigest()


def webhook_headers(secret: str, timestamp: int, body: bytes, *, delivery: int) -> list[Header]:
    """The headers of one try; ``delivery`` numbers all tries of a stand-in's life."""
    mark = hashlib.blake2b(b"%d" % delivery, digest_size=16).hexdigest()
    return [
        ("content-type", _JSON),
        ("user-agent", _AGENT),
        ("x-zm-signature", sign(secret, timestamp, body)),
        ("x-zm-request-timestamp", str(timestamp)),
        ("x-zm-request-id", f"{mark[:8]}-{mark[8:12]}-4{mark[13:16]}-8{mark[17:20]}-{mark[20:]}"),
        ("x-zm-trackingid", f"v=2.0;clid=sim;rid=WEB_{mark}"),
        ("traceparent", f"00-{mark}-{mark[:16]}-00"),
    ]


def is_delivered(status: int, *, is_retry: bool) -> bool:
    """200 and 204 count; of a retry's answers any 2xx."""
    return 200 <= status < 300 if is_retry else status in {200, 204}


def is_tried_again(status: int) -> bool:
    """Only where the receiver itself failed; what it refuses or sends elsewhere is lost."""
    return status >= 500


def challenge_body(plain_token: str, timestamp_ms: int) -> bytes:
    """``endpoint.url_validation``."""
    body = {"payload": {"plainToken": plain_token}, "event_ts": timestamp_ms, "event": "endpoint.url_validation"}
    return json.dumps(body, separators=(",", ":")).encode()


def challenge_problem(reply: Reply, secret: str, plain_token: str) -> str | None:
    """What is wrong with the answer to a challenge; None where nothing is."""
    if reply.status not in {200, 204}:
        return f"answered HTTP {reply.status}"
    try:
        answer = json.loads(reply.body)
    except ValueError:
        return "the answer is not JSON"
    if not isinstance(answer, dict) or answer.get("plainToken") != plain_token:
        return "plainToken is not the one sent"
    if answer.get("encryptedToken") != encrypt_token(secret, plain_token):
        return "encryptedToken is wrong"
    return None
