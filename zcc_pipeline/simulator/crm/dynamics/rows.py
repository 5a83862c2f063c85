"""The rows of all tables: created, updated and found by id or alternate key, all or nothing within a transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from zcc_pipeline.simulator.crm.dynamics.addresses import Address
from zcc_pipeline.simulator.crm.dynamics.filters import Filter, comparable
from zcc_pipeline.simulator.crm.dynamics.refusals import EXISTS, KEY_UNKNOWN, KEY_VIOLATED, not_there, refuse
from zcc_pipeline.simulator.crm.dynamics.schema import Key, Table, find_key, metadata_id
from zcc_pipeline.simulator.crm.dynamics.values import Values

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Conditions:
    """``If-Match: *`` updates only, ``If-None-Match: *`` creates only."""

    must_exist: bool = False
    must_be_new: bool = False


class Rows:
    """Everything an organisation holds."""

    def __init__(
        self, tables: dict[str, Table], *, clock: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self.tables = tables
        self._clock = clock
        self._monotonic = monotonic
        self._rows: dict[str, dict[str, Row]] = {}
        self._by_key: dict[tuple[str, str], dict[tuple[str, ...], str]] = {}
        self._indexes: dict[tuple[str, str], tuple[int, dict[Any, list[str]]]] = {}
        self._revisions: dict[str, int] = {}
        self._undo: list[Callable[[], None]] | None = None
        self._made = 0
        self._version = 1000
        self.default_owner = ""

    def all(self, logical: str) -> dict[str, Row]:
        """The rows of a table by id."""
        return self._rows.setdefault(logical, {})

    def passing(self, logical: str, test: Filter) -> list[Row]:
        """The rows that pass a filter; looked up where it asks for texts, as a database would."""
        rows = self.all(logical)
        if test.values is None:
            return [row for row in rows.values() if test(row)]
        found = dict.fromkeys(
            guid for column, value in test.values for guid in self._having(logical, column).get(value, ())
        )
        return [rows[guid] for guid in found if test(rows[guid])]

    def _having(self, logical: str, column: str) -> dict[Any, list[str]]:
        """Ids by a column's value; made anew after the table has changed."""
        revision, index = self._indexes.get((logical, column), (-1, {}))
        if revision != self._revisions.get(logical, 0):
            index = {}
            for guid, row in self.all(logical).items():
                index.setdefault(comparable(row.get(column)), []).append(guid)
            self._indexes[logical, column] = (self._revisions.get(logical, 0), index)
        return index

    def is_active(self, key: Key) -> bool:
        """Whether the index of an alternate key has been built."""
        return self._monotonic() >= key.active_at

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; one inside another joins it."""
        if self._undo is not None:
            yield
            return
        self._undo = []
        try:
            yield
        except BaseException:
            for step in reversed(self._undo):
                step()
            raise
        finally:
            self._undo = None

    def find(self, table: Table, address: Address) -> str | None:
        """The id of a row, None where there is none; a refusal where the columns are no key that can be used."""
        if address.guid is not None:
            return address.guid if address.guid in self.all(table.logical) else None
        key = find_key(table, set(address.values))
        if key is None or not self.is_active(key):
            raise refuse(400, KEY_UNKNOWN, "The specified key attributes are not a defined key for the entity")
        return self._index(table, key).get(_folded(key, address.values))

    def fetch(self, table: Table, address: Address) -> tuple[str, Row]:
        """Id and row; 404 where there is none."""
        guid = self.find(table, address)
        if guid is None:
            raise not_there(table.logical, str(address))
        return guid, self.all(table.logical)[guid]

    def upsert(self, table: Table, address: Address, values: Values, conditions: Conditions) -> tuple[str, bool]:
        """Id, and whether the row is new."""
        guid = self.find(table, address)
        if guid is None:
            if conditions.must_exist:
                raise not_there(table.logical, str(address))
            return self.create(table, values, guid=address.guid, keys=address.values), True
        if conditions.must_be_new:
            raise refuse(412, EXISTS, "A record with matching key values already exists.")
        self.update(table, guid, values, identified_by=frozenset(address.values))
        return guid, False

    def create(
        self, table: Table, values: Values, *, guid: str | None = None, keys: dict[str, str] | None = None
    ) -> str:
        """A new row; key values in the body win over those in the address, as the documentation warns."""
        own = str(values.columns.get(table.primary_id) or guid or self._new_id(table)).lower()
        if own in self.all(table.logical):
            raise refuse(412, EXISTS, "A record with matching key values already exists.")
        row: Row = {"statecode": 0, "statuscode": 1, **(keys or {}), **values.columns, table.primary_id: own}
        if "ownerid" in table.columns and not row.get("ownerid"):
            row["ownerid"] = self.default_owner
        self._stamp(row, is_new=True)
        self._put(table, own, row, None)
        return own

    def update(self, table: Table, guid: str, values: Values, *, identified_by: frozenset[str] = frozenset()) -> None:
        """Change a row; the columns by which it was addressed stay as they are."""
        before = self.all(table.logical)[guid]
        ignored = identified_by | {table.primary_id}
        changes = {name: value for name, value in values.columns.items() if name not in ignored}
        row = {**before, **changes}
        self._stamp(row, is_new=False)
        self._put(table, guid, row, before)

    def remove(self, table: Table, guid: str) -> None:
        """Take a row away."""
        row = self.all(table.logical).pop(guid)
        self._change(table)
        for key in table.keys.values():
            if (found := _key_of(key, row)) is not None:
                self._by_key.get((table.logical, key.logical), {}).pop(found, None)

    def _put(self, table: Table, guid: str, row: Row, before: Row | None) -> None:
        for key in table.keys.values():
            if self.is_active(key):
                self._claim(table, key, guid, row, before)
        rows = self.all(table.logical)
        rows[guid] = row
        self._change(table)

        def take_back() -> None:
            self._change(table)
            if before is None:
                del rows[guid]
            else:
                rows[guid] = before

        self._remember(take_back)

    def _claim(self, table: Table, key: Key, guid: str, row: Row, before: Row | None) -> None:
        index = self._index(table, key)
        new, old = _key_of(key, row), _key_of(key, before or {})
        if new == old:
            return
        if new is not None:
            if index.get(new, guid) != guid:
                shown = ",".join(key.columns)
                raise refuse(
                    412,
                    KEY_VIOLATED,
                    f"Entity Key {key.schema} violated. A record with the same value for {shown} already exists. A "
                    "duplicate record cannot be created. Select one or more unique values and try again.",
                )
            index[new] = guid
            self._remember(lambda: index.pop(new, None))
        if old is not None:
            index.pop(old, None)
            self._remember(lambda: index.__setitem__(old, guid))

    def _index(self, table: Table, key: Key) -> dict[tuple[str, ...], str]:
        """Built when it is first used, as that is when it is active."""
        name = (table.logical, key.logical)
        if name not in self._by_key:
            rows = self.all(table.logical).items()
            self._by_key[name] = {found: guid for guid, row in rows if (found := _key_of(key, row)) is not None}
        return self._by_key[name]

    def _change(self, table: Table) -> None:
        self._revisions[table.logical] = self._revisions.get(table.logical, 0) + 1

    def _remember(self, step: Callable[[], object]) -> None:
        if self._undo is not None:
            self._undo.append(lambda: (step(), None)[1])

    def _new_id(self, table: Table) -> str:
        self._made += 1
        return metadata_id(table.logical, "row", str(self._made))

    def _stamp(self, row: Row, *, is_new: bool) -> None:
        now = self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if is_new:
            row["createdon"] = now
        row["modifiedon"] = now
        self._version += 1
        row["@odata.etag"] = f'W/"{self._version}"'
        if "firstname" in row or "lastname" in row:
            row["fullname"] = " ".join(filter(None, (row.get("firstname"), row.get("lastname"))))


def _key_of(key: Key, row: Row) -> tuple[str, ...] | None:
    """A key with an empty column is not held to be unique."""
    if any(row.get(name) in (None, "") for name in key.columns):
        return None
    return _folded(key, row)


def _folded(key: Key, values: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(values[name]).casefold().rstrip() for name in key.columns)
