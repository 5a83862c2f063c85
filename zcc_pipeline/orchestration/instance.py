"""Dagster's home under ``ZCC_HOME``: runs, events and schedules lie beside the data they tell about."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef

DAGSTER_YAML = "dagster.yaml"

_OURS = "# Written by zcc."

_COMMON = """\
# Written by zcc. Without this line it is yours, and stays as it is. Use it with: DAGSTER_HOME={home} dagster dev
telemetry:
  enabled: false
nux:
  enabled: false
run_monitoring:
  enabled: true
  start_timeout_seconds: 180
  poll_interval_seconds: 60
concurrency:
  runs:
    max_concurrent_runs: 4
  pools:
    default_limit: 1
    granularity: op
retention:
  schedule:
    purge_after_days: {{skipped: 7, success: 30, failure: 90}}
  sensor:
    purge_after_days: {{skipped: 1, success: 30, failure: 90}}
"""

_POSTGRES = """\
storage:
  custom:
    module: zcc_pipeline.orchestration.ledger_storage
    class: LedgerStorage
    config: {}
"""

_SQLITE = """\
storage:
  custom:
    module: zcc_pipeline.orchestration.local_storage
    class: LocalStorage
    config:
      base_dir: {home}
"""


def ensure_dagster_home(home: Path, *, state_url: str | None = None) -> dg.DagsterInstance:
    """Make ``<home>/dagster`` with its ``dagster.yaml`` and open it; the caller disposes of the instance.

    Where ``state_url`` names PostgreSQL, Dagster's own tables go there as well; the file then refers to
    the settings and never holds the password. A file that no longer begins as ours does is the operator's and kept.
    """
    folder = home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    uses_postgres = state_url is not None and state_url.startswith("postgres")
    storage = _POSTGRES if uses_postgres else _SQLITE.format(home=json.dumps(str(folder)))
    _write(folder / DAGSTER_YAML, _COMMON.format(home=folder) + storage)
    overrides = {"storage": {"postgres": {"postgres_url": state_url}}} if uses_postgres else None
    with _alone(folder / "opening.lock"):
        return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder), overrides=overrides))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Until everybody else is out. Dagster creates its SQLite files when it opens them first, and of two processes that
    do so at the same moment one fails with "table already exists" or "database is locked"."""
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, text: str) -> None:
    there = path.read_text() if path.is_file() else None
    if there == text or (there is not None and not there.startswith(_OURS)):
        return
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(text)
    part.replace(path)
