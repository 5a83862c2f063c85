"""What an instance holds: rows of text, and what the platform does to them when they are written.

Every value is text. Unknown columns are dropped without a word, short text is cut without a word, a time that is not
``YYYY-MM-DD HH:MM:SS`` becomes empty, journals grow by an entry with each write, and a unique index refuses.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from zcc_pipeline.domain.errors import ZccPipelineError
from zcc_pipeline.simulator.crm.servicenow.encoded_query import Condition, Query, matches
from zcc_pipeline.simulator.crm.servicenow.schema import (
    JOURNALS,
    LONGEST_ENFORCED,
    SYSTEM_COLUMNS,
    Column,
    Setup,
    Table,
    tables_of,
)

Row = dict[str, str]

_TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")
_INTEGER = re.compile(r"-?\d{1,18}")
_INDEXED = frozenset(
    {"sys_id", "sys_import_set", "element_id", "table_sys_id", "email", "name", "correlation_id"}
    | {"phone", "mobile_phone", "home_phone", "business_phone"}
)
_CUT_TYPES = frozenset({"string", "email", "ph_number", "url"})
INTEGRATION_USER = "zcc.integration"


class UnknownTableError(ZccPipelineError):
    """No table of that name."""


class WriteRefusedError(ZccPipelineError):
    """The database or a rule refuses a row; ``detail`` is in the platform's words."""

    def __init__(self, detail: str) -> None:
        super().__init__("refused")
        self.detail = detail


