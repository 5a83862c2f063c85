"""What the scripts inside flows post: inbound engagements only, in the JSON that this project documents (schema 1).

A flow posts when a disposition is saved and when the engagement closes; the latter carries the disposition again and,
for messaging, the transcript. The e-mail flow and those in ``without_script`` post nothing.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

import msgspec

from zcc_pipeline.simulator.zoom.account.conversation import chat_turns
from zcc_pipeline.simulator.zoom.account.engagement import ChosenDisposition, Engagement
from zcc_pipeline.simulator.zoom.account.moments import precise_moment
from zcc_pipeline.simulator.zoom.account.population import Flow
from zcc_pipeline.simulator.zoom.push.event import FLOW_PREFIX, Json, PushedEvent, with_milliseconds

#: flows without the script unless told: a second line that everybody forgot
FORGOTTEN: frozenset[str] = frozenset({"After-hours line"})

_FORMS = ("flat", "object", "json", "custom")
_CHANNELS = frozenset({"voice", "video", "messaging"})
_encode = msgspec.json.Encoder().encode


def flow_events(account_id: str, engagement: Engagement, without_script: Collection[str]) -> Iterator[PushedEvent]:
    """Posts of the flow that an engagement came through."""
    flow = engagement.flow
    if flow is None or engagement.direction != "inbound" or engagement.channels[0][0] not in _CHANNELS:
        return
    if flow.name in without_script or flow.flow_id in without_script:
        return
    closed_at = engagement.end + timedelta(seconds=engagement.wrap_up_seconds + 1)
    content = _about(account_id, engagement, flow)
    chosen = engagement.dispositions
    if chosen:
        content["disposition"] = _disposition(chosen, str(content["variable_form"]))
        yield _post("disposition_saved", max(each.since for each in chosen), engagement, content)
    if engagement.channels[0][0] == "messaging":
        content |= _transcript(engagement, str(content["variable_form"]))
    yield _post("engagement_closed", max([closed_at, *(each.since for each in chosen)]), engagement, content)


def _post(kind: str, at: datetime, engagement: Engagement, content: Json) -> PushedEvent:
    name = FLOW_PREFIX + kind
    key = f"{name}:{engagement.engagement_id}"
    precise = with_milliseconds(at, key)
    told = content | {"schema": 1, "type": kind, "occurred_at": precise_moment(precise)}
    digest = hashlib.sha256(_encode(told)).hexdigest()[:16]
    idempotency_key = f"{engagement.engagement_id}:{kind}:{digest}"
    body = _encode(told | {"idempotency_key": idempotency_key})
    return PushedEvent(key, name, precise, engagement.engagement_id, None, body, idempotency_key)


def _about(account_id: str, engagement: Engagement, flow: Flow) -> Json:
    return {
        "engagement_id": engagement.engagement_id,
        "flow_id": flow.flow_id,
        "flow_name": flow.name,
        "channel": engagement.channels[0][0],
        "direction": "inbound",
        "variable_form": _FORMS[zlib.crc32(flow.flow_id.encode()) % len(_FORMS)],
        "account_id": account_id,
    }


def _disposition(chosen: list[ChosenDisposition], form: str) -> str | Json | list[Json]:
    """As text, as an object or as a list of them: what the variable holds differs by organisation."""
    levels = [{"disposition_id": each.disposition_id, "disposition_name": each.name} for each in chosen]
    if form == "flat":
        return " / ".join(each.name for each in chosen)
    return levels[0] if form == "object" else levels


def _transcript(engagement: Engagement, form: str) -> Json:
    turns = [
        {"role": turn.role, "name": turn.speaker, "text": turn.text, "offset_seconds": turn.offset_seconds}
        for turn in chat_turns(engagement)
    ]
    if form == "flat":
        return {
            "transcript": "\n".join(f"{turn['name']}: {turn['text']}" for turn in turns),
            "transcript_format": "text",
        }
    if form == "custom":
        return {"transcript": json.dumps(turns, ensure_ascii=False), "transcript_format": "json"}
    return {"transcript": turns, "transcript_format": "object"}
