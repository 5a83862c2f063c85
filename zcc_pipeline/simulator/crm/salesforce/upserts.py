"""Many rows in one call (Collections) and one row by its address, with a result for each.

https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections-upsert.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from zcc_pipeline.simulator.crm.salesforce.errors import RowError, RowRefusedError, refuse, unparsable
from zcc_pipeline.simulator.crm.salesforce.records import Record, Records, Written
from zcc_pipeline.simulator.crm.salesforce.values import read_json

MOST_ROWS = 200
Result = dict[str, Any]
_ROLLED_BACK = RowError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK", "Record rolled back because not all records were valid and the request was "
    "using AllOrNone header"
)  # fmt: skip


class Upserts:
    """Writes rows that came as JSON."""

    def __init__(self, records: Records, *, count: Callable[[str], None]) -> None:
        self._records = records
        self._count = count

    def by_key(self, name: str, key: str, body: Mapping[str, Any]) -> list[Result]:
        """PATCH of a collection by an external id field."""
        rows = _rows(body)
        spec = self._records.key_spec(name, key)
        for row in rows:
            if row["attributes"]["type"].lower() != name.lower():
                raise refuse(400, "INVALID_TYPE", f"The sobject type in the URI is {name}")
            if "Id" in row or "id" in row:
                raise refuse(400, "INVALID_FIELD", "Id may not be given where records are found by an external id")
        parsed = [self._read(name, row) for row in rows]
        keys = Counter(_key_text(row.get(key), is_case_sensitive=spec.is_case_sensitive) for row in rows)

        def write(original: Mapping[str, Any], row: Record) -> Written:
            value = _key_text(original.get(key), is_case_sensitive=spec.is_case_sensitive)
            if value and keys[value] > 1:
                raise RowRefusedError("DUPLICATE_VALUE", f"Duplicate external id specified: {original[key]}", key)
            return self._records.upsert(name, key, row)

        return self._write(name, rows, parsed, write, is_all_or_none=body.get("allOrNone") is True)

    def by_id(self, body: Mapping[str, Any]) -> list[Result]:
        """PATCH of a collection by record ids."""
        rows = _rows(body)
        ids = [row.get("id") or row.get("Id") for row in rows]
        if not all(isinstance(each, str) for each in ids):
            raise refuse(400, "MISSING_ARGUMENT", "Id not specified in an update call")
        fields = [{field: value for field, value in row.items() if field.lower() != "id"} for row in rows]
        parsed = [self._read(row["attributes"]["type"], row) for row in fields]
        outcomes = [
            self._attempt(row, partial(self._update, original["attributes"]["type"], str(record_id)))
            for row, original, record_id in zip(parsed, rows, ids, strict=True)
        ]
        self._count_all(outcomes)
        return [{field: value for field, value in _result(each).items() if field != "created"} for each in outcomes]

    def one(self, name: str, key: str, value: str, body: Mapping[str, Any]) -> tuple[Result | None, list[str]]:
        """PATCH of one row at its address: its result, or the addresses of several that have this key."""
        if "Id" in body:
            raise refuse(400, "INVALID_FIELD", "The Id field should not be specified in the sobject data.")
        spec = self._records.key_spec(name, key)
        found = (
            [row for row in [self._records.get(name, value)] if row]
            if spec.type == "id"
            else self._records.by_key(name, key, value)
        )
        if len(found) > 1:
            return None, [row["Id"] for row in found]
        row = self._read(name, body)
        if isinstance(row, RowError):
            raise refuse(400, row.code, row.message, fields=row.fields)
        try:
            if spec.type == "id":
                written = Written(self._records.update(name, value, row), is_created=False)
            else:
                written = self._records.upsert(name, key, {**row, key: value})
        except RowRefusedError as refused:
            raise refuse(400, refused.error.code, refused.error.message, fields=refused.error.fields) from None
        self._count("created" if written.is_created else "updated")
        return {"id": written.id, "success": True, "created": written.is_created, "errors": []}, []

    def create(self, name: str, body: Mapping[str, Any]) -> Result:
        """POST of one new row."""
        row = self._read(name, body)
        try:
            if isinstance(row, RowError):
                raise RowRefusedError(row.code, row.message, *row.fields)
            record_id = self._records.create(name, row)
        except RowRefusedError as refused:
            raise refuse(400, refused.error.code, refused.error.message, fields=refused.error.fields) from None
        self._count("created")
        return {"id": record_id, "success": True, "errors": []}

    def _read(self, name: str, row: Mapping[str, Any]) -> Record | RowError:
        """Stored values of a row; a value of the wrong kind refuses the whole call."""
        spec = self._records.spec(name)
        self._records.check_names(name, row)
        try:
            return {
                field: read_json(spec.fields[field], value) for field, value in row.items() if field != "attributes"
            }
        except RowRefusedError as refused:
            return refused.error

    def _write(
        self,
        name: str,
        rows: Sequence[Mapping[str, Any]],
        parsed: Sequence[Record | RowError],
        write: Callable[[Mapping[str, Any], Record], Written],
        *,
        is_all_or_none: bool = False,
    ) -> list[Result]:
        results: list[Written | RowError] = []
        before: list[Record] = []
        for row, original in zip(parsed, rows, strict=True):
            if not isinstance(row, RowError):
                before.append(self._copy(name, row))
            results.append(self._attempt(row, partial(write, original)))
        if is_all_or_none and any(isinstance(each, RowError) for each in results):
            results = self._roll_back(name, results, before)
        self._count_all(results)
        return [_result(each) for each in results]

    def _attempt(self, row: Record | RowError, write: Callable[[Record], Written]) -> Written | RowError:
        if isinstance(row, RowError):
            return row
        try:
            return write(row)
        except RowRefusedError as refused:
            return refused.error

    def _update(self, name: str, record_id: str, row: Record) -> Written:
        return Written(self._records.update(name, record_id, row), is_created=False)

    def _count_all(self, results: Sequence[Written | RowError]) -> None:
        for each in results:
            self._count("refused" if isinstance(each, RowError) else "created" if each.is_created else "updated")

    def _copy(self, name: str, row: Record) -> Record:
        for field, spec in self._records.spec(name).fields.items():
            if spec.is_external_id and row.get(field):
                found = self._records.by_key(name, field, str(row[field]))
                return dict(found[0]) if found else {}
        return {}

    def _roll_back(
        self, name: str, results: Sequence[Written | RowError], before: Sequence[Record]
    ) -> list[Written | RowError]:
        old = {record["Id"]: record for record in before if record}
        for each in reversed(results):
            if isinstance(each, RowError):
                continue
            if each.is_created:
                self._records.forget(name, each.id)
            else:
                self._records.restore(name, old[each.id])
        return [each if isinstance(each, RowError) else _ROLLED_BACK for each in results]


def _rows(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rows = body.get("records")
    if not isinstance(rows, list) or not rows:
        raise refuse(400, "INVALID_ARGUMENT", "records must be a list that is not empty")
    if len(rows) > MOST_ROWS:
        raise refuse(400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MOST_ROWS} records")
    if body.keys() - {"records", "allOrNone"}:
        raise unparsable(f"Unrecognized field {min(body.keys() - {'records', 'allOrNone'})!r}")
    for row in rows:
        attributes = row.get("attributes") if isinstance(row, dict) else None
        if not isinstance(attributes, dict) or not isinstance(attributes.get("type"), str):
            raise refuse(400, "INVALID_INPUT", "Include a 'type' value in the attributes of each record")
    return rows


def _key_text(value: Any, *, is_case_sensitive: bool) -> str:  # noqa: ANN401 JSON
    text = "" if value is None else str(value).strip()
    return text if is_case_sensitive else text.casefold()


def _result(outcome: Written | RowError) -> Result:
    if isinstance(outcome, RowError):
        return {"success": False, "errors": [outcome.as_dict()]}
    return {"id": outcome.id, "success": True, "created": outcome.is_created, "errors": []}
