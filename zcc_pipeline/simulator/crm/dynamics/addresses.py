"""How a row is addressed: ``(guid)`` or ``(column='value',…)``, in a URL, an ``@odata.id`` or an ``@odata.bind``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from zcc_pipeline.simulator.crm.dynamics.filters import read_literal
from zcc_pipeline.simulator.crm.dynamics.refusals import UNKNOWN_SEGMENT, refuse

GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_PAIR = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=('(?:[^']|'')*'|[^',]+)(?:,|$)", re.ASCII)
_REFERENCE = re.compile(r"(?:https?://[^/]+/api/data/v9\.\d/|/)?([A-Za-z_][A-Za-z0-9_]*)\((.+)\)", re.ASCII | re.DOTALL)
_FORBIDDEN = frozenset("/<>*%&:\\?+")
"""A key whose value holds one of these cannot be used in an address: …/data-platform/define-alternate-keys-entity,
"Unicode characters in key value"."""


@dataclass(frozen=True, slots=True)
class Address:
    """``guid``, or the values of an alternate key's columns."""

    guid: str | None
    values: dict[str, str]

    def __str__(self) -> str:
        return f"Id = {self.guid}" if self.guid else f"keys {', '.join(sorted(self.values))}"


def read_address(text: str) -> Address:
    """What stands between the brackets, decoded."""
    if GUID.fullmatch(text):
        return Address(text.lower(), {})
    values: dict[str, str] = {}
    at = 0
    while at < len(text):
        found = _PAIR.match(text, at)
        if found is None:
            raise refuse(400, UNKNOWN_SEGMENT, "Bad Request - Error in query syntax.")
        values[found[1]] = _value(found[2])
        at = found.end()
    if not values:
        raise refuse(400, UNKNOWN_SEGMENT, "Bad Request - Error in query syntax.")
    return Address(None, values)


def read_reference(text: str) -> tuple[str, Address]:
    """Entity set and address of ``/contacts(…)``: a URI, percent-encoded or not."""
    found = _REFERENCE.fullmatch(unquote(text))
    if found is None:
        raise refuse(400, UNKNOWN_SEGMENT, "Bad Request - Error in query syntax.")
    return found[1], read_address(found[2])


def _value(text: str) -> str:
    value = read_literal(text) if text.startswith("'") else text
    if value is None or _FORBIDDEN & set(value):
        raise refuse(400, UNKNOWN_SEGMENT, "Bad Request - Error in query syntax.")
    return value
