"""Properties of HubSpot's objects: what is there from the beginning, what may be made, and which values fit.

Everything a record holds is text; the type says which text. Names of the call, note and communication properties are
those of HubSpot's activity guides (https://developers.hubspot.com/docs/api-reference/latest/crm/activities/calls/guide.md
and the pages beside it, November 2026).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from zcc_pipeline.simulator.crm.hubspot.refusals import invalid, refuse

LONGEST_TEXT = 65_536
MOST_UNIQUE = 10

TYPE_IDS = {"contacts": "0-1", "notes": "0-46", "calls": "0-48", "communications": "0-18"}
_FIELD_TYPES = {
    "string": {"text", "textarea", "html", "file", "phonenumber"},
    "number": {"number"},
    "bool": {"booleancheckbox"},
    "enumeration": {"select", "radio", "checkbox", "booleancheckbox"},
    "date": {"date"},
    "datetime": {"date"},
    "phone_number": {"phonenumber"},
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}", re.ASCII)


@dataclass(slots=True)
class Property:
    """One property of an object type."""

    name: str
    type: str = "string"
    field_type: str = "text"
    label: str = ""
    group: str = "engagement_info"
    options: tuple[str, ...] = ()
    is_unique: bool = False
    is_read_only: bool = False
    is_hubspot_defined: bool = True

    def as_json(self) -> dict[str, Any]:
        """As the properties API shows it."""
        return {
            "name": self.name,
            "label": self.label or self.name,
            "type": self.type,
            "fieldType": self.field_type,
            "description": "",
            "groupName": self.group,
            "options": [
                {"label": option, "value": option, "displayOrder": place, "hidden": False}
                for place, option in enumerate(self.options)
            ],
            "hasUniqueValue": self.is_unique,
            "hidden": False,
            "calculated": self.is_read_only,
            "externalOptions": self.name == "hubspot_owner_id",
            "hubspotDefined": self.is_hubspot_defined,
            "archived": False,
            "modificationMetadata": {
                "archivable": not self.is_hubspot_defined,
                "readOnlyDefinition": self.is_hubspot_defined,
                "readOnlyValue": self.is_read_only,
            },
        }

    def problem(self, value: str) -> str | None:
        """HubSpot's code for a value that does not fit; an empty one clears the property and always fits."""
        if self.is_read_only or value == "":
            return "READ_ONLY_VALUE" if self.is_read_only else None
        if self.type == "number" and not re.fullmatch(r"-?\d+(\.\d+)?", value, re.ASCII):
            return "INVALID_LONG"
        if self.type in ("date", "datetime") and _moment(value) is None:
            return "INVALID_DATE"
        if self.type in ("bool", "enumeration") and self.options and value not in self.options:
            return "INVALID_OPTION"
        return "PROPERTY_VALUE_TOO_LONG" if len(value) > LONGEST_TEXT else None

    def stored(self, value: str) -> str:
        """As HubSpot gives it back: moments as ISO text whatever they came as."""
        moment = _moment(value) if self.type == "datetime" and value else None
        return instant(moment) if moment else value


