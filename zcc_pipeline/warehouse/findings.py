"""What failed tests have found, where a test says that it may be told: ``meta: {names: [columns]}`` in its config.

dbt tells how many rows a test found, and whoever reads that has to look for them. Most tests find ids and texts of
customers, which belong into no log, so only columns that a test names are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from zcc_pipeline.warehouse.config import WarehouseConfig

if TYPE_CHECKING:
    import duckdb

_MOST_ROWS = 10
_MOST_CHARACTERS = 100


def read_findings(config: WarehouseConfig, nodes: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """For each node of dbt's outcome that failed or warned and names columns: what they hold, at most of ten rows.

    dbt's process has ended, and the caller holds the warehouse's lock.
    """
    telling = [node for node in nodes if node["names"] and node["status"] in {"fail", "warn"}]
    if not telling:
        return {}
    import duckdb

    with duckdb.connect(str(config.warehouse_path), read_only=True) as connection:
        return {node["unique_id"]: _told(connection, node["sql"], node["names"]) for node in telling}


def _told(connection: duckdb.DuckDBPyConnection, sql: str, names: Iterable[str]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    found = connection.execute(
        f"select distinct {columns} from (\n{sql}\n) order by all limit {_MOST_ROWS + 1}"
    ).fetchall()
    rows = [" ".join(str(value)[:_MOST_CHARACTERS] for value in row) for row in found]
    return "; ".join(rows[:_MOST_ROWS]) + ("; and more" if len(rows) > _MOST_ROWS else "")
