"""What keeps the analysts' copy as it was."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from zcc_pipeline.cli.main import app
from zcc_pipeline.pipeline import build as verbs
from zcc_pipeline.warehouse.build import BuildResult, NodeResult
from zcc_pipeline.warehouse.warehouse import Warehouse
from zcc_pipeline.warehouse.withholding import withheld_by

MANIFEST: dict[str, Any] = {
    "nodes": {
        "model.zcc.engagements": {"resource_type": "model", "schema": "marts"},
        "model.zcc.stg_engagements": {"resource_type": "model", "schema": "staging"},
        "model.zcc.stg_quarantine": {"resource_type": "model", "schema": "staging"},
        "test.zcc.one_row_per": {"resource_type": "test", "config": {"severity": "ERROR"}},
        "test.zcc.not_null": {"resource_type": "test", "config": {"severity": "error"}},
        "test.zcc.drift": {"resource_type": "test", "config": {"severity": "warn"}},
        "test.zcc.no_quarantined_records": {"resource_type": "test", "config": {"severity": "ERROR"}},
    },
    "parent_map": {
        "model.zcc.engagements": ["model.zcc.stg_engagements"],
        "model.zcc.stg_engagements": ["source.zcc.lake"],
        "test.zcc.one_row_per": ["model.zcc.engagements"],
        "test.zcc.not_null": ["model.zcc.stg_engagements"],
        "test.zcc.drift": ["model.zcc.engagements"],
        "test.zcc.no_quarantined_records": ["model.zcc.stg_quarantine"],
    },
}


def node(unique_id: str, status: str) -> NodeResult:
    return NodeResult(unique_id, unique_id.partition(".")[0], status, 0.1, None, "")


@pytest.mark.parametrize(
    ("unique_id", "status", "withheld"),
    [
        ("test.zcc.one_row_per", "fail", ("one_row_per",)),
        ("test.zcc.not_null", "error", ("not_null",)),
        ("test.zcc.one_row_per", "warn", ()),
        ("test.zcc.one_row_per", "pass", ()),
        ("test.zcc.drift", "warn", ()),
        ("test.zcc.drift", "error", ()),
        ("test.zcc.no_quarantined_records", "fail", ()),
        ("model.zcc.engagements", "skipped", ("engagements",)),
        ("model.zcc.stg_quarantine", "skipped", ()),
        ("model.zcc.engagements", "success", ()),
    ],
)
def test_only_what_leads_to_a_mart_keeps_it_back(unique_id: str, status: str, withheld: tuple[str, ...]) -> None:
    assert withheld_by(MANIFEST, [node(unique_id, status)]) == withheld


def test_a_build_whose_marts_fail_their_tests_is_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZCC_HOME", str(tmp_path / "home"))
    built = BuildResult((node("test.zcc.one_row_per", "fail"),), 1.0, 1, ("2026-11-02",), 1, full_refresh=False)
    published: list[object] = []
    monkeypatch.setattr(verbs, "build", lambda _runtime, **_options: built)
    monkeypatch.setattr(verbs, "publish", published.append)
    monkeypatch.setattr(
        Warehouse, "manifest_path", lambda _self: SimpleNamespace(read_text=lambda: json.dumps(MANIFEST))
    )

    done = CliRunner().invoke(app, ["build"])

    assert done.exit_code == 1
    assert published == []
    assert "Not published: the analysts' copy stays as it was, because of one_row_per." in done.stdout
