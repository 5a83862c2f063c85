"""What a failed test may tell besides how many rows it found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from zcc_pipeline.warehouse.config import WarehouseConfig
from zcc_pipeline.warehouse.findings import read_findings

SQL = "-- what was added\nwith t as (select * from added)\nselect * from t -- all of it"


@pytest.fixture
def config(tmp_path: Path) -> WarehouseConfig:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create table added as select 'zoom/engagements' as dataset, 'f' || lpad(n::text, 2, '0') as field, "
            "'Jo Bloggs' as customer from range(12) as numbers (n)"
        )
    return WarehouseConfig(path, tmp_path / "analytics.duckdb", str(tmp_path / "lake"), tmp_path / "dbt")


def node(status: str = "warn", sql: str = SQL, names: tuple[str, ...] = ("dataset", "field")) -> dict[str, Any]:
    return {"unique_id": "test.zcc.added", "status": status, "sql": sql, "names": list(names)}


def test_only_columns_that_a_test_names_are_told_and_of_ten_rows_at_most(config: WarehouseConfig) -> None:
    told = read_findings(config, [node()])["test.zcc.added"]
    assert told.startswith("zoom/engagements f00; zoom/engagements f01; ")
    assert told.endswith("zoom/engagements f09; and more")
    assert "Jo" not in told


def test_few_rows_are_told_once_each(config: WarehouseConfig) -> None:
    found = read_findings(config, [node("fail", SQL.replace("-- all", "where field < 'f02' -- all"), ("dataset",))])
    assert found == {"test.zcc.added": "zoom/engagements"}


@pytest.mark.parametrize("quiet", [node("pass"), node("error"), node(names=())])
def test_a_test_that_passes_cannot_run_or_names_no_column_is_not_asked(
    config: WarehouseConfig, quiet: dict[str, Any]
) -> None:
    assert read_findings(config, [quiet]) == {}
