"""A published copy made by hand: the mart ``crm_activities`` with the columns that dbt enforces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import yaml

from zcc_pipeline.exports.activity import Activity
from zcc_pipeline.warehouse.project import project_dir


def contract() -> dict[str, str]:
    """Columns of the mart and their types, apart from bookkeeping."""
    text = (project_dir() / "models" / "marts" / "exports" / "_exports.yml").read_text(encoding="utf-8")
    (mart,) = yaml.safe_load(text)["models"]
    return {column["name"]: column["data_type"] for column in mart["columns"] if not column["name"].startswith("_")}


def publish(path: Path, activities: Iterable[Activity]) -> None:
    """Write the copy anew, as ``zcc build`` swaps it in."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    types = contract()
    columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
    values = ", ".join(f"?::{kind} as {name}" for name, kind in types.items())
    with duckdb.connect(str(part)) as connection:
        connection.execute(f"create table crm_activities ({columns})")
        for activity in activities:
            row = _plain(asdict(activity))
            connection.execute(f"insert into crm_activities by name select {values}", [row[name] for name in types])
    part.replace(path)


def _plain(value: Any) -> Any:
    """As DuckDB takes it: times without an offset, in UTC; tuples as lists."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value
