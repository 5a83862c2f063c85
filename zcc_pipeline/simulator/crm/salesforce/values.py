"""What a field takes: which JSON value, which text in a CSV cell, and how long."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from zcc_pipeline.simulator.crm.salesforce.errors import RowRefusedError, unparsable
from zcc_pipeline.simulator.crm.salesforce.schema import TEXT_TYPES, FieldSpec

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+", re.ASCII)
_ID = re.compile(r"[0-9A-Za-z]{15}([0-9A-Za-z]{3})?", re.ASCII)
_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d:?\d\d)", re.ASCII)


def length_of(text: str) -> int:
    """As Salesforce counts: UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def read_json(spec: FieldSpec, value: Any) -> Any:  # noqa: ANN401 JSON
    """A value of a JSON body as it is stored. A value of the wrong kind makes the whole body unreadable; one that is of
    the right kind and does not fit refuses its row (``RowRefusedError``)."""
    if value is None:
        if spec.type == "boolean":
            raise RowRefusedError("INVALID_TYPE_ON_FIELD_IN_RECORD", f"{spec.name}: value not of required type: null")
        return None
    _check_kind(spec, value)
    if spec.type in TEXT_TYPES:
        return _fit_text(spec, value)
    if spec.type == "datetime":
        return _moment(spec, value)
    if spec.type in {"double", "int"}:
        _fit_number(spec, value)
    return value


def read_cell(spec: FieldSpec, cell: str) -> Any:  # noqa: ANN401 JSON
    """A cell of a CSV file as it is stored; every problem is its row's own."""
    if cell == "#N/A":
        return read_json(spec, None)
    try:
        return read_json(spec, _from_cell(spec, cell))
    except ValueError:
        raise RowRefusedError(
            "INVALID_TYPE_ON_FIELD_IN_RECORD", f"'{cell}' is not a valid value for the type xsd:{spec.type}", spec.name
        ) from None


def _from_cell(spec: FieldSpec, cell: str) -> Any:  # noqa: ANN401 JSON
    if spec.type == "boolean":
        if cell.lower() not in {"true", "false", "1", "0"}:
            raise ValueError(cell)
        return cell.lower() in {"true", "1"}
    if spec.type == "int":
        return int(cell)
    if spec.type == "double":
        return float(cell)
    if spec.type == "datetime" and not _DATETIME.fullmatch(cell):
        raise ValueError(cell)
    if spec.type == "date":
        date.fromisoformat(cell)
    return cell


def _check_kind(spec: FieldSpec, value: Any) -> None:  # noqa: ANN401 JSON
    kinds: dict[str, type | tuple[type, ...]] = {"boolean": bool, "int": int, "double": (int, float)}
    wanted = kinds.get(spec.type, str)
    if not isinstance(value, wanted) or (wanted is not bool and isinstance(value, bool)):
        raise unparsable(f"Cannot deserialize instance of {spec.type} from {_token(value)} value {value!r}")
    if spec.type == "datetime" and not _DATETIME.fullmatch(value):
        raise unparsable(f"Cannot deserialize instance of datetime from VALUE_STRING value {value}")
    if spec.type == "date":
        try:
            date.fromisoformat(value)
        except ValueError:
            raise unparsable(f"Cannot deserialize instance of date from VALUE_STRING value {value}") from None


def _token(value: Any) -> str:  # noqa: ANN401 JSON
    names = {str: "VALUE_STRING", bool: "VALUE_TRUE", int: "VALUE_NUMBER", float: "VALUE_NUMBER", list: "START_ARRAY"}
    return names.get(type(value), "START_OBJECT")


def _fit_text(spec: FieldSpec, value: str) -> str | None:
    text = value if spec.type == "textarea" else value.strip()
    if not text.strip():
        return None
    if spec.type in {"reference", "id"} and not _ID.fullmatch(text):
        raise RowRefusedError("MALFORMED_ID", f"{spec.name}: id value of incorrect type: {text}", spec.name)
    if spec.length and length_of(text) > spec.length:
        message = f"{spec.name}: data value too large: {text[:255]} (max length={spec.length})"
        raise RowRefusedError("STRING_TOO_LONG", message, spec.name)
    if spec.type == "email" and not _EMAIL.fullmatch(text):
        raise RowRefusedError("INVALID_EMAIL_ADDRESS", f"{spec.name}: invalid email address: {text}", spec.name)
    return text


def _fit_number(spec: FieldSpec, value: float) -> None:
    if spec.digits and abs(value) >= 10**spec.digits:
        raise RowRefusedError(
            "NUMBER_OUTSIDE_VALID_RANGE", f"{spec.name}: value outside of valid range: {value}", spec.name
        )


def _moment(spec: FieldSpec, value: str) -> str:
    """Kept in UTC with milliseconds, as the API shows it; before the year 1700 there is none."""
    try:
        moment = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise unparsable(f"Cannot deserialize instance of datetime from VALUE_STRING value {value}") from None
    if moment.year < 1700:
        raise RowRefusedError("INVALID_TYPE_ON_FIELD_IN_RECORD", f"{spec.name}: invalid date: {value}", spec.name)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"
