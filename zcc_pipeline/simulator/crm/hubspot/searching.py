"""The search endpoint: filter groups, a page at a time, and only what was written a while ago.

Limits (https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm, November 2026): five groups, six
filters a group, eighteen in all, 200 results a page, 10,000 in all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from zcc_pipeline.simulator.crm.base import Answer, json_answer
from zcc_pipeline.simulator.crm.hubspot.records import Record, Records
from zcc_pipeline.simulator.crm.hubspot.refusals import invalid, malformed

MOST_GROUPS, MOST_IN_A_GROUP, MOST_FILTERS = 5, 6, 18
MOST_VALUES, MOST_RESULTS, MOST_IN_ALL = 100, 200, 10_000

_Test = Callable[[str | None, Any], bool]


def search(records: Records, content: Any, *, settled_before: float) -> Answer:  # noqa: ANN401 JSON
    """One page of what matches and was last written before ``settled_before``."""
    if not isinstance(content, dict):
        raise malformed("a search is an object")
    groups = _read_groups(records, content)
    limit, after = _number(content.get("limit", 10)), _number(content.get("after", "0") or "0")
    if not 1 <= limit <= MOST_RESULTS:
        raise invalid(f"limit must be between 1 and {MOST_RESULTS}")
    if after + limit > MOST_IN_ALL:
        raise invalid(f"Search results are limited to {MOST_IN_ALL}")
    matching = (
        {record.id: record for group in groups for record in _matching(records, group)} if groups else records.by_id
    )
    found = [record for record in matching.values() if record.changed <= settled_before]
    names = content.get("properties")
    page = found[after : after + limit]
    body: dict[str, Any] = {
        "total": len(found),
        "results": [record.as_json(names if isinstance(names, list) else []) for record in page],
    }
    if after + limit < len(found):
        body["paging"] = {"next": {"after": str(after + limit)}}
    return json_answer(body)


def _read_groups(records: Records, content: dict[str, Any]) -> list[list[dict[str, Any]]]:
    try:
        groups = [list(group["filters"]) for group in content.get("filterGroups", [])]
        names = [each["propertyName"] for group in groups for each in group]
    except (KeyError, TypeError):
        raise malformed("filterGroups hold filters, and filters a propertyName") from None
    if any(not isinstance(name, str) for name in names):
        raise malformed("a propertyName is a text")
    if (
        len(groups) > MOST_GROUPS
        or sum(map(len, groups)) > MOST_FILTERS
        or any(len(g) > MOST_IN_A_GROUP for g in groups)
    ):
        raise invalid("There was a problem with the request: too many filters")
    for each in (one for group in groups for one in group):
        if each.get("propertyName") not in records.schema.properties:
            raise invalid(f"There was a problem with the request: unknown property {each.get('propertyName')}")
        if each.get("operator") not in _OPERATORS:
            raise malformed(f"unknown operator {each.get('operator')}")
        if each["operator"] in ("IN", "NOT_IN") and not 1 <= len(each.get("values", [])) <= MOST_VALUES:
            raise invalid(f"IN takes 1 to {MOST_VALUES} values")
    return groups


def _number(value: Any) -> int:  # noqa: ANN401 JSON
    try:
        return int(value)
    except (TypeError, ValueError):
        raise malformed("not a number") from None


def _matching(records: Records, filters: list[dict[str, Any]]) -> Iterable[Record]:
    first, *others = filters or [{}]
    candidates: Iterable[Record] = records
    if first.get("operator") == "EQ":
        candidates = records.holding(first["propertyName"], [str(first.get("value", "")).lower()])
    elif first.get("operator") == "IN":
        # Texts are indexed in lower case: an IN with capitals finds nothing, unlike EQ.
        candidates = records.holding(first["propertyName"], first["values"])
    elif first:
        others = [first, *others]
    return (record for record in candidates if _matches(record, others))


def _matches(record: Record, filters: Iterable[dict[str, Any]]) -> bool:
    return all(_OPERATORS[each["operator"]](record.value(each["propertyName"]), each) for each in filters)


def _is_in(value: str | None, one: dict[str, Any]) -> bool:
    return value is not None and value.lower() in one["values"]


_OPERATORS: dict[str, _Test] = {
    "EQ": lambda value, one: value is not None and value.lower() == str(one.get("value", "")).lower(),
    "NEQ": lambda value, one: value is not None and value.lower() != str(one.get("value", "")).lower(),
    "IN": _is_in,
    "NOT_IN": lambda value, one: not _is_in(value, one),
    "HAS_PROPERTY": lambda value, _one: bool(value),
    "NOT_HAS_PROPERTY": lambda value, _one: not value,
}
