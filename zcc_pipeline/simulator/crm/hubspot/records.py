"""Records of one object type, found by id and by each of their unique values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import count
from typing import Any

import phonenumbers

from zcc_pipeline.simulator.crm.hubspot.properties import Schema, instant

_CALCULATED = {
    "hs_searchable_calculated_phone_number": "phone",
    "hs_searchable_calculated_mobile_number": "mobilephone",
}


@dataclass(slots=True)
class Record:
    """One record. ``changed`` is monotonic: search sees a record only a while after it."""

    id: str
    created_at: datetime
    updated_at: datetime
    changed: float
    properties: dict[str, str] = field(default_factory=dict)
    linked: dict[str, list[str]] = field(default_factory=dict)
    """Ids of associated records by object type."""
    times_written: int = 0

    def as_json(self, names: list[str] | None = None) -> dict[str, Any]:
        """As answers show it. A property that was asked for and holds nothing is null."""
        own = {
            "hs_object_id": self.id,
            "hs_createdate": instant(self.created_at),
            "hs_lastmodifieddate": instant(self.updated_at),
        }
        shown: dict[str, str | None] = {**self.properties, **own}
        if names is not None:
            shown = {**own, **{name: self.value(name) for name in names}}
        return {
            "id": self.id,
            "properties": shown,
            "createdAt": instant(self.created_at),
            "updatedAt": instant(self.updated_at),
            "archived": False,
        }

    def value(self, name: str) -> str | None:
        """A property, calculated ones included."""
        if name == "hs_object_id":
            return self.id
        source = _CALCULATED.get(name)
        if source is not None:
            return searchable(self.properties.get(source, "")) or None
        return self.properties.get(name)


@lru_cache(maxsize=100_000)
def searchable(phone: str) -> str:
    """Area code and local number, which is all that HubSpot's calculated phone properties keep
    (https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm)."""
    try:
        return str(phonenumbers.parse(phone, "US").national_number)
    except phonenumbers.NumberParseException:
        return ""


class Records:
    """All records of one object type."""

    def __init__(
        self, schema: Schema, *, ids: Iterator[int], clock: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self.schema = schema
        self.by_id: dict[str, Record] = {}
        self._ids = ids
        self._clock = clock
        self._monotonic = monotonic
        self._unique: dict[str, dict[str, str]] = {}
        self._holders: dict[str, dict[str, dict[str, None]]] = {}
        """Ids by value in lower case, of properties that were searched by."""

    def __iter__(self) -> Iterator[Record]:
        return iter(self.by_id.values())

    def find(self, value: str, id_property: str = "") -> Record | None:
        """By record id, or by the value of a unique property (e-mail addresses in whatever case)."""
        found = self._unique.get(id_property, {}).get(_folded(id_property, value)) if id_property else value
        return self.by_id.get(found) if found else None

    def holding(self, name: str, values: Iterable[str]) -> Iterator[Record]:
        """Those of which a property holds one of these values, which are in lower case."""
        index = self._holders.get(name)
        if index is None:
            index = self._holders[name] = {}
            for record in self:
                index.setdefault((record.value(name) or "").lower(), {})[record.id] = None
        for value in values:
            yield from (self.by_id[each] for each in index.get(value, ()))

    def taken(self, properties: Mapping[str, str], *, but: Record | None) -> tuple[str, Record] | None:
        """A unique property whose value belongs to another record."""
        for name, value in properties.items():
            if value and self.schema.unique(name) is not None:
                owner = self.find(value, name)
                if owner is not None and owner is not but:
                    return name, owner
        return None

    def create(self, properties: Mapping[str, str]) -> Record:
        """A new record."""
        now = self._clock()
        record = Record(str(next(self._ids)), now, now, 0.0)
        self.by_id[record.id] = record
        self.write(record, properties)
        return record

    def write(self, record: Record, properties: Mapping[str, str]) -> None:
        """Set properties; an empty text clears one."""
        held = {name: record.value(name) for name in self._holders}
        for name, value in properties.items():
            if self.schema.unique(name) is not None:
                index = self._unique.setdefault(name, {})
                index.pop(_folded(name, record.properties.get(name, "")), None)
                if value:
                    index[_folded(name, value)] = record.id
            if value:
                record.properties[name] = self.schema.properties[name].stored(value)
            else:
                record.properties.pop(name, None)
        record.updated_at, record.changed = self._clock(), self._monotonic()
        record.times_written += 1
        for name, before in held.items():
            holders = self._holders[name]
            holders.get((before or "").lower(), {}).pop(record.id, None)
            holders.setdefault((record.value(name) or "").lower(), {})[record.id] = None

    def remove(self, record: Record) -> None:
        """What a user does who deletes it."""
        del self.by_id[record.id]
        self._holders.clear()
        for index in self._unique.values():
            for value in [value for value, owner in index.items() if owner == record.id]:
                del index[value]


def first_ids(start: int) -> Iterator[int]:
    """Ids in the order of creation, far from those of other kinds."""
    return count(start)


def _folded(name: str, value: str) -> str:
    return value.lower() if name == "email" else value
