"""Time in which events may have been missed, as an event of its own."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import msgspec

from zcc_pipeline.domain.events import CONNECTION_GAP, PushedEvent

SEEN_NOTE = "websocket_seen"
"""Name under which the inbox keeps the last moment up to which everything sent is known to have arrived."""


def gap_event(start: datetime, end: datetime, *, received_at: datetime) -> PushedEvent:
    """The word that what happened in [start, end] may be missing. A clock that was set back turns no gap around."""
    start, end = sorted((start.astimezone(UTC), end.astimezone(UTC)))
    body = msgspec.json.encode({"from": start.isoformat(), "to": end.isoformat()})
    return PushedEvent(
        intake="gap",
        received_at=received_at,
        dedupe_key=hashlib.sha256(b"gap\0" + body).digest(),
        event=CONNECTION_GAP,
        event_ts=start,
        account_id=None,
        engagement_id=None,
        body=body,
    )
