"""dbt's own notes of an already parsed project, shared by all homes of a test run: each home saves three seconds.

dbt checks them against the project and the profile itself, so old ones cost time and are never wrong. The manifest is
kept as well, for those to whom it is not the point that one is made; of whatever has changed in the project, others
are made.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from zcc_pipeline.warehouse import Warehouse, WarehouseConfig
from zcc_pipeline.warehouse.project import project_dir, project_version

NOTES = Path("dbt", "target", "partial_parse.msgpack")
MANIFESTS = Path("dbt", "manifest")


def give_parsed_project(home: Path, *, with_manifest: bool = False) -> None:
    """Put the notes where the first build under ``home`` looks for them."""
    parsed = parsed_home()
    (home / NOTES).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(parsed / NOTES, home / NOTES)
    if with_manifest:
        shutil.copytree(parsed / MANIFESTS, home / MANIFESTS)


def parsed_home() -> Path:
    """A home in which the project has been parsed, and nothing else done; not to be changed."""
    home = Path(tempfile.gettempdir()) / f"zcc-parsed-home-{os.getuid()}-{project_version(project_dir())}"
    if not home.is_dir():
        with home.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the others wait instead of parsing as well
            if not home.is_dir():
                _parse(home.with_suffix(".part")).replace(home)
    return home


def _parse(home: Path) -> Path:
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o700)
    Warehouse(
        WarehouseConfig(home / "warehouse.duckdb", home / "analytics.duckdb", str(home / "lake"), home / "dbt")
    ).manifest_path()
    return home
