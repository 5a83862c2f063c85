"""Import sets: rows into a staging table, and by the transform map into their target.

One row at once is transformed while the caller waits. ``insertMultiple`` answers with the import set's id alone and
transforms later, unless ``sys_rest_insert_multiple`` says otherwise; what became of a row stands in its staging row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zcc_pipeline.simulator.crm.servicenow.instance import Instance, Row, UnknownTableError, WriteRefusedError
from zcc_pipeline.simulator.crm.servicenow.schema import KEY

NOTHING_CHANGED = "No field values changed"

Refuses = Callable[[str, str], bool]
Count = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Transformed:
    """What became of one staging row."""

    status: str
    map_name: str = ""
    target: Row | None = None
    message: str = ""


class Imports:
    """The import sets of one instance. ``polls`` is how often an asynchronous set has to be looked at before it is
    done, ``refuses`` decides by key and content which rows a business rule turns away."""

    def __init__(self, instance: Instance, *, polls: int, refuses: Refuses, count: Count) -> None:
        self._instance = instance
        self._polls = polls
        self._refuses = refuses
        self._count = count
        self._pending: dict[str, int] = {}
        self._set_of_the_session: Row | None = None

    def add_one(self, staging: str, body: Mapping[str, Any]) -> tuple[Row, Transformed]:
        """A row, transformed at once. The import set, and what became of it."""
        self._check_staging(staging)
        if self._set_of_the_session is None or self._set_of_the_session["table_name"] != staging:
            self._set_of_the_session = self._open_set(staging)
        row = self._stage(staging, self._set_of_the_session, 0, body)
        return self._set_of_the_session, self._transform(row)

    def add_many(self, staging: str, records: Sequence[Mapping[str, Any]]) -> tuple[Row, Row]:
        """Rows of one import set; the set and its multi import set."""
        self._check_staging(staging)
        many = self._instance.insert("sys_multi_import_set", {})
        import_set = self._open_set(staging)
        by_name = self._instance.setup.insert_multiple.endswith("_names")
        names = {column.label: column.name for column in self._instance.columns(staging).values()}
        for number, record in enumerate(records):
            keyed = record if by_name else {names.get(label, ""): value for label, value in record.items()}
            self._stage(staging, import_set, number, keyed)
        self._pending[import_set["sys_id"]] = self._polls
        if self._instance.setup.insert_multiple.startswith("synchronous"):
            self._run(import_set)
        return import_set, many

    def look(self) -> None:
        """Somebody looks at staging rows or import sets: what is pending gets one step further."""
        for sys_id in list(self._pending):
            self._pending[sys_id] -= 1
            if self._pending[sys_id] < 0:
                import_set = self._instance.get("sys_import_set", sys_id)
                if import_set is not None:
                    self._run(import_set)

    def _check_staging(self, staging: str) -> None:
        table = self._instance.tables.get(staging)
        if table is None or table.parent != "sys_import_set_row":
            raise UnknownTableError(staging)

    def _open_set(self, staging: str) -> Row:
        number = f"ISET{sum(1 for _ in self._instance.rows('sys_import_set')) + 10001:07d}"
        return self._instance.insert("sys_import_set", {"number": number, "state": "loaded", "table_name": staging})

    def _stage(self, staging: str, import_set: Row, number: int, body: Mapping[str, Any]) -> Row:
        values = {name: as_text(value) for name, value in body.items()}
        values |= {
            "sys_import_set": import_set["sys_id"],
            "sys_import_row": str(number),
            "sys_import_state": "pending",
        }
        return self._instance.insert(staging, values)

    def _run(self, import_set: Row) -> None:
        self._pending.pop(import_set["sys_id"], None)
        for row in self._instance.with_value(import_set["table_name"], "sys_import_set", import_set["sys_id"]):
            self._transform(row)
        self._instance.update(import_set, {"state": "processed"})

    def _transform(self, row: Row) -> Transformed:
        done = self._apply(row)
        self._count(done.status)
        self._instance.update(
            row,
            {
                "sys_import_state": done.status,
                "sys_import_state_comment": done.message,
                "sys_target_sys_id": done.target["sys_id"] if done.target else "",
                "sys_target_table": done.target["sys_class_name"] if done.target else "",
            },
        )
        return done

    def _apply(self, row: Row) -> Transformed:
        instance = self._instance
        maps = [
            each
            for each in instance.rows("sys_transform_map")
            if each["source_table"] == row["sys_class_name"] and each["active"] == "true"
        ]
        if not maps:
            return Transformed("error", message="No transform entry or scripts are defined")
        made = maps[0]
        entries = [entry for entry in instance.rows("sys_transform_entry") if entry["map"] == made["sys_id"]]
        if self._refuses(row.get(KEY, ""), " ".join(row.values())):
            return Transformed("error", made["name"], message="Row transform rejected by onBefore script")
        return self._write(row, made, entries)

    def _write(self, row: Row, made: Row, entries: Sequence[Row]) -> Transformed:
        values, name = self._values(row, made, entries), made["name"]
        keys = {entry["target_field"]: row[entry["source_field"]] for entry in entries if entry["coalesce"] == "true"}
        if keys and not all(keys.values()):
            return Transformed("skipped", name, message="Coalesce field is empty")
        target = self._coalesced(made["target_table"], keys) if keys else None
        try:
            if target is None:
                return Transformed("inserted", name, self._instance.insert(made["target_table"], values))
            if self._instance.update(target, values):
                return Transformed("updated", name, target)
        except WriteRefusedError as refused:
            return Transformed("error", name, message=refused.detail)
        return Transformed("ignored", name, target, NOTHING_CHANGED)

    def _coalesced(self, table: str, keys: Mapping[str, str]) -> Row | None:
        (column, value), *others = keys.items()
        for row in self._instance.with_value(table, column, value):
            if all(row[other].lower() == wanted.lower() for other, wanted in others):
                return row
        return None

    def _values(self, row: Row, made: Row, entries: Sequence[Row]) -> dict[str, str]:
        columns, values = self._instance.columns(made["target_table"]), {}
        for entry in entries:
            value, column = row.get(entry["source_field"], ""), columns.get(entry["target_field"])
            if column is None or (not value and made["copy_empty_fields"] != "true"):
                continue
            if value and column.reference and self._instance.get(column.reference, value) is None:
                continue  # choice action "ignore"
            values[column.name] = value
        return values


def as_text(value: Any) -> str:  # noqa: ANN401 JSON
    """What the import set keeps of a JSON value: text as it is, anything else as the platform's language prints it."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{name}={as_text(each)}" for name, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(as_text(each) for each in value) + "]"
    return str(value)