class Instance:
    """All tables of one instance. Deterministic: ids follow from the order of writes."""

    def __init__(self, setup: Setup, clock: Callable[[], datetime]) -> None:
        self.setup = setup
        self._clock = clock
        self.tables: dict[str, Table] = tables_of(setup)
        self._columns = {name: {column.name: column for column in self._all_columns(name)} for name in self.tables}
        self._rows: dict[str, dict[str, Row]] = {name: {} for name in self.tables}
        self._index: dict[tuple[str, str], dict[str, list[str]]] = {}
        self._written = 0

    def columns(self, table: str) -> dict[str, Column]:
        """Columns of a table with those of its parents; ``UnknownTableError`` without it."""
        try:
            return self._columns[table]
        except KeyError:
            raise UnknownTableError(table) from None

    def now(self) -> str:
        """The instance's time as it is stored."""
        return self._clock().strftime("%Y-%m-%d %H:%M:%S")

    def rows(self, table: str) -> Iterator[Row]:
        """Rows of a table and of those that extend it."""
        self.columns(table)
        yield from self._rows[table].values()
        for child in self.tables.values():
            if child.parent == table:
                yield from self.rows(child.name)

    def get(self, table: str, sys_id: str) -> Row | None:
        """One row by its id."""
        self.columns(table)
        row = self._rows[table].get(sys_id)
        if row is not None:
            return row
        for child in self.tables.values():
            if child.parent == table and (found := self.get(child.name, sys_id)) is not None:
                return found
        return None

    def find(self, table: str, query: Query, *, drop_invalid: bool) -> list[Row]:
        """Rows that match, in order."""
        columns = self.columns(table)
        found = [
            row
            for row in self._candidates(table, query)
            if matches(query, lambda name, row=row: self._value(columns, row, name), drop_invalid=drop_invalid)  # type: ignore[misc]
        ]
        for order in reversed(query.orders):
            found.sort(key=lambda row: row.get(order.column, "").lower(), reverse=order.is_descending)
        return found

    def with_value(self, table: str, column: str, value: str) -> list[Row]:
        """Rows whose column holds a value, whatever its case."""
        return self.find(table, Query((((Condition(column, "=", value),),),)), drop_invalid=True)

    def insert(self, table: str, values: Mapping[str, str]) -> Row:
        """A new row; ``WriteRefusedError`` where a unique index holds its value already."""
        clean = self._clean(table, values)
        self._check_unique(table, clean, but="")
        self._written += 1
        sys_id = hashlib.blake2b(b"%s %d" % (table.encode(), self._written), digest_size=16).hexdigest()
        now = self.now()
        row = dict.fromkeys(self.columns(table), "") | {
            "sys_id": sys_id,
            "sys_created_on": now,
            "sys_updated_on": now,
            "sys_created_by": INTEGRATION_USER,
            "sys_updated_by": INTEGRATION_USER,
            "sys_mod_count": "0",
            "sys_class_name": table,
        }
        if table == "interaction":
            row["number"] = f"IMS{self._written:07d}"
        self._rows[table][sys_id] = row
        self._enter(table, "sys_id", sys_id, sys_id)
        self._put(table, row, clean)
        return row

    def update(self, row: Row, values: Mapping[str, str]) -> bool:
        """Change a row; whether anything changed."""
        table = row["sys_class_name"]
        clean = self._clean(table, values)
        self._check_unique(table, clean, but=row["sys_id"])
        if not self._put(table, row, clean):
            return False
        row["sys_updated_on"] = self.now()
        row["sys_mod_count"] = str(int(row["sys_mod_count"]) + 1)
        return True

    def journal(self, row: Row, column: str) -> str:
        """What a journal column shows: its entries, newest first."""
        entries = [
            f"{entry['sys_created_on']} - ZCC Integration ({self.columns(row['sys_class_name'])[column].label})\n"
            f"{entry['value']}\n\n"
            for entry in self.with_value("sys_journal_field", "element_id", row["sys_id"])
            if entry["element"] == column
        ]
        return "".join(reversed(entries))

    def setting(self, name: str) -> str:
        """A system property; empty where it is not set."""
        rows = self.with_value("sys_properties", "name", name)
        return rows[0]["value"] if rows else ""

    def _put(self, table: str, row: Row, values: Mapping[str, str]) -> bool:
        has_changed = False
        columns = self.columns(table)
        for name, value in values.items():
            if columns[name].type in JOURNALS:
                if value:
                    self._append(table, row, name, value)
                    has_changed = True
            elif row[name] != value:
                self._reindex(table, row, name, value)
                has_changed = True
        return has_changed

    def _append(self, table: str, row: Row, column: str, value: str) -> None:
        entry = {"name": table, "element": column, "element_id": row["sys_id"], "value": value}
        self.insert("sys_journal_field", entry)

    def _reindex(self, table: str, row: Row, name: str, value: str) -> None:
        if self._is_indexed(table, name):
            index = self._index.setdefault((table, name), {})
            if row[name]:
                index[row[name].lower()].remove(row["sys_id"])
            if value:
                self._enter(table, name, value, row["sys_id"])
        row[name] = value

    def _enter(self, table: str, name: str, value: str, sys_id: str) -> None:
        holders = self._index.setdefault((table, name), {}).setdefault(value.lower(), [])
        if sys_id not in holders:
            holders.append(sys_id)

    def _is_indexed(self, table: str, name: str) -> bool:
        return name in _INDEXED or self.columns(table)[name].is_unique or name.startswith("u_zcc_engagement")

    def _candidates(self, table: str, query: Query) -> Iterator[Row]:
        """Rows that can match: by an index where the query has one to offer, else all."""
        if len(query.branches) == 1:
            for group in query.branches[0]:
                if all(self._is_by_index(table, condition) for condition in group):
                    yield from self._by_index(table, group)
                    return
        yield from self.rows(table)

    def _is_by_index(self, table: str, condition: Condition) -> bool:
        known = condition.column in self.columns(table)
        return (
            known
            and condition.operator in {"=", "IN"}
            and bool(condition.value)
            and self._is_indexed(table, condition.column)
        )

    def _by_index(self, table: str, group: tuple[Condition, ...]) -> Iterator[Row]:
        seen: set[str] = set()
        family = [table, *(child.name for child in self.tables.values() if child.parent == table)]
        for condition in group:
            values = condition.value.split(",") if condition.operator == "IN" else [condition.value]
            for value in values:
                for name in family:
                    for sys_id in self._index.get((name, condition.column), {}).get(value.lower(), ()):
                        if sys_id not in seen:
                            seen.add(sys_id)
                            yield self._rows[name][sys_id]

    def _value(self, columns: Mapping[str, Column], row: Row, name: str) -> str | None:
        """A column's text, through references where it is dotted; None where no such column exists."""
        first, dot, rest = name.partition(".")
        column = columns.get(first)
        if column is None:
            return None
        if not dot:
            return row.get(first, "")
        if not column.reference or column.reference not in self.tables:
            return None
        target = self.get(column.reference, row[first]) if row[first] else None
        if target is None:
            return "" if rest.partition(".")[0] in self.columns(column.reference) else None
        return self._value(self.columns(column.reference), target, rest)

    def value(self, row: Row, name: str) -> str | None:
        """A column of a row, through references where it is dotted; None where no such column exists."""
        return self._value(self.columns(row["sys_class_name"]), row, name)

    def _clean(self, table: str, values: Mapping[str, str]) -> dict[str, str]:
        columns = self.columns(table)
        clean = {}
        for name, value in values.items():
            column = columns.get(name)
            if column is not None and not column.is_read_only:
                clean[name] = _stored(column, value)
        return clean

    def _check_unique(self, table: str, values: Mapping[str, str], *, but: str) -> None:
        for name, value in values.items():
            if value and self.columns(table)[name].is_unique:
                holders = self._index.get((table, name), {}).get(value.lower(), ())
                if any(holder != but for holder in holders):
                    raise WriteRefusedError(
                        f"Unique Key violation detected by database (Duplicate entry '{value}' for key '{name}')"
                    )

    def _all_columns(self, table: str) -> Iterator[Column]:
        found = self.tables[table]
        if found.parent:
            yield from self._all_columns(found.parent)
        else:
            yield from SYSTEM_COLUMNS
        yield from found.columns


def _stored(column: Column, value: str) -> str:
    if column.type == "boolean":
        return "true" if value.strip().lower() in {"true", "1", "yes"} else "false"
    if column.type == "integer":
        return value if _INTEGER.fullmatch(value) else ""
    if column.type == "glide_date_time":
        return value if _TIME.fullmatch(value) else ""
    if column.type in _CUT_TYPES and column.max_length <= LONGEST_ENFORCED:
        return value[: column.max_length]
    return value
