"""What a field's rule makes of an engagement's values. Values come out as JSON has them."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from zcc_pipeline.exports.cutting import clean, cut, cut_at_sentence, cut_html, length
from zcc_pipeline.exports.mapping.model import FieldRule

Values = Mapping[str, Any]


class CannotConvert(ValueError):
    """A value that the rule's type makes no sense of; the message names type and kind of value, never the value."""


@dataclass(frozen=True, slots=True)
class Made:
    """A field's value; ``was_cut`` tells that not all of it fitted."""

    value: Any
    was_cut: bool = False


def apply(rule: FieldRule, values: Values, remark: Callable[[], str]) -> Made:
    """The value of one field; ``remark`` says where the rest of a text is that is cut at a sentence."""
    value = _from_table(rule, _sourced(rule, values))
    if value is None or value == "":
        value = rule.default
    if value is None:
        return Made(None)
    value = as_type(rule.type, value)
    if not isinstance(value, str):
        return Made(value)
    value = clean(value)
    value = {"lower": value.lower, "upper": value.upper}[rule.case]() if rule.case else value
    limit = rule.cut or rule.cut_at_sentence
    if rule.source == "body_html" and limit is not None and length(value, rule.unit) > limit:
        return Made(cut_html(value, limit, unit=rule.unit), was_cut=True)
    if rule.cut_at_sentence is not None and length(value, rule.unit) > rule.cut_at_sentence:
        return Made(cut_at_sentence(value, rule.cut_at_sentence, remark=remark(), unit=rule.unit), was_cut=True)
    if rule.cut is not None and length(value, rule.unit) > rule.cut:
        return Made(cut(value, rule.cut, unit=rule.unit), was_cut=True)
    return Made(value)


def as_type(name: str | None, value: Any) -> Any:  # noqa: ANN401
    """The value as that type; without a name, as JSON has it."""
    if name is None or name == "text":
        return _as_text(value) if name == "text" else _as_json(value)
    try:
        return _CONVERSIONS[name](value)
    except (TypeError, ValueError, AttributeError, OverflowError):
        raise CannotConvert(f"{type(value).__name__} as {name}") from None


def _sourced(rule: FieldRule, values: Values) -> Any:  # noqa: ANN401
    if rule.source is not None:
        return values[rule.source]
    if rule.join is not None:
        return rule.separator.join(text for text in (_as_text(values[name]) for name in rule.join) if text)
    if rule.template is not None:
        return _filled(rule.template, values)
    return rule.value


def _filled(template: str, values: Values) -> str | None:
    """None where every attribute in it is empty: the words between them say nothing by themselves."""
    parts, found, wanted = [], False, False
    for words, name, _, _ in string.Formatter().parse(template):
        parts.append(words)
        if name is not None:
            text = _as_text(values[name])
            wanted, found = True, found or bool(text)
            parts.append(text)
    return "".join(parts) if found or not wanted else None


def _from_table(rule: FieldRule, value: Any) -> Any:  # noqa: ANN401
    if rule.table is None:
        return value
    return rule.table.get(_as_text(value)) if value is not None else None


def _as_json(value: Any) -> Any:  # noqa: ANN401
    return _as_text(value) if isinstance(value, (datetime, date, tuple)) else value


def _as_text(value: Any) -> str:  # noqa: ANN401
    if value is None:
        return ""
    if isinstance(value, (tuple, list)):
        return "; ".join(_as_text(item) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return _as_datetime(value) if isinstance(value, datetime) else value.isoformat()
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)


def _as_datetime(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _as_date(value: datetime | date) -> str:
    return (value.astimezone(UTC).date() if isinstance(value, datetime) else value).isoformat()


def _as_boolean(value: Any) -> bool:  # noqa: ANN401
    known = {"true": True, "false": False, "1": True, "0": False}.get(_as_text(value).lower())
    if known is None:
        raise ValueError
    return known


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "integer": lambda value: round(float(value)),
    "number": float,
    "minutes": lambda value: -(-round(float(value)) // 60),
    "milliseconds": lambda value: round(float(value) * 1000),
    "boolean": _as_boolean,
    "datetime": _as_datetime,
    "date": _as_date,
    "servicenow_datetime": lambda value: value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
    "epoch_ms": lambda value: round(value.timestamp() * 1000),
}
