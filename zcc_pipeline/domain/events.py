"""A pushed event as every intake hands it to the inbox, whichever way it came.

No vendor gives these events an id, so identity is made here: the digest of what the event says, the same for a webhook
and for the same event over a WebSocket, whatever the bytes looked like on the way.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

Intake = Literal["webhook", "websocket", "flow", "gap"]
"""How it came; ``gap`` is no event but the word that events may have been missed."""

UNREADABLE = "unreadable"
"""Event name of a body that is authentic and not an event: kept, and set aside when it is applied."""
CONNECTION_GAP = "connection_gap"
"""Event name of a span of time in which a WebSocket was not connected. Body: ``{"from", "to"}``, ISO, UTC."""
FLOW_PREFIX = "flow."
"""Flow events are named ``flow.<type>``."""
ERASED_BODY = b'{"erased":true}'
"""Body of an event that came for an erased engagement: it was acknowledged, and nothing that it said was kept."""

_MAX_NAME_LENGTH = 200  # an index takes no more than a few hundred
_MAX_TIMESTAMP_MS = 253_402_300_799_999  # the last one of the year 9999


@dataclass(frozen=True, slots=True)
class PushedEvent:
    """What arrived. ``body`` holds the bytes as received and may hold personal data: never log it."""

    intake: Intake
    received_at: datetime
    dedupe_key: bytes
    """32 bytes; the same event again has the same."""
    event: str
    event_ts: datetime | None
    """When it happened, as the sender says."""
    account_id: str | None
    engagement_id: str | None
    body: bytes = field(repr=False)


def without_body(event: PushedEvent) -> PushedEvent:
    """That it came, and nothing of what it said: for events of erased engagements. The same event again is a duplicate
    as before."""
    return replace(event, account_id=None, engagement_id=None, event_ts=None, body=ERASED_BODY)


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A pushed event that is durably kept, with its place in the order of arrival."""

    seq: int
    event: PushedEvent


def zoom_event(body: bytes, *, intake: Intake, received_at: datetime) -> PushedEvent:
    """Read the envelope ``{event, event_ts (ms), payload: {account_id, object}}`` that all of Zoom's events share.

    Never raises: authentic bytes that are no such envelope become an event named ``unreadable``.
    """
    try:
        whole = msgspec.json.decode(body)
        name, payload = whole["event"], whole.get("payload")
        if _text(name) is None:
            return _unreadable(body, intake, received_at)
        identity = {"event": name, "event_ts": whole.get("event_ts"), "payload": payload}
        key = hashlib.sha256(msgspec.json.encode(identity, order="sorted")).digest()
    except (msgspec.MsgspecError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return _unreadable(body, intake, received_at)
    payload = payload if isinstance(payload, dict) else {}
    subject = payload.get("object")
    return PushedEvent(
        intake=intake,
        received_at=received_at,
        dedupe_key=key,
        event=name,
        event_ts=_moment(whole.get("event_ts")),
        account_id=_text(payload.get("account_id")),
        engagement_id=_text(subject.get("engagement_id")) if isinstance(subject, dict) else None,
        body=body,
    )


def _unreadable(body: bytes, intake: Intake, received_at: datetime) -> PushedEvent:
    key = hashlib.sha256(b"unreadable\0" + body).digest()
    return PushedEvent(intake, received_at, key, UNREADABLE, None, None, None, body)


def _text(value: Any) -> str | None:  # noqa: ANN401 whatever the JSON holds
    """A name or id; none that a database could not take as one."""
    return value if isinstance(value, str) and 0 < len(value) <= _MAX_NAME_LENGTH and "\0" not in value else None


def _moment(value: Any) -> datetime | None:  # noqa: ANN401 whatever the JSON holds
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_TIMESTAMP_MS:
        return None
    return datetime.fromtimestamp(value / 1000, UTC)
