"""What HubSpot says of its properties: whether the mapping fits, and which values look as if they would be refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zcc_pipeline.exports.hubspot.values import LONGEST_TEXT, as_text

REQUIRED = {
    "calls": ("hs_timestamp",),
    "communications": ("hs_timestamp", "hs_communication_channel_type", "hs_communication_logged_from"),
    "notes": ("hs_timestamp",),
}
"""What HubSpot wants of every record, by object type (activity guides)."""

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_MILLISECONDS = re.compile(r"\d{1,14}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Property:
    """One property definition."""

    name: str
    type: str
    """``string``, ``number``, ``bool``, ``enumeration``, ``date``, ``datetime``, ``phone_number``."""
    options: frozenset[str]
    """Values of an enumeration; empty where they are kept elsewhere (owners)."""
    is_unique: bool
    is_read_only: bool

    def doubt(self, value: str) -> str | None:
        """Why HubSpot would likely refuse a value; None where it looks right. An empty one clears the property."""
        if value == "":
            return None
        if self.type == "number" and not _NUMBER.fullmatch(value):
            return "is no number"
        if self.type in ("date", "datetime") and not _is_moment(value):
            return "is no moment"
        if self.type in ("enumeration", "bool") and self.options and not self.options.issuperset(value.split(";")):
            return f"is none of its {len(self.options)} options"
        return f"is longer than {LONGEST_TEXT} characters" if len(value) > LONGEST_TEXT else None


def read_properties(found: list[dict[str, Any]]) -> dict[str, Property]:
    """By name; archived ones are left out: they take no values."""
    return {str(each["name"]): _read(each) for each in found if "name" in each and each.get("archived") is not True}


def looks_wrong(properties: Mapping[str, str], known: Mapping[str, Property]) -> bool:
    """Whether at least one value would likely be refused."""
    return any(name in known and known[name].doubt(value) is not None for name, value in properties.items())


def lacks_required(object_type: str, properties: Mapping[str, str], *, is_new: bool) -> bool:
    """Whether something is missing, or would be emptied, that HubSpot requires."""
    found = [properties.get(name) for name in REQUIRED.get(object_type, ())]
    return any(value == "" or (value is None and is_new) for value in found)


def constant_problem(found: Property, value: object) -> str | None:
    """What is wrong with a value that every record would get."""
    text = as_text(value)
    doubt = found.doubt(text)
    return f"{text!r} {doubt}" if doubt else None


def _read(each: dict[str, Any]) -> Property:
    options = each.get("options")
    modification = each.get("modificationMetadata")
    is_read_only = each.get("calculated") is True or (
        isinstance(modification, dict) and modification.get("readOnlyValue") is True
    )
    is_listed = isinstance(options, list) and each.get("externalOptions") is not True
    return Property(
        name=str(each["name"]),
        type=str(each.get("type") or "string"),
        options=frozenset(str(one.get("value")) for one in options if isinstance(one, dict))
        if is_listed and isinstance(options, list)
        else frozenset(),
        is_unique=each.get("hasUniqueValue") is True,
        is_read_only=is_read_only,
    )


def _is_moment(value: str) -> bool:
    if _MILLISECONDS.fullmatch(value):
        return True
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
