"""The analysts' copy: written beside, then swapped in, so that a reader never sees a lock or half a table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.warehouse.config import WarehouseConfig
from zcc_pipeline.warehouse.lock import warehouse_lock

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class PublishResult:
    """What publishing did."""

    path: Path
    tables: tuple[str, ...]
    bytes_written: int
    seconds: float


@dataclass(frozen=True, slots=True)
class PublishedView:
    """A Parquet file that is read through the analysts' copy, always as the file is then."""

    name: str
    path: Path
    """Absolute; it is there, if only with its columns."""
    description: str
    columns: Mapping[str, str]
    """What each says."""


def publish_marts(
    config: WarehouseConfig,
    *,
    clock: Clock,
    lock_wait_seconds: float,
    manifest: Mapping[str, Any],
    views: Sequence[PublishedView] = (),
) -> PublishResult:
    """Write ``analytics.duckdb`` anew with the marts, those views, their comments and nothing else."""
    started = clock.monotonic()
    with warehouse_lock(config.warehouse_path, purpose="publish", clock=clock, wait_seconds=lock_wait_seconds):
        part = config.analytics_path.with_name(f"{config.analytics_path.name}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        for stale in (part, part.with_name(f"{part.name}.wal")):
            stale.unlink(missing_ok=True)
        tables = _write_copy(config, part, manifest, views)
        _swap_in(part, config.analytics_path)
    size = config.analytics_path.stat().st_size
    return PublishResult(config.analytics_path, tables, size, clock.monotonic() - started)


def _write_copy(
    config: WarehouseConfig, part: Path, manifest: Mapping[str, Any], views: Sequence[PublishedView]
) -> tuple[str, ...]:
    import duckdb

    models = {
        node["name"]: node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    }
    options: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": config.memory_limit,
        "threads": config.threads,
    }
    with duckdb.connect(str(part), config=options) as connection:
        connection.execute(f"attach {_text(str(config.warehouse_path))} as warehouse (read_only)")
        there = connection.execute(
            "select table_name from duckdb_tables() "
            "where database_name = 'warehouse' and schema_name = 'marts' order by 1"
        ).fetchall()
        tables = tuple(name for (name,) in there if name in models)
        for name in tables:
            without_bookkeeping = "columns(lambda c: not starts_with(c, '_'))"
            connection.execute(f'create table "{name}" as select {without_bookkeeping} from warehouse.marts."{name}"')
            _comment(connection, name, models[name])
        for view in views:
            _create_view(connection, view)
        connection.execute("detach warehouse")
        connection.execute("checkpoint")
    return tables


def _create_view(connection: duckdb.DuckDBPyConnection, view: PublishedView) -> None:
    path = str(view.path).replace("'", "''")
    connection.execute(f"create view \"{view.name}\" as from read_parquet('{path}')")
    connection.execute(f'comment on view "{view.name}" is {_text(view.description)}')
    for column, meaning in view.columns.items():
        connection.execute(f'comment on column "{view.name}"."{column}" is {_text(meaning)}')


def _comment(connection: duckdb.DuckDBPyConnection, name: str, model: Mapping[str, Any]) -> None:
    connection.execute(f'comment on table "{name}" is {_text(model["description"])}')
    for column, described in model["columns"].items():
        if not column.startswith("_") and described["description"]:
            connection.execute(f'comment on column "{name}"."{column}" is {_text(described["description"])}')


def _text(value: str) -> str:
    return "'" + " ".join(value.split()).replace("'", "''") + "'"


def _swap_in(part: Path, target: Path) -> None:
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    target.with_name(f"{target.name}.wal").unlink(missing_ok=True)
    part.replace(target)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
