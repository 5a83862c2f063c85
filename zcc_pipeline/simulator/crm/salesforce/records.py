"""The org's records: creating, updating and upserting one row, with Salesforce's checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zcc_pipeline.simulator.crm.salesforce.errors import RowRefusedError, invalid_field, not_found
from zcc_pipeline.simulator.crm.salesforce.schema import FieldSpec, ObjectSpec

Record = dict[str, Any]
Refuses = Callable[[str, str], bool]
"""Whether a record of this key and this content is refused (a validation rule of the org)."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one row."""

    id: str
    is_created: bool


class Records:
    """All records by object and id. Ids count up, so a run gives the same ones every time."""

    def __init__(self, org: Mapping[str, ObjectSpec], *, now: Callable[[], datetime], refuses: Refuses) -> None:
        self.org = dict(org)
        self._now = now
        self._refuses = refuses
        self._rows: dict[str, dict[str, Record]] = {name: {} for name in org}
        self._keys: dict[tuple[str, str], dict[str, list[str]]] = {}
        self._numbers = dict.fromkeys(org, 0)
        self.hidden: set[str] = set()
        """Ids of records that the integration user may not see; keys stay unique among all."""
        self.locked: dict[str, int] = {}
        """Keys whose row is held by another user, and for how many more tries."""

    def spec(self, name: str) -> ObjectSpec:
        """An object; 404 where the org has none of that name."""
        found = self.org.get(name)
        if found is None:
            raise not_found()
        return found

    def all(self, name: str) -> Iterator[Record]:
        """Records that are not deleted, oldest first."""
        return (row for row in self._rows[name].values() if not row["IsDeleted"])

    def visible(self, name: str) -> Iterator[Record]:
        """Those of them that the integration user may see."""
        return (row for row in self.all(name) if row["Id"] not in self.hidden)

    def get(self, name: str, record_id: str) -> Record | None:
        """One record by its id of 15 or 18 characters."""
        row = self._rows[name].get(_full(record_id))
        return None if row is None or row["IsDeleted"] else row

    def find(self, record_id: str) -> tuple[str, Record] | None:
        """A record of any object."""
        for name, spec in self.org.items():
            if record_id.startswith(spec.prefix) and (row := self.get(name, record_id)) is not None:
                return name, row
        return None

    def by_key(self, name: str, key: str, value: str) -> list[Record]:
        """Records with this value in an external id field."""
        spec = self.spec(name).fields[key]
        ids = self._index(name, key).get(value if spec.is_case_sensitive else value.casefold(), [])
        return [self._rows[name][each] for each in ids if not self._rows[name][each]["IsDeleted"]]

    def key_spec(self, name: str, key: str) -> FieldSpec:
        """A field to upsert by; 404 where it is not there or no external id."""
        spec = self.spec(name).fields.get(key)
        if spec is None or not (spec.is_external_id or spec.type == "id"):
            raise not_found("Provided external ID field does not exist or is not accessible: " + key)
        return spec

    def check_names(self, name: str, row: Mapping[str, Any]) -> None:
        """A field that the object has not makes the whole call unreadable."""
        spec = self.spec(name)
        for field in row:
            if field != "attributes" and field not in spec.fields:
                raise invalid_field(f"No such column '{field}' on sobject of type {name}")

    def upsert(self, name: str, key: str, row: Mapping[str, Any]) -> Written:
        """Update the one record with this key, or create it. ``row`` holds stored values."""
        value = row.get(key)
        if not value:
            raise RowRefusedError("MISSING_ARGUMENT", f"{key} not specified", key)
        self._check_lock(str(value))
        found = [row for row in self.by_key(name, key, str(value)) if row["Id"] not in self.hidden]
        if len(found) > 1:
            raise RowRefusedError("DUPLICATE_EXTERNAL_ID", f"{key}: more than one record found for external id", key)
        if found:
            return Written(self.update(name, found[0]["Id"], row), is_created=False)
        return Written(self.create(name, row), is_created=True)

    def create(self, name: str, row: Mapping[str, Any]) -> str:
        """A new record's id."""
        spec = self.spec(name)
        self._check_writeable(spec, row, is_new=True)
        missing = [
            each.name
            for each in spec.fields.values()
            if each.is_required and each.createable and row.get(each.name) is None and each.default is None
        ]
        if missing:
            names = ", ".join(missing)
            raise RowRefusedError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{names}]", *missing)
        self._check(spec, row, own_id=None)
        return self.put(name, row)

    def update(self, name: str, record_id: str, row: Mapping[str, Any]) -> str:
        """Change what ``row`` names; the record's id."""
        spec = self.spec(name)
        record = self.get(name, record_id)
        if record is None:
            raise RowRefusedError("ENTITY_IS_DELETED", "entity is deleted")
        self._check_writeable(spec, row, is_new=False)
        emptied = [each for each, value in row.items() if value is None and spec.fields[each].is_required]
        if emptied:
            names = ", ".join(emptied)
            raise RowRefusedError("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{names}]", *emptied)
        self._check(spec, row, own_id=record["Id"])
        self._unindex(name, record)
        record.update({field: value for field, value in row.items() if field != "Id"})
        record["LastModifiedDate"] = record["SystemModstamp"] = self._stamp()
        self._named(record)
        self._enter(name, record)
        return str(record["Id"])

    def put(self, name: str, row: Mapping[str, Any]) -> str:
        """Store without checks (what the platform itself makes); the new record's id."""
        spec = self.spec(name)
        self._numbers[name] += 1
        record_id = f"{spec.prefix}{self._numbers[name]:012d}AAA"
        stamp = self._stamp()
        record: Record = {
            field: each.default if each.type != "boolean" else bool(each.default) for field, each in spec.fields.items()
        }
        system = {"Id": record_id, "CreatedDate": stamp, "LastModifiedDate": stamp, "SystemModstamp": stamp}
        record.update({field: value for field, value in row.items() if value is not None})
        record.update({field: value for field, value in system.items() if field in spec.fields})
        self._named(record)
        if name == "Contact_Center_Engagement__c":
            record["Name"] = f"CCE-{self._numbers[name]:06d}"
        self._rows[name][record_id] = record
        self._enter(name, record)
        return record_id

    def update_unchecked(self, name: str, record_id: str, row: Mapping[str, Any]) -> None:
        """Change without checks (what the platform itself keeps)."""
        self._rows[name][_full(record_id)].update(row)

    def delete(self, name: str, record_id: str) -> None:
        """Into the recycle bin."""
        record = self._rows[name][_full(record_id)]
        self._unindex(name, record)
        record["IsDeleted"] = True

    def forget(self, name: str, record_id: str) -> None:
        """Undo a creation (all or none)."""
        self._unindex(name, self._rows[name].pop(record_id))

    def restore(self, name: str, before: Record) -> None:
        """Undo an update (all or none)."""
        record = self._rows[name][before["Id"]]
        self._unindex(name, record)
        record.clear()
        record.update(before)
        self._enter(name, record)

    def _check_lock(self, value: str) -> None:
        if self.locked.get(value):
            self.locked[value] -= 1
            message = "unable to obtain exclusive access to this record or 1 records"
            raise RowRefusedError("UNABLE_TO_LOCK_ROW", message)

    def _check_writeable(self, spec: ObjectSpec, row: Mapping[str, Any], *, is_new: bool) -> None:
        closed = [
            field
            for field in row
            if field != "Id" and not (spec.fields[field].createable if is_new else spec.fields[field].updateable)
        ]
        if closed or (is_new and not spec.createable):
            names = ", ".join(closed)
            raise RowRefusedError(
                "INVALID_FIELD_FOR_INSERT_UPDATE",
                f"Unable to create/update fields: {names}. Please check the security settings of this field",
                *closed,
            )

    def _check(self, spec: ObjectSpec, row: Mapping[str, Any], *, own_id: str | None) -> None:
        for field, value in row.items():
            each = spec.fields[field]
            if value is None:
                continue
            if each.type == "reference" and each.name != "FirstPublishLocationId":
                self._check_reference(each, str(value))
            if each.is_unique:
                others = [other["Id"] for other in self.by_key(spec.name, field, str(value)) if other["Id"] != own_id]
                if others:
                    message = f"duplicate value found: {field} duplicates value on record with id: {others[0]}"
                    raise RowRefusedError("DUPLICATE_VALUE", message, field)
        key = next(
            (str(row[each.name]) for each in spec.fields.values() if each.is_external_id and row.get(each.name)), ""
        )
        if self._refuses(key, "\n".join(str(value) for value in row.values() if value is not None)):
            raise RowRefusedError("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Refused by a validation rule of this org.")

    def _check_reference(self, spec: FieldSpec, value: str) -> None:
        for name in spec.refers_to:
            found = self.get(name, value)
            if found is not None:
                if name == "User" and not found.get("IsActive", True):
                    raise RowRefusedError("INACTIVE_OWNER_OR_USER", "operation performed with inactive user", spec.name)
                return
        raise RowRefusedError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", spec.name)

    def _stamp(self) -> str:
        return self._now().strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    @staticmethod
    def _named(record: Record) -> None:
        if "LastName" in record:
            record["Name"] = " ".join(filter(None, (record.get("FirstName"), record["LastName"])))

    def _index(self, name: str, key: str) -> dict[str, list[str]]:
        return self._keys.setdefault((name, key), {})

    def _keyed(self, name: str, record: Record) -> Iterator[tuple[dict[str, list[str]], str]]:
        for spec in self.org[name].fields.values():
            if (spec.is_external_id or spec.is_unique) and record.get(spec.name):
                value = str(record[spec.name])
                yield self._index(name, spec.name), value if spec.is_case_sensitive else value.casefold()

    def _enter(self, name: str, record: Record) -> None:
        for index, value in self._keyed(name, record):
            index.setdefault(value, []).append(record["Id"])

    def _unindex(self, name: str, record: Record) -> None:
        for index, value in self._keyed(name, record):
            index[value].remove(record["Id"])


def _full(record_id: str) -> str:
    return record_id + "AAA" if len(record_id) == 15 else record_id
