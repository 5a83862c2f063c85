"""The manifest, asked for by several at once: dbt writes its files in place, and slowly."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.warehouse import Warehouse, WarehouseBusy, WarehouseConfig
from zcc_pipeline.warehouse.lock import warehouse_lock
from zcc_pipeline_tests.unit.warehouse.instead_of_dbt import home_instead_of_dbt

_DBT = """
import time
from pathlib import Path
from types import SimpleNamespace

class dbtRunner:
    def __init__(self, manifest=None):
        pass

    def invoke(self, arguments):
        assert "parse" in arguments
        if Path("unreadable").exists():
            return SimpleNamespace(result=None, success=False, exception="no_such_model is not there")
        with Path("parses").open("a") as parses:
            parses.write("x")
        Path("target").mkdir(exist_ok=True)
        with Path("target", "manifest.json").open("w") as stream:
            for part in ('{"nodes": ', "{}", "}"):
                stream.write(part)
                stream.flush()
                time.sleep(0.3)
        return SimpleNamespace(result=None, success=True, exception=None)
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WarehouseConfig:
    return home_instead_of_dbt(tmp_path, monkeypatch, _DBT)


def test_those_who_ask_at_once_read_one_whole_manifest(config: WarehouseConfig) -> None:
    with ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(lambda: Warehouse(config).manifest_path().read_text()) for _ in range(3)]
        assert [json.loads(each.result()) for each in asked] == [{"nodes": {}}] * 3
    assert (config.scratch_dir / "parses").read_text() == "x"
    assert not list(config.scratch_dir.rglob("*.part"))


def test_who_waits_too_long_is_told_what_for(config: WarehouseConfig) -> None:
    path = Warehouse(config).manifest_path()
    path.unlink()
    with (
        warehouse_lock(path, purpose="reading the models", clock=SystemClock(), wait_seconds=0),
        pytest.raises(WarehouseBusy, match=r"in use by process \d+ \(reading the models, since .*waited 0\.2 s"),
    ):
        Warehouse(config, lock_wait_seconds=0.2).manifest_path()


def test_a_project_that_cannot_be_read_leaves_no_manifest_and_the_next_one_is_made(config: WarehouseConfig) -> None:
    config.scratch_dir.mkdir(parents=True)
    (config.scratch_dir / "unreadable").touch()
    with pytest.raises(PermanentError, match="dbt cannot read its project: no_such_model is not there"):
        Warehouse(config).manifest_path()
    (config.scratch_dir / "unreadable").unlink()
    assert json.loads(Warehouse(config).manifest_path().read_text()) == {"nodes": {}}
