"""The Table API: list, read, insert and update rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from zcc_pipeline.simulator.crm.base import Answer, RefusedError, Request, json_answer
from zcc_pipeline.simulator.crm.servicenow.answering import Shown, invalid_table, no_record, refuse
from zcc_pipeline.simulator.crm.servicenow.encoded_query import (
    MalformedQueryError,
    Query,
    ScriptInQueryError,
    parse,
)
from zcc_pipeline.simulator.crm.servicenow.imports import Imports, as_text
from zcc_pipeline.simulator.crm.servicenow.instance import Instance, Row, WriteRefusedError
from zcc_pipeline.simulator.crm.servicenow.schema import KEY

_PAGE = 10_000
_LOOKED_AT = frozenset({"sys_import_set", "sys_import_set_row"})


class TableApi:
    """Handlers of the Table API."""

    def __init__(
        self,
        instance: Instance,
        imports: Imports,
        *,
        hidden: frozenset[str],
        base_url: Callable[[], str],
        refuses: Callable[[str, str], bool],
        count: Callable[[str], None],
    ) -> None:
        """``hidden`` are tables that the integration user may not read."""
        self._instance = instance
        self._imports = imports
        self._hidden = hidden
        self._base_url = base_url
        self._refuses = refuses
        self._count = count

    def list_rows(self, request: Request) -> Answer:
        """``GET /table/{table}``."""
        table = self._table(request)
        query = read_query(request.query.get("sysparm_query", ""))
        if table in _LOOKED_AT or self._instance.tables[table].parent in _LOOKED_AT:
            self._imports.look()
        found = self._matching(table, query)
        offset, limit = _number(request, "sysparm_offset", 0), _number(request, "sysparm_limit", _PAGE)
        shown = Shown(self._instance, request, self._base_url())
        headers = {"X-Total-Count": str(len(found))}
        return json_answer({"result": [shown.row(row) for row in found[offset : offset + limit]]}, headers=headers)

    def read(self, request: Request) -> Answer:
        """``GET /table/{table}/{sys_id}``."""
        row = self._row(request)
        return json_answer({"result": Shown(self._instance, request, self._base_url()).row(row)})

    def insert(self, request: Request) -> Answer:
        """``POST /table/{table}``."""
        table, values = self._table(request), _values(request)
        self._check_rules(values)
        try:
            row = self._instance.insert(table, values)
        except WriteRefusedError as refused:
            raise _refused("insert", table, refused) from None
        self._count(f"{table} inserted")
        where = {"Location": f"{self._base_url()}/api/now/table/{table}/{row['sys_id']}"}
        shown = Shown(self._instance, request, self._base_url()).row(row)
        return json_answer({"result": shown}, status=201, headers=where)

    def update(self, request: Request) -> Answer:
        """``PATCH`` and ``PUT /table/{table}/{sys_id}``."""
        row, values = self._row(request), _values(request)
        self._check_rules({**row, **values})
        try:
            has_changed = self._instance.update(row, values)
        except WriteRefusedError as refused:
            raise _refused("update", row["sys_class_name"], refused) from None
        self._count(f"{row['sys_class_name']} {'updated' if has_changed else 'unchanged'}")
        return json_answer({"result": Shown(self._instance, request, self._base_url()).row(row)})

    def _table(self, request: Request) -> str:
        table = request.values["table"]
        if table not in self._instance.tables:
            raise invalid_table(table)
        if table in self._hidden:
            raise refuse(403, "User Not Authorized", "Failed API level ACL Validation")
        return table

    def _row(self, request: Request) -> Row:
        row = self._instance.get(self._table(request), request.values["sys_id"])
        if row is None:
            raise no_record()
        return row

    def _matching(self, table: str, query: Query) -> list[Row]:
        is_strict = self._instance.setting("glide.invalid_query.returns_no_rows") == "true"
        return self._instance.find(table, query, drop_invalid=not is_strict)

    def _check_rules(self, values: Mapping[str, str]) -> None:
        if self._refuses(values.get(KEY, ""), " ".join(values.values())):
            raise refuse(403, "Operation Failed", "Operation against file 'interaction' was aborted by Business Rule")


def read_query(text: str) -> Query:
    """An encoded query from a request."""
    try:
        return parse(text)
    except ScriptInQueryError:
        raise refuse(403, "Operation Failed", "Script evaluation is not allowed in a query") from None
    except MalformedQueryError as error:
        raise refuse(400, "Invalid query", str(error)) from None


def _refused(what: str, table: str, refused: WriteRefusedError) -> RefusedError:
    return refuse(403, "Operation Failed", f"Error during {what} of {table}: {refused.detail}")


def _values(request: Request) -> dict[str, str]:
    body: Mapping[str, Any] = request.json_object()
    return {name: as_text(value) for name, value in body.items()}


def _number(request: Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    return int(text) if text.isdigit() else default
