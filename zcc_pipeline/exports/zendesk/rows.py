"""An engagement as a row of Zendesk's API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from zcc_pipeline.exports.destination import Addressed
from zcc_pipeline.exports.zendesk.api import Json
from zcc_pipeline.exports.zendesk.options import TicketOptions

CUSTOM = "custom_fields."
VOICE = "voice_comment."
TEXTS = frozenset({"comment", "transcript"})
"""Not fields of a ticket: what is appended to it."""

TIMES = frozenset({"created_at", "updated_at", "solved_at"})
"""Only an import takes them."""

NUMBERS = frozenset({"group_id", "brand_id", "ticket_form_id", "custom_status_id", "via_id"})
NATIVE = frozenset({"subject", "status", "priority", "type", "recipient", "tags"}) | TIMES | NUMBERS
VOICE_NAMES = frozenset(
    {
        "customer_number",
        "own_number",
        "recording_url",
        "started_at",
        "call_duration",
        "location",
        "transcription_text",
        "recording_type",
        "public",
    }
)
KEPT_CURRENT = frozenset({"subject", "tags"})
"""Written again when they change, besides custom fields. The rest belongs to the agents once the ticket is there."""

_OUTBOUND = 46


def ticket_row(one: Addressed, options: TicketOptions) -> Json:
    """A new ticket, without its comments."""
    row: Json = {"external_id": one.outgoing.engagement_id}
    for name, value in one.fields.items():
        if name in NATIVE and value is not None and not (name in TIMES and options.create != "import"):
            row[name] = _tags(value) if name == "tags" else _native(name, value)
    if one.outgoing.is_deleted_at_source:
        row["tags"] = list(dict.fromkeys([*row.get("tags", []), options.deleted_tag]))
    custom = [each for each in _custom_fields(one.fields) if each["value"] != ""]
    if custom:
        row["custom_fields"] = custom
    if one.customer is not None:
        row["requester_id"] = int(one.customer.id)
    if one.owner_id is not None:
        row["assignee_id"] = int(one.owner_id)
    return row


def voice_comment(one: Addressed, via_id: object) -> Json:
    """The call. ``from`` and ``to`` follow from who called whom."""
    given = {name.removeprefix(VOICE): value for name, value in one.fields.items() if name.startswith(VOICE)}
    customer, own = given.pop("customer_number", None), given.pop("own_number", None)
    made = {name: value for name, value in given.items() if value is not None}
    made["from"], made["to"] = (own, customer) if via_id == _OUTBOUND else (customer, own)
    made.setdefault("started_at", f"{one.outgoing.started_at:%Y-%m-%dT%H:%M:%SZ}")
    made.setdefault("public", False)
    if one.owner_id is not None:
        made["answered_by_id"] = int(one.owner_id)
    return {name: value for name, value in made.items() if value is not None}


def changes(one: Addressed, ticket: Mapping[str, Any], options: TicketOptions) -> Json:
    """What of an existing ticket has to be written; empty where it stands there already.

    Tags are added, never replaced: people's own stay.
    """
    row: Json = {}
    for name, value in one.fields.items():
        wanted = name in NATIVE - TIMES if one.is_enriching else name in KEPT_CURRENT
        if wanted and name != "tags" and value is not None and ticket.get(name) != _native(name, value):
            row[name] = _native(name, value)
    tags = _tags(one.fields.get("tags"))
    if one.outgoing.is_deleted_at_source and not one.is_enriching:
        tags.append(options.deleted_tag)
    there = {str(tag).lower() for tag in ticket.get("tags") or []}
    if new := [tag for tag in tags if tag.lower() not in there]:
        row["additional_tags"] = new
    now = {each.get("id"): each.get("value") for each in ticket.get("custom_fields") or []}
    custom = [each for each in _custom_fields(one.fields) if not _is_alike(now.get(each["id"]), each["value"])]
    if custom:
        row["custom_fields"] = custom
    return row


def _native(name: str, value: Any) -> Any:  # noqa: ANN401 JSON
    return int(value) if name in NUMBERS else value


def _custom_fields(fields: Mapping[str, Any]) -> list[Json]:
    """An empty text empties a field; null is not in Zendesk's description."""
    return [
        {"id": int(name.removeprefix(CUSTOM)), "value": "" if value is None else value}
        for name, value in fields.items()
        if name.startswith(CUSTOM)
    ]


def _is_alike(there: Any, wanted: Any) -> bool:  # noqa: ANN401 JSON
    """Zendesk hands back numbers of some fields as text."""
    return there == wanted or ("" if there is None else str(there)) == str(wanted)


def _tags(value: object) -> list[str]:
    """Blanks and commas part tags."""
    return list(dict.fromkeys(tag for tag in re.split(r"[\s,]+", str(value or "").lower()) if tag))
