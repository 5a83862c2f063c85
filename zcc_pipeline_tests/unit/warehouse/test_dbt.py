"""dbt's process: told a command, perhaps long after it was started; the lock goes with the command.

In dbt's place stands a module that does what the test says: what matters here is the process around it.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.warehouse import Warehouse, WarehouseConfig
from zcc_pipeline.warehouse import build as building
from zcc_pipeline.warehouse.dbt import DbtProcess
from zcc_pipeline_tests.unit.warehouse.instead_of_dbt import home_instead_of_dbt

_DBT = """
import os, sys, time
from pathlib import Path
from types import SimpleNamespace

class dbtRunner:
    def __init__(self, manifest=None):
        self.manifest = manifest

    def invoke(self, arguments):
        if "parse" in arguments:
            Path("parsed").touch()
            return SimpleNamespace(result="what was read", success=True)
        if "dies" in arguments:
            print("out of memory", flush=True)
            os._exit(9)
        if "waits" in arguments:
            Path("told").touch()
            while not Path("go").exists():
                time.sleep(0.01)
        return SimpleNamespace(result=None, success=True, exception=self.manifest)
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WarehouseConfig:
    """A home whose processes find that module in dbt's place."""
    return home_instead_of_dbt(tmp_path, monkeypatch, _DBT)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A dbt project."""
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def wait_for(condition: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def is_free(lock: Path) -> bool:
    with lock.open("rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_what_was_read_ahead_serves_the_command_that_comes(config: WarehouseConfig, directory: Path) -> None:
    with closing(DbtProcess(config, directory, reads_ahead=True)) as dbt:
        wait_for((config.scratch_dir / "parsed").exists)
        assert dbt.is_ready_for(dbt.version or "")
        assert not dbt.is_ready_for("another version")
        assert dbt.run(["build"])["exception"] == "what was read"
    assert not list(config.scratch_dir.glob("outcome*"))


def test_without_reading_ahead_nothing_is_parsed_and_it_is_ready_for_no_version(
    config: WarehouseConfig, directory: Path
) -> None:
    with closing(DbtProcess(config, directory)) as dbt:
        assert not dbt.is_ready_for("")
        assert dbt.run(["build"]) == {"success": True, "exception": "", "nodes": []}
    assert not (config.scratch_dir / "parsed").exists()


def test_the_lock_that_comes_with_a_command_is_held_until_its_process_ends(
    config: WarehouseConfig, directory: Path, tmp_path: Path
) -> None:
    lock = tmp_path / "lock"
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with closing(DbtProcess(config, directory, reads_ahead=True)) as dbt, ThreadPoolExecutor(1) as thread:
        running = thread.submit(dbt.run, ["waits"], inherit=(descriptor,))
        wait_for((config.scratch_dir / "told").exists)
        os.close(descriptor)
        try:
            assert not is_free(lock)
        finally:
            (config.scratch_dir / "go").touch()
        assert running.result()["success"]
    assert is_free(lock)


def test_it_ends_when_it_is_closed_without_a_command(config: WarehouseConfig, directory: Path) -> None:
    dbt = DbtProcess(config, directory, reads_ahead=True)
    dbt.close()
    assert not dbt.is_ready_for(dbt.version or "")


def test_one_that_dies_is_an_error_with_its_last_words(config: WarehouseConfig, directory: Path) -> None:
    with (
        closing(DbtProcess(config, directory)) as dbt,
        pytest.raises(PermanentError, match="ended with code 9 and no result: out of memory"),
    ):
        dbt.run(["dies"])


class FakeProcess:
    """Stands for a process that was started ahead."""

    started: list[FakeProcess]

    def __init__(self, *_: object, reads_ahead: bool = False, is_usable: bool = True) -> None:
        self.reads_ahead, self.is_usable, self.is_closed = reads_ahead, is_usable, False
        self.commands: list[list[str]] = []
        self.started.append(self)

    def __enter__(self) -> FakeProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.is_closed = True

    def is_ready_for(self, version: str) -> bool:
        return bool(version) and self.reads_ahead and self.is_usable

    def run(self, arguments: list[str], *, inherit: tuple[int, ...]) -> dict[str, Any]:
        assert inherit
        self.commands.append(arguments)
        return {"success": False, "exception": "as told", "nodes": []}


@pytest.mark.parametrize("is_usable", [True, False])
def test_a_build_takes_the_process_that_was_started_ahead_if_it_is_of_use_and_no_other_is_left(
    config: WarehouseConfig, monkeypatch: pytest.MonkeyPatch, is_usable: bool
) -> None:
    monkeypatch.setattr(FakeProcess, "started", [], raising=False)
    for module in (building, sys.modules[Warehouse.__module__]):
        monkeypatch.setattr(module, "DbtProcess", FakeProcess)
    warehouse = Warehouse(config)
    warehouse.get_ready()
    (ahead,) = FakeProcess.started
    ahead.is_usable = is_usable
    with pytest.raises(PermanentError, match="as told"):
        warehouse.build()
    assert [bool(each.commands) for each in FakeProcess.started] == ([True] if is_usable else [False, True])
    assert all(each.is_closed for each in FakeProcess.started)
    warehouse.get_ready()
    warehouse.close()
    assert FakeProcess.started[-1].is_closed
