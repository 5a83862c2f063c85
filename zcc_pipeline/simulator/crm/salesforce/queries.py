"""Answers queries from the records, and hands out what is longer than a page piece by piece."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from zcc_pipeline.simulator.crm.salesforce.errors import invalid_field, refuse
from zcc_pipeline.simulator.crm.salesforce.records import Record, Records
from zcc_pipeline.simulator.crm.salesforce.schema import FieldSpec, ObjectSpec
from zcc_pipeline.simulator.crm.salesforce.soql import (
    Combined,
    Comparison,
    Condition,
    Query,
    comparisons,
    malformed,
    parse,
)

_LINK_FILTERS = frozenset({"id", "linkedentityid", "contentdocumentid"})
Row = dict[str, Any]


class Queries:
    """Runs SOQL; rows beyond ``page_rows`` wait under a locator."""

    def __init__(self, records: Records, *, page_rows: int) -> None:
        self._records = records
        self._page_rows = page_rows
        self._waiting: dict[str, tuple[int, list[Row]]] = {}
        self._opened = 0

    def run(self, text: str, version: str) -> Row:
        """The first page of a query's answer."""
        query = parse(text)
        spec = self._object(query.object)
        _check_links(spec, query)
        fields = [self._resolve(spec, each) for each in query.fields if each.lower() != "count()"]
        test = self._test(spec, query.where)
        found: Iterable[Record] = filter(test, self._records.visible(spec.name))
        if query.order:
            found = self._sorted(spec, query, found)
        rows = list(found)[query.offset :][: query.limit]
        if not fields:
            return {"totalSize": len(rows), "done": True, "records": []}
        shown = [self._show(spec, fields, row, version) for row in rows]
        return self._page(shown, 0, len(shown), version)

    def more(self, locator: str, version: str) -> Row:
        """A later page, by the locator of ``nextRecordsUrl``."""
        if locator not in self._waiting:
            raise refuse(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        start, rows = self._waiting[locator]
        return self._page(rows, start, len(rows), version)

    def _page(self, rows: list[Row], start: int, total: int, version: str) -> Row:
        end = start + self._page_rows
        answer: Row = {"totalSize": total, "done": end >= total, "records": rows[start:end]}
        if end < total:
            self._opened += 1
            locator = f"01g{self._opened:012d}AAA-{end}"
            self._waiting[locator] = (end, rows)
            answer["nextRecordsUrl"] = f"/services/data/{version}/query/{locator}"
        return answer

    def _object(self, name: str) -> ObjectSpec:
        for known, spec in self._records.org.items():
            if known.lower() == name.lower():
                return spec
        raise refuse(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")

    def _resolve(self, spec: ObjectSpec, path: str) -> tuple[FieldSpec, ...]:
        """The fields along ``ContentDocument.Title``: references, and what is read at their end."""
        *parents, last = path.split(".")
        steps: list[FieldSpec] = []
        for parent in parents:
            step = next((each for each in spec.fields.values() if each.relationship.lower() == parent.lower()), None)
            if step is None or len(step.refers_to) != 1:
                raise invalid_field(f"Didn't understand relationship '{parent}' in field path.")
            steps.append(step)
            spec = self._records.org[step.refers_to[0]]
        found = next((each for name, each in spec.fields.items() if name.lower() == last.lower()), None)
        if found is None:
            raise invalid_field(f"No such column '{last}' on entity '{spec.name}'.")
        return (*steps, found)

    def _read(self, fields: tuple[FieldSpec, ...], row: Record | None) -> Any:  # noqa: ANN401 JSON
        for step in fields[:-1]:
            row = self._records.get(step.refers_to[0], row[step.name]) if row and row[step.name] else None
        return None if row is None else row.get(fields[-1].name)

    def _show(self, spec: ObjectSpec, fields: list[tuple[FieldSpec, ...]], row: Record, version: str) -> Row:
        shown: Row = {"attributes": _attributes(spec.name, row["Id"], version)}
        for path in fields:
            place = shown
            for step in path[:-1]:
                inner = place.get(step.relationship)
                if inner is None:
                    inner = place[step.relationship] = {
                        "attributes": _attributes(step.refers_to[0], str(row[step.name]), version)
                    }
                place = inner
            place[path[-1].name] = self._read(path, row)
        return shown

    def _sorted(self, spec: ObjectSpec, query: Query, rows: Iterable[Record]) -> list[Record]:
        found = list(rows)
        for name, is_descending in reversed(query.order):
            path = self._resolve(spec, name)
            found.sort(key=lambda row, path=path: str(self._read(path, row) or ""), reverse=is_descending)  # type: ignore[misc]
        return found

    def _test(self, spec: ObjectSpec, condition: Condition | None) -> Callable[[Record], bool]:
        if condition is None:
            return lambda _row: True
        if isinstance(condition, Combined):
            tests = [self._test(spec, part) for part in condition.parts]
            if condition.how == "not":
                return lambda row: not tests[0](row)
            combine = all if condition.how == "and" else any
            return lambda row: combine(test(row) for test in tests)
        path = self._resolve(spec, condition.field)
        field = path[-1]
        if not field.is_filterable:
            raise invalid_field(f"field '{field.name}' can not be filtered in a query call")
        matches = _matcher(field, condition)
        return lambda row: matches(self._read(path, row))


def _check_links(spec: ObjectSpec, query: Query) -> None:
    """Links of files are only shown to who names the record or the file."""
    if spec.name != "ContentDocumentLink":
        return
    named = {each.field.lower() for each in comparisons(query.where) if each.operator in {"=", "in"}}
    if not named & _LINK_FILTERS:
        malformed(
            "Implementation restriction: ContentDocumentLink requires a filter by a single Id on ContentDocumentId or "
            "LinkedEntityId using the equals operator or multiple Id's using the IN operator."
        )


def _attributes(name: str, record_id: str, version: str) -> Row:
    return {"type": name, "url": f"/services/data/{version}/sobjects/{name}/{record_id}"}


def _matcher(field: FieldSpec, comparison: Comparison) -> Callable[[Any], bool]:
    """Texts are compared whatever their case, unless the field tells cases apart; ids by their first 15 characters."""
    fold = _fold(field)
    for value in comparison.values:
        _check_literal(field, value)
    wanted = [fold(each) for each in comparison.values]
    if comparison.operator in {"in", "="}:
        chosen = set(wanted)
        return lambda value: (fold(value) in chosen) != comparison.is_negated
    if comparison.operator == "!=":
        return lambda value: fold(value) != wanted[0]
    if comparison.operator == "like":
        pattern = _like(str(comparison.values[0]))
        return lambda value: value is not None and pattern.fullmatch(str(value)) is not None
    return _order_test(comparison.operator, wanted[0], fold)


def _order_test(operator: str, wanted: Any, fold: Callable[[Any], Any]) -> Callable[[Any], bool]:  # noqa: ANN401 JSON
    def test(value: Any) -> bool:  # noqa: ANN401 JSON
        if value is None or wanted is None:
            return False
        one, other = str(fold(value)), str(wanted)
        if isinstance(wanted, float):
            one, other = float(value), wanted  # type: ignore[assignment]
        return {"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[operator]

    return test


def _fold(field: FieldSpec) -> Callable[[Any], Any]:
    def fold(value: Any) -> Any:  # noqa: ANN401 JSON
        if not isinstance(value, str):
            return value
        if field.type in {"id", "reference"}:
            return value[:15]
        return value if field.is_case_sensitive else value.casefold()

    return fold


def _check_literal(field: FieldSpec, value: Any) -> None:  # noqa: ANN401 JSON
    if value is None:
        return
    kinds: dict[str, type | tuple[type, ...]] = {"boolean": bool, "int": float, "double": float}
    if field.type in {"datetime", "date"}:
        is_right = not isinstance(value, (str, bool, float))
    else:
        is_right = isinstance(value, kinds.get(field.type, str))
    if not is_right:
        raise invalid_field(
            f"value of filter criterion for field '{field.name}' must be of type {field.type} and should be enclosed "
            "in quotes where it is text"
        )
    if field.type in {"id", "reference"} and not re.fullmatch(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?", value):
        raise refuse(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value}")


def _like(pattern: str) -> re.Pattern[str]:
    parts = {"%": ".*", "_": ".", r"\%": "%", r"\_": "_"}
    pieces = re.split(r"(\\[%_]|[%_])", pattern)
    return re.compile("".join(parts.get(piece, re.escape(piece)) for piece in pieces), re.IGNORECASE | re.DOTALL)
