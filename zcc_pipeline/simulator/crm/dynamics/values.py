"""What a body may set: columns by type and length, look-ups by navigation name, the parties of an activity."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zcc_pipeline.simulator.crm.dynamics.addresses import GUID, Address, read_reference
from zcc_pipeline.simulator.crm.dynamics.refusals import (
    OUT_OF_RANGE,
    TOO_LARGE,
    TOO_LONG,
    bad_payload,
    refuse,
)
from zcc_pipeline.simulator.crm.dynamics.schema import Column, Table

_BIND = "@odata.bind"
_PARTIES = "_activity_parties"
FindRow = Callable[[Table, Address], str]


@dataclass(frozen=True, slots=True)
class Values:
    """A body as it would be stored."""

    columns: dict[str, Any]


class BodyReader:
    """Reads bodies against the definitions. ``find`` answers with the id of a row that must be there."""

    def __init__(self, tables: Mapping[str, Table], find: FindRow, largest_file: Callable[[], int]) -> None:
        self._tables = tables
        self._find = find
        self._largest_file = largest_file

    def read(self, table: Table, body: Mapping[str, Any], *, is_new: bool) -> Values:
        """The values; refused as a whole where one of them is."""
        found: dict[str, Any] = {}
        for name, value in body.items():
            if name.startswith("@odata."):
                self._check_annotation(table, name, value)
            elif name.endswith(_BIND):
                self._bind(table, name.removesuffix(_BIND), value, found)
            elif table.is_activity and name == f"{table.logical}{_PARTIES}":
                found[name] = [self._party(party) for party in value]
            else:
                self._set(table, name, value, found, is_new=is_new)
        return Values(found)

    def _check_annotation(self, table: Table, name: str, value: object) -> None:
        if name == "@odata.type" and value not in (
            f"Microsoft.Dynamics.CRM.{table.logical}",
            f"#Microsoft.Dynamics.CRM.{table.logical}",
        ):
            raise bad_payload(f"A type named '{value}' could not be resolved by the model for {table.logical}.")

    def _bind(self, table: Table, navigation: str, value: object, found: dict[str, Any]) -> None:
        link = table.links.get(navigation)
        if link is None:
            raise bad_payload(
                f"An undeclared property '{navigation}' which only has property annotations in the payload but no "
                "property value was found in the payload. In OData, only declared navigation properties and declared "
                "named streams can be represented as properties without values."
            )
        if value is None:
            found[link.column] = found[f"{link.column}@table"] = None
            return
        entity_set, address = read_reference(str(value))
        target = self._tables[link.target]
        if entity_set != target.entity_set:
            raise bad_payload(f"A link to '{entity_set}' is not possible through '{navigation}'.")
        found[link.column] = self._find(target, address)
        found[f"{link.column}@table"] = link.target

    def _party(self, party: Mapping[str, Any]) -> dict[str, Any]:
        if party.get("participationtypemask") not in range(1, 12):
            raise bad_payload("participationtypemask of an activity party is missing or unknown.")
        read: dict[str, Any] = {"participationtypemask": party["participationtypemask"]}
        for name, value in party.items():
            if name in ("participationtypemask", "addressused"):
                read[name] = value
            elif name in (f"partyid_{one}{_BIND}" for one in ("contact", "account", "systemuser")):
                entity_set, address = read_reference(str(value))
                logical = name.removeprefix("partyid_").removesuffix(_BIND)
                if entity_set != self._tables[logical].entity_set:
                    raise bad_payload(f"A link to '{entity_set}' is not possible through '{name}'.")
                read["partyid"] = self._find(self._tables[logical], address)
            else:
                raise bad_payload(f"An undeclared property '{name}' was found in an activity party.")
        return read

    def _set(self, table: Table, name: str, value: object, found: dict[str, Any], *, is_new: bool) -> None:
        column = table.columns.get(name)
        if column is None:
            raise bad_payload(f"Does not support untyped value in non-open type. Property '{name}'.")
        if column.kind == "Lookup":
            raise bad_payload(
                "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead."
            )
        if column.is_valid_for_create if is_new else column.is_valid_for_update or name == table.primary_id:
            found[name] = self._value(table, column, value)
            if name == "documentbody" and value is not None:
                found["filesize"] = self._file_size(str(value))

    def _file_size(self, text: str) -> int:
        try:
            size = len(base64.b64decode(text, validate=True))
        except binascii.Error:
            raise bad_payload("documentbody is not base64.") from None
        if size > self._largest_file():
            raise refuse(400, TOO_LARGE, "Attachment file size is too big.")
        return size

    def _value(self, table: Table, column: Column, value: object) -> object:
        if value is None:
            return None
        wanted, reader = _READERS[column.kind]
        read = reader(value)
        if read is None:
            raise bad_payload(f"Cannot convert a value of '{column.logical}' to the expected type '{wanted}'.")
        _check_size(table, column, read)
        return read


def _check_size(table: Table, column: Column, value: Any) -> None:  # noqa: ANN401 by kind
    if isinstance(value, str):
        if column.kind in ("String", "Memo") and column.maximum is not None and _length(value) > column.maximum:
            raise refuse(
                400,
                TOO_LONG,
                f"A validation error occurred. The length of the '{column.logical}' attribute of the '{table.logical}' "
                f"entity exceeded the maximum allowed length of '{column.maximum}'.",
            )
    elif not isinstance(value, bool) and not _is_within(column, value):
        raise refuse(
            400,
            OUT_OF_RANGE,
            f"A validation error occurred. The value of '{column.logical}' on record of type '{table.logical}' is "
            f"outside the valid range. Accepted Values: {column.minimum} to {column.maximum}",
        )


def _length(text: str) -> int:
    """As SQL Server's nvarchar counts: characters beyond the basic plane are two."""
    return len(text.encode("utf-16-le")) // 2


def _is_within(column: Column, value: float) -> bool:
    return (column.minimum is None or value >= column.minimum) and (column.maximum is None or value <= column.maximum)


def _text(value: object) -> object:
    return value if isinstance(value, str) else None


def _whole(value: object) -> object:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: object) -> object:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _truth(value: object) -> object:
    return value if isinstance(value, bool) else None


def _guid(value: object) -> object:
    return value.lower() if isinstance(value, str) and GUID.fullmatch(value) else None


def _moment(value: object) -> object:
    """ISO with a zone, as Edm.DateTimeOffset asks."""
    if not isinstance(value, str) or not re.search(r"(Z|[+-]\d\d:\d\d)$", value):
        return None
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return None
    return value


_READERS: dict[str, tuple[str, Callable[[object], object]]] = {
    "String": ("Edm.String", _text),
    "Memo": ("Edm.String", _text),
    "Integer": ("Edm.Int32", _whole),
    "Picklist": ("Edm.Int32", _whole),
    "Decimal": ("Edm.Decimal", _number),
    "Boolean": ("Edm.Boolean", _truth),
    "Uniqueidentifier": ("Edm.Guid", _guid),
    "DateTime": ("Edm.DateTimeOffset", _moment),
}
