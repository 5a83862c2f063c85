"""Custom objects: a schema that an administrator makes, and records with a unique external id.

Limits: a record holds at most 32 KB, names of fields are letters, digits and underscores
(https://developer.zendesk.com/api-reference/custom-data/custom-objects/custom_object_records/, read November 2026).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import msgspec

from zcc_pipeline.simulator.crm.base import Faults
from zcc_pipeline.simulator.crm.zendesk.people import Users
from zcc_pipeline.simulator.crm.zendesk.refusals import InvalidRecordError, missing, refuse

LARGEST_RECORD_BYTES = 32 * 1024
FIELD_TYPES = frozenset(
    {"text", "textarea", "checkbox", "date", "integer", "decimal", "regexp", "dropdown", "lookup", "multiselect"}
)
_KEY = re.compile(r"[A-Za-z0-9_]{1,60}", re.ASCII)


@dataclass(slots=True)
class Record:
    """One record."""

    id: str
    external_id: str | None
    name: str
    fields: dict[str, Any]
    created_at: str
    updated_at: str


@dataclass(slots=True)
class CustomObject:
    """One object and its records."""

    key: str
    title: str
    plural: str
    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {"key": self.key, "title": self.title, "title_pluralized": self.plural}

    def with_external_id(self, external_id: str) -> Record | None:
        """At most one has it."""
        return next((record for record in self.records.values() if record.external_id == external_id), None)


class CustomObjects:
    """All custom objects of the account."""

    def __init__(
        self,
        *,
        users: Users,
        next_id: Callable[[], int],
        clock: Callable[[], datetime],
        faults: Callable[[], Faults],
        count: Callable[[str], None],
    ) -> None:
        self._users, self._next_id, self._clock = users, next_id, clock
        self._faults, self._count = faults, count
        self.by_key: dict[str, CustomObject] = {}

    def get(self, key: str) -> CustomObject:
        """One object; 404 without."""
        if key not in self.by_key:
            raise missing("Custom object not found")
        return self.by_key[key]

    def create_object(self, body: dict[str, Any]) -> CustomObject:
        """A new object; its key is for ever."""
        key = body.get("key") or ""
        if not _KEY.fullmatch(key) or not body.get("title") or not body.get("title_pluralized"):
            raise InvalidRecordError("key", "and both titles are required")
        if key in self.by_key:
            raise InvalidRecordError("key", f"{key} has already been taken", "DuplicateValue")
        self.by_key[key] = CustomObject(key, body["title"], body["title_pluralized"])
        return self.by_key[key]

    def create_field(self, target: CustomObject, body: dict[str, Any]) -> dict[str, Any]:
        """A new field of an object."""
        key, kind = body.get("key") or "", body.get("type", "text")
        if not _KEY.fullmatch(key) or key.isdigit() or not body.get("title") or kind not in FIELD_TYPES:
            raise InvalidRecordError("key", "title and type are required")
        if kind == "lookup" and not body.get("relationship_target_type"):
            raise InvalidRecordError("relationship_target_type", "is required")
        if key in target.fields:
            raise InvalidRecordError("key", f"{key} has already been taken", "DuplicateValue")
        target.fields[key] = {"id": self._next_id(), "key": key, "type": kind, "title": body["title"], "active": True}
        return target.fields[key]

    def upsert(self, target: CustomObject, item: dict[str, Any]) -> tuple[Record, bool]:
        """Create or update by external id; whether it is new. Fields that are not named keep their value."""
        external_id = item.get("external_id")
        if not external_id:
            raise InvalidRecordError("external_id", "cannot be blank", "BlankValue")
        if self._faults().refuses(external_id, msgspec.json.encode(item).decode()):
            self._count("refused")
            raise InvalidRecordError("base", f"{item.get('name') or 'Record'} breaks a rule of this account")
        values = item.get("custom_object_fields") or {}
        self._check(target, values)
        found = target.with_external_id(external_id)
        name = item.get("name") or (found.name if found else "")
        if not name:
            raise InvalidRecordError("name", "cannot be blank", "BlankValue")
        merged = {**(found.fields if found else {}), **values}
        if len(msgspec.json.encode({"name": name, "external_id": external_id, **merged})) > LARGEST_RECORD_BYTES:
            raise InvalidRecordError("base", "the record is larger than 32 KB", "RecordTooLarge")
        now = self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        record = found or Record(f"01REC{self._next_id():08d}", external_id, name, {}, now, now)
        record.name, record.fields, record.updated_at = name, merged, now
        target.records[record.id] = record
        self._count("updated" if found else "created")
        return record, found is None

    def _check(self, target: CustomObject, values: dict[str, Any]) -> None:
        for key, value in values.items():
            kind = target.fields.get(key, {}).get("type")
            if kind is None:
                raise InvalidRecordError(key, "is not a field of this object", "InvalidField")
            if value is not None and not self._fits(kind, value):
                raise InvalidRecordError(key, f"is not a valid {kind}", "InvalidFormat")

    def _fits(self, kind: str, value: Any) -> bool:  # noqa: ANN401 JSON
        match kind:
            case "text" | "regexp":
                return isinstance(value, str) and "\n" not in value
            case "checkbox":
                return isinstance(value, bool)
            case "integer" | "decimal":
                allowed = int if kind == "integer" else (int, float)
                return isinstance(value, allowed) and not isinstance(value, bool)
            case "lookup":
                return str(value).isdigit() and int(value) in self._users.by_id
            case _:
                return isinstance(value, str) and (kind != "date" or _is_date(value))


def check_items(items: object) -> list[Any]:
    """At most a hundred of them."""
    if not isinstance(items, list) or not items:
        raise refuse(400, "InvalidJob", "items must be an array")
    if len(items) > 100:
        raise refuse(400, "TooManyRecords", "At most 100 items are allowed")
    return items


def record_json(target: CustomObject, record: Record, base_url: str) -> dict[str, Any]:
    """As the API shows it."""
    return {
        "url": f"{base_url}/api/v2/custom_objects/{target.key}/records/{record.id}.json",
        "id": record.id,
        "name": record.name,
        "custom_object_key": target.key,
        "custom_object_fields": record.fields,
        "external_id": record.external_id,
        "created_at": record.created_at,
        "updated_at": record.updated_at,
    }


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False
