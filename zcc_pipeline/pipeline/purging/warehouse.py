"""The warehouse and the analysts' copy: made anew from the lake, because rows deleted from a DuckDB file stay in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from zcc_pipeline.pipeline.build import build, publish
from zcc_pipeline.pipeline.purging.report import Removed
from zcc_pipeline.pipeline.purging.subject import Subject
from zcc_pipeline.pipeline.runtime import Runtime

PLACE = "warehouse"


def clear(runtime: Runtime, _subject: Subject) -> Iterator[Removed]:
    """What was never built is left alone."""
    freed = make_anew(runtime, purpose="purge")
    if freed is not None:
        yield Removed(PLACE, "databases made anew", 2, freed)


def make_anew(runtime: Runtime, *, purpose: str) -> int | None:
    """Bytes that were freed; None where there was none. Readers keep the old copy until the new one is swapped in.

    A crash leaves no warehouse, or a whole one: the next build makes it from the lake.
    """
    config = runtime.config.warehouse
    if not config.warehouse_path.exists() and not config.analytics_path.exists():
        return None
    size = 0
    with runtime.warehouse.lock(purpose):
        for path in (
            *_beside(config.warehouse_path, "", ".wal", ".tmp"),
            *_beside(config.analytics_path, ".wal", ".tmp", ".part", ".part.wal"),
            config.scratch_dir / "logs",
            config.scratch_dir / "outcome.json",
        ):
            size += _remove(path)
    runtime.progress.start("building the warehouse anew", None)
    build(runtime, full_refresh=True)
    published = publish(runtime)
    runtime.progress.finish("building the warehouse anew")
    return max(0, size - published.bytes_written)


def _beside(path: Path, *endings: str) -> list[Path]:
    return [path.with_name(f"{path.name}{ending}") for ending in endings]


def _remove(path: Path) -> int:
    """Bytes of it."""
    if path.is_dir():
        size = sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
        shutil.rmtree(path)
        return size
    if path.is_file():
        size = path.stat().st_size
        path.unlink()
        return size
    return 0
