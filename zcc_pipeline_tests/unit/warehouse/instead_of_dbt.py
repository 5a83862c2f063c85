"""A module that dbt's process finds in dbt's place."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from zcc_pipeline.warehouse import WarehouseConfig


def home_instead_of_dbt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> WarehouseConfig:
    """A home whose processes import ``code`` as ``dbt.cli.main``."""
    package = tmp_path / "instead" / "dbt" / "cli"
    package.mkdir(parents=True)
    (package / "main.py").write_text(code)
    for each in (package, package.parent):
        (each / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "instead"), *filter(None, sys.path)]))
    home = tmp_path / "home"
    return WarehouseConfig(home / "warehouse.duckdb", home / "analytics.duckdb", str(home / "lake"), home / "dbt")
