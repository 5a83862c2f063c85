"""Events put into a real inbox, as an intake would."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from zcc_pipeline.domain.clock import Clock, SystemClock
from zcc_pipeline.domain.events import CONNECTION_GAP, Intake, PushedEvent, zoom_event
from zcc_pipeline.inbox import Inbox
from zcc_pipeline.sources.receiver import CHALLENGE_NOTE
from zcc_pipeline.sources.receiver.flow_events import flow_event

ACCOUNT = "account"


def event_body(name: str, subject: dict[str, Any], at: datetime, *, account: str = ACCOUNT) -> bytes:
    """A Contact Center event as Zoom sends it."""
    name = name if "." in name else f"contact_center.{name}"
    body = {
        "event": name,
        "event_ts": round(at.timestamp() * 1000),
        "payload": {"account_id": account, "object": subject},
    }
    return json.dumps(body, ensure_ascii=False).encode()


def pushed(
    name: str,
    subject: dict[str, Any],
    at: datetime,
    *,
    intake: Intake = "webhook",
    account: str = ACCOUNT,
    received_at: datetime | None = None,
) -> PushedEvent:
    """The same as an intake hands it on."""
    return zoom_event(event_body(name, subject, at, account=account), intake=intake, received_at=received_at or at)


def posted(kind: str, engagement_id: str, at: datetime, **fields: Any) -> PushedEvent:
    """What a flow script posts."""
    body = {
        "schema": 1,
        "type": kind,
        "idempotency_key": f"{engagement_id}:{kind}:{at.timestamp()}",
        "engagement_id": engagement_id,
        "occurred_at": at.isoformat(),
        **fields,
    }
    return flow_event(json.dumps(body).encode(), received_at=at)


def gap(start: datetime, end: datetime) -> PushedEvent:
    """The word that a connection was down."""
    body = json.dumps({"from": start.astimezone(UTC).isoformat(), "to": end.astimezone(UTC).isoformat()}).encode()
    return PushedEvent("gap", end, hashlib.sha256(b"gap\0" + body).digest(), CONNECTION_GAP, start, None, None, body)


def receive(
    url: str, *events: PushedEvent, clock: Clock | None = None, challenge_at: datetime | None = None
) -> list[int | None]:
    """Put them in, in that order; their numbers, None for a duplicate ``challenge_at``: when Zoom asked."""
    return asyncio.run(_put_all(url, events, clock or SystemClock(), challenge_at))


async def _put_all(
    url: str, events: Iterable[PushedEvent], clock: Clock, challenge_at: datetime | None
) -> list[int | None]:
    inbox = Inbox.open(url, clock=clock)
    if challenge_at is not None:
        inbox.note(CHALLENGE_NOTE, challenge_at)
    try:
        return [(await inbox.put(event)).seq for event in events]
    finally:
        await inbox.close()
