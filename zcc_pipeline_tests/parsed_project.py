"""dbt's own notes of an already parsed project, shared by all homes of a test run: each home saves three seconds.

dbt checks them against the project and the profile itself, so old ones cost time and are never wrong.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from zcc_pipeline.warehouse import Warehouse, WarehouseConfig
from zcc_pipeline.warehouse.project import project_dir, project_version

NOTES = "partial_parse.msgpack"


def give_parsed_project(home: Path) -> None:
    """Put the notes where the first build under ``home`` looks for them."""
    target = home / "dbt" / "target"
    target.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_parsed() / NOTES, target / NOTES)


def _parsed() -> Path:
    folder = Path(tempfile.gettempdir()) / f"zcc-parsed-{os.getuid()}-{project_version(project_dir())}"
    if not (folder / NOTES).is_file():
        with tempfile.TemporaryDirectory() as home:
            made = Path(home)
            config = WarehouseConfig(
                made / "warehouse.duckdb", made / "analytics.duckdb", str(made / "lake"), made / "dbt"
            )
            Warehouse(config).manifest_path()
            folder.mkdir(mode=0o700, exist_ok=True)
            part = folder / f"{NOTES}.{os.getpid()}"
            shutil.copyfile(made / "dbt" / "target" / NOTES, part)
            part.replace(folder / NOTES)
    return folder
