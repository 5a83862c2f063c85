"""Rows over HTTP: list, read, create, upsert, delete, UpsertMultiple."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from zcc_pipeline.simulator.crm.base import Answer, Faults, Request, empty, json_answer
from zcc_pipeline.simulator.crm.dynamics.activities import check_state, party_rows
from zcc_pipeline.simulator.crm.dynamics.addresses import Address, read_address, read_reference
from zcc_pipeline.simulator.crm.dynamics.filters import parse_filter
from zcc_pipeline.simulator.crm.dynamics.metadata import Metadata
from zcc_pipeline.simulator.crm.dynamics.refusals import (
    GENERIC,
    PLUG_IN,
    UNKNOWN_SEGMENT,
    UNSUPPORTED,
    bad_payload,
    refuse,
)
from zcc_pipeline.simulator.crm.dynamics.rows import Conditions, Row, Rows
from zcc_pipeline.simulator.crm.dynamics.schema import Table
from zcc_pipeline.simulator.crm.dynamics.standard_tables import ENGAGEMENT_KEY
from zcc_pipeline.simulator.crm.dynamics.values import BodyReader

_MOST_ROWS = 5_000
_VERSION = {"OData-Version": "4.0"}


class TablesApi:
    """One organisation's rows. ``count`` is told what became of each record."""

    def __init__(
        self,
        metadata: Metadata,
        rows: Rows,
        reader: BodyReader,
        *,
        url: Callable[[], str],
        faults: Callable[[], Faults],
        count: Callable[[str], None],
        most_bulk: int,
    ) -> None:
        self._metadata = metadata
        self._rows = rows
        self._reader = reader
        self._url = url
        self._faults = faults
        self._count = count
        self._most_bulk = most_bulk

    def list_rows(self, request: Request) -> Answer:
        """``$select``, ``$filter``, ``$top``, ``$orderby``, ``$count``."""
        table = self._metadata.of_set(request.values["set"])
        query = request.query
        unknown = {name for name in query if name.startswith("$")} - {
            "$select",
            "$filter",
            "$top",
            "$orderby",
            "$count",
            "$expand",
        }
        if unknown:
            raise refuse(400, UNKNOWN_SEGMENT, f"The query parameter {min(unknown)} is not supported.")
        if "$filter" in query:
            found = self._rows.passing(table.logical, parse_filter(query["$filter"], {*table.columns}))
        else:
            found = list(self._rows.all(table.logical).values())
        for name, direction in reversed(_orders(query.get("$orderby", ""))):
            found.sort(key=lambda row: str(row.get(name) or ""), reverse=direction == "desc")
        top = query.get("$top", str(_MOST_ROWS))
        if not top.isdigit():
            raise refuse(400, UNKNOWN_SEGMENT, f"Invalid value '{top}' for $top query option found.")
        shown = [self._show(table, row, query.get("$select", "")) for row in found[: int(top)]]
        return json_answer({"@odata.context": self._context(table), "value": shown}, headers=_VERSION)

    def read_row(self, request: Request) -> Answer:
        """One row."""
        table = self._metadata.of_set(request.values["set"])
        _, row = self._rows.fetch(table, read_address(request.values["key"]))
        return json_answer(self._show(table, row, request.query.get("$select", "")), headers=_VERSION)

    def create_row(self, request: Request) -> Answer:
        """POST to a set."""
        table = self._metadata.of_set(request.values["set"])
        with self._rows.transaction():
            guid = self._create(table, Address(None, {}), request.json_object())
        self._count("created")
        return self._written(request, table, guid, f"{table.entity_set}({guid})", is_new=True)

    def upsert_row(self, request: Request) -> Answer:
        """PATCH: creates or updates unless a condition forbids one of them."""
        table = self._metadata.of_set(request.values["set"])
        address = read_address(request.values["key"])
        with self._rows.transaction():
            guid, is_new = self._upsert(table, address, request.json_object(), _conditions(request))
        self._count("created" if is_new else "updated")
        return self._written(request, table, guid, f"{table.entity_set}({request.values['key']})", is_new=is_new)

    def delete_row(self, request: Request) -> Answer:
        """DELETE by id."""
        table = self._metadata.of_set(request.values["set"])
        guid, _ = self._rows.fetch(table, read_address(request.values["key"]))
        self._rows.remove(table, guid)
        return empty(headers=_VERSION)

    def upsert_multiple(self, request: Request) -> Answer:
        """All or nothing, and no word about which row was to blame or what became of each."""
        table = self._metadata.of_set(request.values["set"])
        if not table.takes_bulk:
            raise refuse(
                400, UNSUPPORTED, f"The 'UpsertMultiple' method does not support entities of type '{table.logical}'."
            )
        targets = request.json_object().get("Targets")
        if not isinstance(targets, list) or not targets:
            raise bad_payload("Targets must be a collection with at least one entity.")
        if len(targets) > self._most_bulk:
            raise refuse(400, GENERIC, "The request is too large: lower the number of Targets.")
        outcomes = []
        with self._rows.transaction():
            seen: set[str] = set()
            for target in targets:
                guid, is_new = self._upsert_target(table, target)
                if guid in seen:
                    raise refuse(400, GENERIC, "The same record is in Targets twice.")
                seen.add(guid)
                outcomes.append(is_new)
        for is_new in outcomes:
            self._count("created" if is_new else "updated")
        return empty(headers=_VERSION)

    def _upsert_target(self, table: Table, target: Any) -> tuple[str, bool]:  # noqa: ANN401 JSON
        if not isinstance(target, dict) or "@odata.type" not in target:
            raise bad_payload("Every item of Targets must have @odata.type.")
        reference = target.get("@odata.id")
        if reference is not None:
            entity_set, address = read_reference(str(reference))
            if entity_set != table.entity_set:
                raise bad_payload(f"@odata.id names '{entity_set}'.")
        else:
            address = Address(str(target.get(table.primary_id, "")).lower() or None, {})
        return self._upsert(table, address, target, Conditions())

    def _upsert(self, table: Table, address: Address, body: dict[str, Any], conditions: Conditions) -> tuple[str, bool]:
        guid = self._rows.find(table, address)
        if guid is None and not conditions.must_exist:
            return self._create(table, address, body), True
        if guid is not None and not conditions.must_be_new:
            self._check_fault(table, {**self._rows.all(table.logical)[guid]}, body)
            check_state(table, self._rows.all(table.logical)[guid], body)
        is_new = guid is None
        return self._rows.upsert(table, address, self._reader.read(table, body, is_new=is_new), conditions)

    def _create(self, table: Table, address: Address, body: dict[str, Any]) -> str:
        self._check_fault(table, {**address.values, **body}, body)
        check_state(table, None, body)
        values = self._reader.read(table, body, is_new=True)
        return self._rows.create(table, values, guid=address.guid, keys=address.values)

    def _check_fault(self, table: Table, row: Row, body: dict[str, Any]) -> None:
        """Somebody's plug-in does not like this engagement; changes of state alone pass."""
        key = row.get(ENGAGEMENT_KEY)
        is_state_alone = bool(body) and set(body) <= {"statecode", "statuscode"}
        if not key or ENGAGEMENT_KEY not in table.columns or is_state_alone:
            return
        if self._faults().refuses(str(key), msgspec.json.encode(body).decode()):
            self._count("refused")
            raise refuse(400, PLUG_IN, f"ISV code aborted the operation: engagement {key} is not welcome here.")

    def _written(self, request: Request, table: Table, guid: str, where: str, *, is_new: bool) -> Answer:
        headers = {**_VERSION, "OData-EntityId": f"{self._url()}/{where}"}
        if "return=representation" not in request.header("prefer"):
            return empty(headers=headers)
        row = self._rows.all(table.logical)[guid]
        shown = self._show(table, row, request.query.get("$select", ""))
        return json_answer(
            shown, status=201 if is_new else 200, headers={**headers, "Preference-Applied": "return=representation"}
        )

    def _context(self, table: Table) -> str:
        return f"{self._url()}/$metadata#{table.entity_set}"

    def _show(self, table: Table, row: Row, select: str) -> dict[str, Any]:
        known: dict[str, Any] = {}
        for name, column in table.columns.items():
            known[f"_{name}_value" if column.kind == "Lookup" else name] = row.get(name)
        wanted = [name.strip() for name in select.split(",") if name.strip()]
        names = {name: name if name in known else f"_{name}_value" for name in wanted}
        if unknown := [name for name, shown in names.items() if shown not in known]:
            raise refuse(
                400,
                UNKNOWN_SEGMENT,
                f"Could not find a property named '{unknown[0]}' on type 'Microsoft.Dynamics.CRM.{table.logical}'.",
            )
        shown = {name: known[name] for name in (names.values() if wanted else known)}
        return {
            "@odata.etag": row["@odata.etag"],
            table.primary_id: row[table.primary_id],
            **shown,
            **(party_rows(table, row) if not wanted else {}),
        }


def _conditions(request: Request) -> Conditions:
    return Conditions(must_exist=request.header("if-match") == "*", must_be_new=request.header("if-none-match") == "*")


def _orders(text: str) -> list[tuple[str, str]]:
    pairs = [part.split() for part in text.split(",") if part.strip()]
    return [(pair[0], pair[1] if len(pair) > 1 else "asc") for pair in pairs]
