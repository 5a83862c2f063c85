"""Events that scripts in Zoom flows post: our own schema, version 1. The pipeline reads kept bodies by the same one."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from zcc_pipeline.domain.events import FLOW_PREFIX, PushedEvent
from zcc_pipeline.sources.receiver.http import Refused

_Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Fact = str | dict[str, Any] | list[Any] | None


class FlowEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What a flow script says. Fields that are not listed are kept with the body and not read."""

    schema_: Literal[1] = msgspec.field(name="schema")
    type: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    """``engagement_closed``, ``disposition_saved``, or another in snake_case."""
    idempotency_key: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    """The same for each attempt to post the same event."""
    engagement_id: _Id
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    """ISO 8601 with a zone."""
    flow_id: _Id | None = None
    flow_name: str | None = None
    channel: str | None = None
    direction: str | None = None
    disposition: _Fact = None
    transcript: _Fact = None
    transcript_format: str | None = None
    variable_form: Literal["flat", "object", "json", "custom"] | None = None
    """In which form the script found the flow's variables."""
    account_id: _Id | None = None


_DECODER = msgspec.json.Decoder(FlowEvent)
_FIELD = re.compile(r"`\$\.([a-z_]+)|required field `([a-z_]+)`")


def read_flow_event(body: bytes) -> FlowEvent:
    """The event of a body; ``msgspec.MsgspecError`` where it is none. Its message may quote the body."""
    return _DECODER.decode(body)


def flow_event(body: bytes, *, received_at: datetime) -> PushedEvent:
    """A posted body as every intake hands it on; refused with 400 and the name of the field that is wrong."""
    try:
        said = read_flow_event(body)
        key = hashlib.sha256(b"flow\0" + said.idempotency_key.encode()).digest()
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        wrong = _field_of(str(error)) if isinstance(error, msgspec.ValidationError) else "body"
        raise Refused(
            400, "invalid", body=msgspec.json.encode({"error": "invalid", "field": wrong}), facts={"field": wrong}
        ) from None
    return PushedEvent(
        intake="flow",
        received_at=received_at,
        dedupe_key=key,
        event=FLOW_PREFIX + said.type,
        event_ts=said.occurred_at.astimezone(UTC),
        account_id=said.account_id,
        engagement_id=said.engagement_id,
        body=body,
    )


def _field_of(message: str) -> str:
    """Only the name: the rest of the message may quote a value."""
    found = _FIELD.search(message)
    name = (found[1] or found[2]) if found else None
    return name if name in FlowEvent.__struct_encode_fields__ else "body"
