"""Is everything set up? Each answer is one line with its remedy.

What can be said without Zoom is said first; where something cannot be reached, that is one finding and not the end.
What Zoom's own settings will make missing is looked at in ``account_check``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from sqlite3 import sqlite_version

from zcc_pipeline.domain.errors import ConfigurationError, ZccPipelineError
from zcc_pipeline.landing import open_storage
from zcc_pipeline.pipeline.crms import EXPORTS
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.state import StateStore
from zcc_pipeline.warehouse import Warehouse, WarehouseBusy

PACKAGES = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "pyarrow")
SCARCE_BYTES = 10_000_000_000
NONE_LEFT_BYTES = 1_000_000_000


class Verdict(StrEnum):
    """How bad it is. A problem keeps data from arriving or being kept; a warning will lose or hide some of it."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was found, and what to change."""

    topic: str
    verdict: Verdict
    text: str
    remedy: str = ""


def examine_machine(runtime: Runtime) -> Iterator[Finding]:
    """Everything that needs no Zoom."""
    yield _versions()
    yield _disk(runtime)
    yield from _state(runtime)
    yield _lock(runtime)
    yield _write(runtime, "lake", "ZCC_LAKE_URL", runtime.config.lake_url)
    yield _write(runtime, "files", "ZCC_FILES_URL", runtime.config.files_url)
    yield _archive(runtime)


def _versions() -> Finding:
    # SQLite's, too: the inbox is written the way it is because of an error in releases before 3.51.3
    found, missing = [f"python {python_version()}", f"sqlite {sqlite_version}"], []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        text = f"not installed: {', '.join(missing)}"
        return Finding("versions", Verdict.PROBLEM, text, "install the package again: pip install zcc-pipeline")
    return Finding("versions", Verdict.OK, ", ".join(found))


def _disk(runtime: Runtime) -> Finding:
    home = runtime.config.home
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    text = f"{free / 1e9:,.1f} GB free where {home} lies"
    if free < NONE_LEFT_BYTES:
        return Finding("disk", Verdict.PROBLEM, text, "free some space, or set ZCC_HOME to a larger disk")
    if free < SCARCE_BYTES:
        remedy = "`zcc plan` says how much media a range of days brings; ZCC_FILES_URL can be an s3:// address"
        return Finding("disk", Verdict.WARNING, text, remedy)
    return Finding("disk", Verdict.OK, text)


def _state(runtime: Runtime) -> Iterator[Finding]:
    """Reachable, and cut into days of the time zone that is set."""
    zone = runtime.config.timezone.key
    try:
        runtime.config.home.mkdir(parents=True, exist_ok=True)
        with StateStore.open(runtime.config.state_url, keys_folder=runtime.config.home / "keys") as state:
            frozen = state.settings.timezone()
            erased = _erased(state)
            unfinished = len(state.purges.pending())
            held = sum(item.room != EXPORTS for item in state.quarantine.list())
    except ZccPipelineError as error:
        yield Finding("state", Verdict.PROBLEM, str(error), "check ZCC_STATE_URL")
        return
    except OSError as error:
        yield Finding(
            "state", Verdict.PROBLEM, f"cannot open {runtime.config.home}: {error.strerror}", "check ZCC_HOME"
        )
        return
    yield Finding("state", Verdict.OK, "the ledgers are reachable and up to date")
    if frozen is None:
        remedy = "" if zone != "UTC" else "set ZCC_TIMEZONE before the first pull if your days are not UTC days"
        yield Finding("time zone", Verdict.OK, f"{zone}; fixed with the first data that lands", remedy)
    elif frozen != zone:
        text = f"ZCC_TIMEZONE is {zone}, but the data here is cut into days of {frozen}"
        yield Finding(
            "time zone", Verdict.PROBLEM, text, f"set ZCC_TIMEZONE={frozen}, or start afresh in another ZCC_HOME"
        )
    else:
        yield Finding("time zone", Verdict.OK, f"{zone}, as the data here")
    if erased is not None:
        yield erased
    if unfinished:
        text = f"the purge of {unfinished:,} engagements was cut off, and something of them is left"
        yield Finding("purge", Verdict.WARNING, text, "`zcc archive purge --yes` finishes it")
    if held:
        yield Finding("quarantine", Verdict.WARNING, f"{held:,} records could not be processed and are held")


def _erased(state: StateStore) -> Finding | None:
    """Whether what was erased can be recognised; None where nothing ever was."""
    try:
        ids = len(state.suppression.snapshot())
    except ConfigurationError as error:
        text = str(error).partition(". ")[0]
        return Finding("erased", Verdict.PROBLEM, text, "put the key back from a backup; until then nothing is read")
    return Finding("erased", Verdict.OK, f"{ids:,} ids are kept from coming back") if ids else None


def _lock(runtime: Runtime) -> Finding:
    try:
        with Warehouse(runtime.config.warehouse, lock_wait_seconds=0).lock("doctor"):
            return Finding("warehouse lock", Verdict.OK, "free")
    except WarehouseBusy as error:
        remedy = "builds wait for it; it is released when that process ends"
        return Finding("warehouse lock", Verdict.OK, str(error).partition(";")[0], remedy)
    except OSError as error:
        where = runtime.config.warehouse.warehouse_path
        return Finding("warehouse lock", Verdict.PROBLEM, f"{where}: {error.strerror}", "check ZCC_WAREHOUSE_PATH")


def _write(runtime: Runtime, topic: str, setting: str, url: str) -> Finding:
    """Publish a few bytes, find them, remove them."""
    name = f"write-test-{runtime.new_id()}"
    try:
        storage = open_storage(url, s3=runtime.config.s3)
        staged = storage.staging_path(name)
        with staged.open("wb") as stream:
            stream.write(b"written by zcc doctor\n")
            stream.flush()
            os.fsync(stream.fileno())
        storage.publish(staged, name)
        is_there = storage.exists(name)
        storage.delete(name)
    except ZccPipelineError as error:
        return Finding(topic, Verdict.PROBLEM, str(error), f"check {setting}")
    except OSError as error:
        remedy = f"check {setting} and who may write there"
        return Finding(topic, Verdict.PROBLEM, f"cannot write to {_shown(url)}: {error.strerror or error}", remedy)
    if not is_there:
        return Finding(
            topic, Verdict.PROBLEM, f"what was written to {_shown(url)} was not there afterwards", f"check {setting}"
        )
    return Finding(topic, Verdict.OK, f"writable: {_shown(url)}")


def _archive(runtime: Runtime) -> Finding:
    """What the archive's storage promises; a bucket is tried."""
    try:
        place = runtime.archive.place
        worm, can_lock = place.worm(), place.locks
    except ZccPipelineError as error:
        return Finding("archive", Verdict.PROBLEM, str(error), "check ZCC_ARCHIVE_URL and ZCC_ARCHIVE_LOCK_MODE")
    if worm.is_worm:
        return Finding("archive", Verdict.OK, f"WORM: {worm.reason}")
    verdict = Verdict.WARNING if can_lock else Verdict.OK
    return Finding("archive", verdict, f"not WORM: {worm.reason}", "docs/archive-s3.md tells what that means")


def _shown(url: str) -> str:
    return url if "://" in url else str(Path(url).absolute())
