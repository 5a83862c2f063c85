"""Bodies of the stand-in's answers, in the platform's shapes."""

from __future__ import annotations

from zcc_pipeline.simulator.crm.base import Answer, RefusedError, Request, json_answer
from zcc_pipeline.simulator.crm.servicenow.instance import Instance, Row
from zcc_pipeline.simulator.crm.servicenow.schema import JOURNALS


def failure(status: int, message: str, detail: str | None = None, headers: dict[str, str] | None = None) -> Answer:
    """An error in the platform's shape."""
    body = {"error": {"message": message, "detail": detail}, "status": "failure"}
    return json_answer(body, status=status, headers=headers)


def refuse(status: int, message: str, detail: str | None = None) -> RefusedError:
    """The same, to be raised."""
    return RefusedError(failure(status, message, detail))


def no_record() -> RefusedError:
    """Also what somebody gets who may not read it."""
    return refuse(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")


def invalid_table(name: str) -> RefusedError:
    """No such table."""
    return refuse(400, f"Invalid table {name}")


class Shown:
    """How one caller wants rows: which columns, values or what people see, references with links or without."""

    def __init__(self, instance: Instance, request: Request, base_url: str) -> None:
        query = request.query
        self._instance = instance
        self._base_url = base_url
        self._fields = [name for name in query.get("sysparm_fields", "").split(",") if name]
        self._display = query.get("sysparm_display_value", "false").lower()
        self._has_links = query.get("sysparm_exclude_reference_link", "false").lower() != "true"

    def row(self, row: Row) -> dict[str, object]:
        """One row as it is answered. Columns that do not exist are left out without a word."""
        names = self._fields or list(self._instance.columns(row["sys_class_name"]))
        shown = {}
        for name in names:
            value = self._instance.value(row, name)
            if value is not None:
                shown[name] = self._value(row, name, value)
        return shown

    def _value(self, row: Row, name: str, value: str) -> object:
        column = self._instance.columns(row["sys_class_name"]).get(name)
        if column is None:  # through a reference
            return value if self._display != "all" else {"display_value": value, "value": value}
        if column.type in JOURNALS:
            display = self._instance.journal(row, name) if self._display in {"true", "all"} else ""
            return {"true": display, "all": {"display_value": display, "value": ""}}.get(self._display, "")
        display = self._display_of(column.reference, value) if column.reference and value else value
        if self._display == "all":
            both: dict[str, object] = {"display_value": display, "value": value}
            return both | self._link(column.reference, value)
        shown = display if self._display == "true" else value
        if column.reference and value and self._has_links:
            key = "display_value" if self._display == "true" else "value"
            return {**self._link(column.reference, value), key: shown}
        return shown

    def _link(self, table: str, sys_id: str) -> dict[str, object]:
        if not (table and sys_id and self._has_links):
            return {}
        return {"link": f"{self._base_url}/api/now/table/{table}/{sys_id}"}

    def _display_of(self, table: str, sys_id: str) -> str:
        target = self._instance.get(table, sys_id) if table in self._instance.tables else None
        return (target.get("name") or target.get("number") or sys_id) if target else sys_id