def instant(moment: datetime) -> str:
    """ISO with milliseconds and Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(value: str) -> datetime | None:
    try:
        if re.fullmatch(r"\d{1,14}", value, re.ASCII):
            return datetime.fromtimestamp(int(value) / 1000, UTC)
        moment = datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else None


@dataclass(slots=True)
class Schema:
    """The properties and groups of one object type."""

    object_type: str
    properties: dict[str, Property]
    required: tuple[str, ...] = ()
    """Must be there when a record is created."""
    groups: dict[str, str] = field(default_factory=dict)

    def unique(self, name: str) -> Property | None:
        """A property by which records may be addressed."""
        found = self.properties.get(name)
        return found if found is not None and found.is_unique else None

    def add_group(self, content: dict[str, Any]) -> dict[str, Any]:
        """Make a group; 409 where it is there."""
        name = _text(content, "name")
        if name in self.groups:
            raise refuse(409, "CONFLICT", f"A property group named '{name}' already exists.")
        self.groups[name] = _text(content, "label")
        return {"name": name, "label": self.groups[name], "displayOrder": -1, "archived": False}

    def add(self, content: dict[str, Any]) -> Property:
        """Make a property; 409 where it is there."""
        name, kind, field_type = _text(content, "name"), _text(content, "type"), _text(content, "fieldType")
        group, label = _text(content, "groupName"), _text(content, "label")
        if name in self.properties:
            raise refuse(409, "CONFLICT", f"A property named '{name}' already exists.")
        if not _NAME.fullmatch(name):
            raise invalid(f"Property name {name!r} is invalid: lower case letters, digits and underscores only")
        if field_type not in _FIELD_TYPES.get(kind, set()):
            raise invalid(f"Invalid fieldType {field_type} for type {kind}")
        if group not in self.groups:
            raise invalid(f"Property group {group} does not exist")
        options = tuple(_text(option, "value") for option in content.get("options", []))
        if kind == "bool" and set(options) != {"true", "false"}:
            raise invalid("Boolean properties must have exactly two options: true and false")
        is_unique = content.get("hasUniqueValue") is True
        if is_unique and kind not in ("string", "number"):
            raise invalid(f"Properties of type {kind} cannot be unique")
        if is_unique and sum(each.is_unique and not each.is_hubspot_defined for each in self._all()) >= MOST_UNIQUE:
            raise invalid(f"Only {MOST_UNIQUE} unique properties are allowed per object type")
        made = Property(name, kind, field_type, label, group, options, is_unique, is_hubspot_defined=False)
        self.properties[name] = made
        return made

    def _all(self) -> list[Property]:
        return list(self.properties.values())


def _text(content: Any, name: str) -> str:  # noqa: ANN401 JSON
    value = content.get(name) if isinstance(content, dict) else None
    if not isinstance(value, str) or not value:
        raise invalid(f"Some required fields were not set: [{name}]")
    return value


def _schema(object_type: str, properties: list[Property], required: tuple[str, ...] = ()) -> Schema:
    shared = [
        Property("hs_object_id", "number", "number", is_read_only=True),
        Property("hs_createdate", "datetime", "date", is_read_only=True),
        Property("hs_lastmodifieddate", "datetime", "date", is_read_only=True),
        Property("hubspot_owner_id", "enumeration", "select"),
    ]
    by_name = {each.name: each for each in (*shared, *properties)}
    group = "contactinformation" if object_type == "contacts" else "engagement_info"
    return Schema(object_type, by_name, required, {group: group})


def first_schemas() -> dict[str, Schema]:
    """An account on which nothing was changed."""
    common = [Property("hs_timestamp", "datetime", "date"), Property("hs_attachment_ids", "string", "text")]
    return {
        "calls": _schema(
            "calls",
            [
                *common,
                Property("hs_call_title"),
                Property("hs_call_body", field_type="html"),
                Property("hs_call_direction", "enumeration", "select", options=("INBOUND", "OUTBOUND")),
                Property("hs_call_duration", "number", "number"),
                Property("hs_call_from_number"),
                Property("hs_call_to_number"),
                Property("hs_call_status", "enumeration", "select", options=CALL_STATUSES),
                Property("hs_call_disposition", "enumeration", "select", options=DISPOSITIONS),
                Property("hs_call_recording_url"),
                Property("hs_call_external_id"),
                Property("hs_call_source", "enumeration", "select", options=("INTEGRATIONS_PLATFORM",)),
            ],
            required=("hs_timestamp",),
        ),
        "communications": _schema(
            "communications",
            [
                *common,
                Property("hs_communication_body", field_type="html"),
                Property("hs_communication_channel_type", "enumeration", "select", options=CHANNEL_TYPES),
                Property("hs_communication_logged_from", "enumeration", "select", options=("CRM",)),
            ],
            required=("hs_timestamp", "hs_communication_channel_type", "hs_communication_logged_from"),
        ),
        "notes": _schema("notes", [*common, Property("hs_note_body", field_type="html")], required=("hs_timestamp",)),
        "contacts": _schema(
            "contacts",
            [
                Property("email", is_unique=True),
                Property("hs_additional_emails", "enumeration", "checkbox"),
                Property("firstname"),
                Property("lastname"),
                Property("phone", "string", "phonenumber"),
                Property("mobilephone", "string", "phonenumber"),
                Property("hs_searchable_calculated_phone_number", is_read_only=True),
                Property("hs_searchable_calculated_mobile_number", is_read_only=True),
            ],
        ),
    }


CALL_STATUSES = (
    "BUSY",
    "CALLING_CRM_USER",
    "CANCELED",
    "COMPLETED",
    "CONNECTING",
    "FAILED",
    "IN_PROGRESS",
    "MISSED",
    "NO_ANSWER",
    "QUEUED",
    "RINGING",
)
CHANNEL_TYPES = ("SMS", "WHATS_APP", "LINKEDIN_MESSAGE")
DISPOSITIONS = ("f240bbac-87c9-4f6e-bf70-924b57d47db7", "9d9162e7-6cf3-4944-bf63-4dff82258764")
"""Connected and busy, as they are in every account; a label in their place is refused."""
