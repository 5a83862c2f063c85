"""The script that an administrator runs makes what the shipped mapping asks for, and what the stand-in has."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline.exports.mapping import read_mapping
from zcc_pipeline.simulator.crm.base import CrmOptions
from zcc_pipeline.simulator.crm.servicenow import Setup, make
from zcc_pipeline_tests.integration.exports.servicenow.adapter import KEY

pytestmark = pytest.mark.integration

HERE = Path(__file__).parent
SCRIPT = Path(__file__).parents[4] / "deploy" / "servicenow" / "create_engagement_import.js"
STAGING = "u_zcc_engagement_import"
TABLES = ("sys_db_object", "sys_dictionary", "sys_transform_map", "sys_transform_entry")


def rows_of(setup: Setup) -> dict[str, list[dict[str, str]]]:
    instance = make(CrmOptions(settings={"setup": setup})).instance
    return {table: [dict(row) for row in instance.rows(table)] for table in TABLES}


def run_script(rows: dict[str, Any], folder: Path) -> dict[str, Any]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not here, so that the script for administrators is not run")
    before = folder / "rows.json"
    before.write_text(json.dumps(rows), encoding="utf-8")
    done = subprocess.run(
        [node, str(HERE / "glide.js"), str(SCRIPT), str(before)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def columns(rows: dict[str, Any], table: str) -> dict[str, tuple[str, str, str]]:
    return {
        row["element"]: (row["internal_type"], row["max_length"], row.get("unique", "false"))
        for row in rows["sys_dictionary"]
        if row["name"] == table and row.get("element")
    }


def test_an_instance_as_delivered_becomes_the_one_that_the_stand_in_plays(tmp_path: Path) -> None:
    made = run_script(rows_of(Setup(columns=False, staging=False, transform=False)), tmp_path)["rows"]
    wanted = rows_of(Setup())
    assert columns(made, "interaction") == columns(wanted, "interaction")
    fields = {row["target_field"]: row["source_field"] for row in made["sys_transform_entry"]}
    assert [row["target_field"] for row in made["sys_transform_entry"] if row["coalesce"] == "true"] == [KEY]
    target = read_mapping("servicenow", None).section.targets["interaction"]
    assert fields.keys() >= {KEY, *target.fields, "opened_for", "assigned_to", "consumer"}
    staged = columns(made, STAGING)
    known = columns(wanted, STAGING)
    assert {name: staged[name][:2] for name in fields.values()} == {name: known[name][:2] for name in fields.values()}
    references = {
        row["target_field"] for row in made["sys_transform_entry"] if row["reference_value_field"] == "sys_id"
    }
    assert references == {"opened_for", "consumer", "assigned_to"}
    (transform,) = made["sys_transform_map"]
    assert (transform["copy_empty_fields"], transform["active"]) == ("true", "true")
    (table,) = [row for row in made["sys_db_object"] if row["name"] == STAGING]
    (parent,) = [row for row in made["sys_db_object"] if row["name"] == "sys_import_set_row"]
    assert table["super_class"] == parent["sys_id"]


def test_running_it_again_makes_nothing(tmp_path: Path) -> None:
    once = run_script(rows_of(Setup(columns=False, staging=False, transform=False)), tmp_path)
    assert once["inserted"]
    assert run_script(once["rows"], tmp_path)["inserted"] == []


def test_an_instance_without_consumers_is_served_as_well(tmp_path: Path) -> None:
    rows = rows_of(Setup(columns=False, staging=False, transform=False))
    rows["sys_dictionary"] = [row for row in rows["sys_dictionary"] if row["element"] != "consumer"]
    made = run_script(rows, tmp_path)["rows"]
    assert "consumer" not in {row["target_field"] for row in made["sys_transform_entry"]}
