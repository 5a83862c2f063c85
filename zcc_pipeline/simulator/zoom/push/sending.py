"""Single requests, and what all pushing of one stand-in shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from zcc_pipeline.simulator.zoom.account.chance import new_id, stream
from zcc_pipeline.simulator.zoom.push.ledger import Ledger
from zcc_pipeline.simulator.zoom.push.loopback import Connection, Header, Reply
from zcc_pipeline.simulator.zoom.push.webhooks import (
    ANSWER_WITHIN_SECONDS,
    challenge_body,
    challenge_problem,
    webhook_headers,
)
from zcc_pipeline.simulator.zoom.push.websocket import WebSocketHub


@dataclass(frozen=True)
class Outside:
    """What all jobs of a stand-in share."""

    ledger: Ledger
    hub: WebSocketHub
    monotonic: Callable[[], float]
    wall_clock: Callable[[], datetime]
    deliveries: count[int] = field(default_factory=count)


async def send_challenge(outside: Outside, connection: Connection, secret: str) -> dict[str, Any]:
    """One ``endpoint.url_validation``; says whether the answer was right, and if not, what is wrong."""
    number, began = next(outside.deliveries), outside.monotonic()
    plain_token = new_id(stream("challenge", number))
    now = outside.wall_clock().timestamp()
    body = challenge_body(plain_token, int(now * 1000))
    headers = webhook_headers(secret, int(now), body, delivery=number)
    reply = await post(connection, headers, body, ANSWER_WITHIN_SECONDS)
    problem = "no answer" if reply is None else challenge_problem(reply, secret, plain_token)
    if problem is None:
        outside.ledger.challenges_answered += 1
    else:
        outside.ledger.challenges_failed += 1
    return {
        "is_answered": problem is None,
        "status": None if reply is None else reply.status,
        "problem": problem,
        "seconds": round(outside.monotonic() - began, 3),
    }


async def post(connection: Connection, headers: list[Header], body: bytes, seconds: float) -> Reply | None:
    """One try; None where no answer came in time."""
    try:
        return await connection.post(headers, body, timeout_seconds=seconds)
    except (ConnectionError, TimeoutError):
        return None
