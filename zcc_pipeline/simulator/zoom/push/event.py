"""One event as Zoom would push it, and the words that all of them share."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from zcc_pipeline.simulator.zoom.account.engagement import Engagement
from zcc_pipeline.simulator.zoom.account.moments import precise_moment
from zcc_pipeline.simulator.zoom.account.population import Agent, Queue

Json = dict[str, Any]

PREFIX = "contact_center."
FLOW_PREFIX = "flow."

_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class PushedEvent:
    """What is sent: ``body`` are the bytes. ``key`` is unique in an account and the same in each run."""

    key: str
    name: str
    at: datetime
    """When it happened, to the millisecond, on the account's own time line."""
    engagement_id: str | None
    subject_id: str | None
    """The recording, note, disposition or message that it is about."""
    body: bytes = field(repr=False)
    idempotency_key: str | None = None
    """Of a flow script's post."""

    @property
    def timestamp_ms(self) -> int:
        """``event_ts``."""
        return int(self.at.timestamp()) * 1000 + self.at.microsecond // 1000

    @property
    def is_of_flow(self) -> bool:
        """Whether a flow's script sends it, not Zoom itself."""
        return self.name.startswith(FLOW_PREFIX)

    @property
    def identity(self) -> str:
        """By what a receiver can tell it from others: the digest of its content, or a flow's idempotency key."""
        if self.idempotency_key is not None:
            return self.idempotency_key
        whole = _decode(self.body)
        told = {name: whole[name] for name in ("event", "event_ts", "payload")}
        return hashlib.sha256(_encode_sorted(told)).hexdigest()


class Maker:
    """Makes the events of one account."""

    def __init__(self, account_id: str, base_url: str) -> None:
        self.account_id = account_id
        self.base_url = base_url
        """Of download addresses, with ``/v2``."""

    def event(
        self,
        name: str,
        at: datetime,
        content: Json,
        *,
        subject_id: str | None = None,
        time_field: str | None = "date_time_ms",
        part: object = "",
    ) -> PushedEvent:
        """An event with its envelope. ``part`` tells events of one name about one thing apart."""
        engagement_id = content.get("engagement_id")
        key = f"{name}:{engagement_id or ''}:{subject_id or ''}:{part}"
        precise = with_milliseconds(at, key)
        if time_field is not None:
            content[time_field] = precise_moment(precise)
        event = PushedEvent(key, PREFIX + name, precise, engagement_id, subject_id, b"")
        return with_body(event, envelope(event.name, event.timestamp_ms, self.account_id, content))


def envelope(name: str, timestamp_ms: int, account_id: str, content: Json) -> bytes:
    """The body of a webhook."""
    return _encode({"event": name, "event_ts": timestamp_ms, "payload": {"account_id": account_id, "object": content}})


def with_body(event: PushedEvent, body: bytes) -> PushedEvent:
    """The same event with these bytes."""
    return PushedEvent(
        event.key, event.name, event.at, event.engagement_id, event.subject_id, body, event.idempotency_key
    )


def as_foreign(event: PushedEvent, account_id: str) -> PushedEvent:
    """The event as another account would have it: same kind, same time, other account, other engagement."""
    whole = _decode(event.body)
    content = whole["payload"]["object"]
    engagement_id = content.get("engagement_id")
    if engagement_id:
        content["engagement_id"] = engagement_id = engagement_id[::-1]
    foreign = PushedEvent("foreign:" + event.key, event.name, event.at, engagement_id, event.subject_id, b"")
    return with_body(foreign, envelope(event.name, event.timestamp_ms, account_id, content))


def with_milliseconds(at: datetime, key: str) -> datetime:
    """The account knows whole seconds; events tell milliseconds."""
    return at.replace(microsecond=zlib.crc32(key.encode()) % 1000 * 1000)


def of_engagement(engagement: Engagement) -> Json:
    """Which engagement, in which direction, on which channel, through which flow (outbound ones have none)."""
    channel, source = engagement.channels[0]
    content: Json = {
        "engagement_id": engagement.engagement_id,
        "engagement_direction": engagement.direction,
        "channel": channel,
    }
    if source:
        content["channel_source"] = source
    return content | of_flow(engagement)


def of_flow(engagement: Engagement) -> Json:
    """The flow it came through; nothing where it came through none."""
    flow = engagement.flow
    return {} if flow is None else {"flow_id": flow.flow_id, "flow_name": flow.name}


def of_flow_number(engagement: Engagement) -> Json:
    """The number that was called or texted."""
    return {"flow_number": engagement.flow.number} if engagement.flow is not None and engagement.flow.number else {}


def of_queue(queue: Queue | None) -> Json:
    """The queue; nothing where the engagement reached none."""
    return {} if queue is None else {"cc_queue_id": queue.queue_id, "queue_name": queue.name}


def of_user(agent: Agent) -> Json:
    """Who did it."""
    return {"user_id": agent.user_id, "user_display_name": agent.name}


def of_consumer(engagement: Engagement) -> Json:
    """With whom."""
    return {
        "consumer_id": engagement.consumer_id,
        "consumer_display_name": engagement.customer.name,
        "consumer_number": engagement.consumer_number,
    }
