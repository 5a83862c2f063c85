"""Definitions load anywhere: empty environment, no network, nothing done at import."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from zcc_pipeline.orchestration.partitions import FIRST_DAY, build_partitions, days_of_run, range_tags
from zcc_pipeline_tests.parsed_project import give_parsed_project

IMPORT_ONLY = """
import os, sys
touched = []
def watch(event, arguments):
    is_writing = event == "open" and isinstance(arguments[0], str) and set(str(arguments[1])) & set("wax+")
    if event in ("socket.connect", "socket.getaddrinfo") or (is_writing and arguments[0] != os.devnull):
        touched.append((event, arguments[0]))
sys.addaudithook(watch)
import zcc_pipeline.definitions
assert not touched, touched[:10]
assert os.listdir(".") == [], os.listdir(".")
"""

LOAD = """
import dagster as dg
from zcc_pipeline.definitions import defs
loaded = defs()
dg.Definitions.validate_loadable(loaded)
print(len(loaded.resolve_asset_graph().get_all_asset_keys()))
"""


def run_with_empty_environment(code: str, folder: Path) -> str:
    keep = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        cwd=folder,
        env=keep,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_definitions_writes_nothing_and_calls_nobody(tmp_path: Path) -> None:
    run_with_empty_environment(IMPORT_ONLY, tmp_path)


@pytest.mark.integration
@pytest.mark.slow
def test_definitions_load_with_an_empty_environment_and_keep_to_their_home(tmp_path: Path) -> None:
    give_parsed_project(tmp_path / "zcc_data")
    assert int(run_with_empty_environment(LOAD, tmp_path)) > 40
    assert [entry.name for entry in tmp_path.iterdir()] == ["zcc_data"]


def test_today_has_a_partition_in_the_accounts_time_zone() -> None:
    partitions = build_partitions("Pacific/Kiritimati")
    assert partitions.get_last_partition_key() == datetime.now(ZoneInfo("Pacific/Kiritimati")).date().isoformat()


def test_partitions_start_where_the_operator_wants_or_where_recordings_start() -> None:
    assert build_partitions("UTC").get_first_partition_key() == FIRST_DAY.isoformat()
    assert build_partitions("UTC", date(2026, 1, 2)).get_first_partition_key() == "2026-01-02"


def test_a_runs_days_follow_from_its_tags() -> None:
    assert days_of_run(range_tags(date(2026, 2, 27), date(2026, 3, 1))) == [
        date(2026, 2, 27),
        date(2026, 2, 28),
        date(2026, 3, 1),
    ]
    assert days_of_run({"dagster/partition": "2026-03-01"}) == [date(2026, 3, 1)]
    assert days_of_run({}) == []
