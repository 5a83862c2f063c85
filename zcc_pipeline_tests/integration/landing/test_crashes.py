"""Landing under SIGKILL, and two processes landing the same day."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from zcc_pipeline_tests.integration.landing.land_pages import PAGE_RECORDS, land_pages, open_lake, payload
from zcc_pipeline_tests.lakes import ENGAGEMENTS, all_rows, latest_payloads

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
PAGES = 60
EXPECTED = {f"id-{number}": payload(number).decode() for number in range(PAGES * PAGE_RECORDS)}


def start(folder: Path, writer: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", "zcc_pipeline_tests.integration.landing.land_pages", str(folder), writer, str(PAGES)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def assert_every_visible_file_is_whole(folder: Path) -> None:
    lake = open_lake(folder, "reader")
    for path in folder.glob("zoom/**/*"):
        if path.is_file():
            assert path.suffix == ".parquet"
            pq.read_table(path)
    glob = folder / "zoom/engagements/date=*/*.parquet"
    if list(folder.glob("zoom/engagements/date=*/*.parquet")):
        duckdb.sql(f"select max(payload) from read_parquet('{glob}')").fetchall()
    landed = latest_payloads(lake)
    assert landed.items() <= EXPECTED.items()


def kill_and_converge(folder: Path, seed: int, kills: int) -> int:
    """Kill a landing process again and again; returns how often it was still at work."""
    chance = random.Random(seed)
    hits = 0
    for number in range(kills):
        process = start(folder, f"w{number}")
        time.sleep(chance.uniform(0.0, 0.35))
        hits += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert_every_visible_file_is_whole(folder)
    return hits


def test_a_kill_at_any_moment_leaves_whole_files_and_the_next_run_converges(tmp_path: Path) -> None:
    assert kill_and_converge(tmp_path, seed=1, kills=4) > 0
    land_pages(tmp_path, "last", PAGES)
    lake = open_lake(tmp_path, "reader")
    assert latest_payloads(lake) == EXPECTED
    assert len(all_rows(lake)) == len(EXPECTED), "nothing is landed twice"
    lake.sweep(datetime.now(UTC) + timedelta(days=2))
    assert list((tmp_path / ".staging").iterdir()) == []


@pytest.mark.slow
def test_many_more_kills_change_nothing_either(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """Twelve in CI; a hundred by one command: ``pytest -m slow -k kills --kills 25``."""
    seed = time.time_ns()
    assert kill_and_converge(tmp_path, seed, kills=4 * pytestconfig.getoption("--kills")) > 0, f"seed {seed}"
    land_pages(tmp_path, "last", PAGES)
    lake = open_lake(tmp_path, "reader")
    assert latest_payloads(lake) == EXPECTED
    assert len(all_rows(lake)) == len(EXPECTED)


def test_two_processes_landing_the_same_days_lose_and_break_nothing(tmp_path: Path) -> None:
    processes = [start(tmp_path, name) for name in ("left", "right")]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert_every_visible_file_is_whole(tmp_path)
    lake = open_lake(tmp_path, "reader")
    assert latest_payloads(lake) == EXPECTED
    with_doubles = len(all_rows(lake))
    assert len(EXPECTED) <= with_doubles <= 2 * len(EXPECTED)
    for day in lake.days(ENGAGEMENTS.name):
        lake.compact(ENGAGEMENTS.name, day)
    assert latest_payloads(lake) == EXPECTED


def test_a_reader_beside_writers_and_compactions_always_sees_whole_days(tmp_path: Path) -> None:
    land_pages(tmp_path, "first", PAGES)
    writer = start(tmp_path, "again")
    lake = open_lake(tmp_path, "compactor")
    name = ENGAGEMENTS.name
    rounds = 0
    while writer.poll() is None or rounds < 3:
        for day in lake.days(name):
            lake.compact(name, day)
        assert latest_payloads(lake) == EXPECTED
        table = lake.latest(name, date(2026, 11, 20), date(2026, 11, 20))
        assert table.num_rows > 0
        lake.sweep(datetime.now(UTC) + timedelta(days=2))
        rounds += 1
    writer.communicate()
    assert writer.returncode == 0
    assert latest_payloads(lake) == EXPECTED
