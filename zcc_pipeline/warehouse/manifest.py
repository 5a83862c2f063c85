"""dbt's manifest of the project: made once for each version of it, however many processes ask at once."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.warehouse.config import WarehouseConfig
from zcc_pipeline.warehouse.dbt import DbtProcess
from zcc_pipeline.warehouse.lock import warehouse_lock
from zcc_pipeline.warehouse.project import plain, project_dir, project_version


def ensure_manifest(config: WarehouseConfig, *, clock: Clock, lock_wait_seconds: float) -> Path:
    """Return the path of the manifest; the first to ask lets dbt write it while the others wait.

    dbt writes its files in place, so that whoever comes while it does would read half of one. Raises
    ``PermanentError`` where dbt cannot read the project, and ``WarehouseBusy`` where another process takes too long.
    """
    directory = project_dir()
    path = config.scratch_dir / "manifest" / project_version(directory) / "manifest.json"
    if not path.is_file():
        with warehouse_lock(path, purpose="reading the models", clock=clock, wait_seconds=lock_wait_seconds) as lock:
            if not path.is_file():
                _parse(config, directory, path, lock)
    return path


def _parse(config: WarehouseConfig, directory: Path, path: Path, lock: int) -> None:
    with closing(DbtProcess(config, directory)) as dbt:
        outcome = dbt.run(["parse"], inherit=(lock,))
    if not outcome["success"]:
        raise PermanentError(f"dbt cannot read its project: {plain(outcome['exception'])}")
    part = path.with_suffix(".part")
    with part.open("wb") as stream:
        stream.write((config.scratch_dir / "target" / "manifest.json").read_bytes())
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
