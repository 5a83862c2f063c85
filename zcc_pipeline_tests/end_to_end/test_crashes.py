"""A run killed at any moment, or met by another, leaves nothing half done, and the next one ends equal to the truth.

Three kills in CI; more by one command: ``pytest -m slow -k killed --kills 20``.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from zcc_pipeline_tests.story import Story, story

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def environment(told: Story) -> dict[str, str]:
    """What surrounds this process, without settings that are not the story's."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("ZCC_", "DAGSTER_"))}
    return outside | told.variables


def start_run(told: Story, *options: str, says: str = "said.txt") -> subprocess.Popen[bytes]:
    first, last = told.days[0].isoformat(), told.days[-1].isoformat()
    command = [sys.executable, "-m", "zcc_pipeline.cli", "run", "--from", first, "--to", last, *options]
    with (told.home.parent / says).open("wb") as said:
        return subprocess.Popen(
            command, env=environment(told), cwd=told.home.parent, stdout=said, stderr=said, start_new_session=True
        )


def finish_run(told: Story) -> None:
    """Exit code 1 is right as well: some of the account is unexplained, and the run says so."""
    process = start_run(told)
    assert process.wait(timeout=300) in {0, 1}, (told.home.parent / "said.txt").read_text()


def assert_nothing_half_done(home: Path) -> None:
    """Every file that a reader would open is whole."""
    for path in (home / "lake").glob("zoom/*/date=*/*.parquet"):
        pq.read_metadata(path)
    assert not [path for path in (home / "files").rglob("*.part") if ".staging" not in path.parts]


KILLS_IN_A_HOME = 3
FIRST_GUESS_SECONDS = 25.0
"""What a run takes here, before one has been measured."""


def moments(kills: int, chance: random.Random) -> Iterator[list[float]]:
    """Shares of a whole run at which runs in one home are killed, each further on than the one before.

    What an earlier one has finished the next one passes quickly: so an early, a middle and a late kill all meet work.
    """
    while kills > 0:
        together = min(kills, KILLS_IN_A_HOME)
        yield [(number + chance.uniform(0.1, 0.95)) / together for number in range(together)]
        kills -= together


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with story(tmp_path_factory.mktemp("crashes") / "home", days=2, per_day=60, settled=False) as begun:
        yield begun


@pytest.mark.acceptance
def test_two_runs_at_once_lose_and_double_nothing(told: Story) -> None:
    both = [start_run(told, says=f"said-{number}.txt") for number in range(2)]
    codes = [process.wait(timeout=300) for process in both]
    said = [(told.home.parent / f"said-{number}.txt").read_text() for number in range(2)]
    assert set(codes) <= {0, 1}, said
    assert not [text for text in said if "Traceback" in text]
    for words in ("zoom/engagements", f"DAGSTER_HOME={told.home / 'dagster'}"):
        assert [text for text in said if words not in text] == []
    assert_nothing_half_done(told.home)
    assert told.disagreements() == []
    start_run(told, "--json").wait(timeout=300)
    again = {row["dataset"]: row for row in json.loads((told.home.parent / "said.txt").read_text())["datasets"]}
    assert again["zoom/engagements"]["unchanged"] > 0
    assert [name for name, row in again.items() if row["new"] or row["changed"]] in ([], ["zoom/completeness"])


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_told_to_stop_in_its_build_does_so_and_the_next_one_goes_on(
    told: Story, by: signal.Signals
) -> None:
    shutil.rmtree(told.home, ignore_errors=True)
    process = start_run(told)
    while not (told.home / "warehouse.duckdb").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(by)
    assert process.wait(timeout=20) == 1
    assert (told.home.parent / "said.txt").read_text().startswith("zcc: Stopped. What was landed stays;")
    finish_run(told)
    assert told.disagreements() == []


@pytest.mark.acceptance
def test_runs_killed_at_random_moments_end_equal_to_the_truth(told: Story, pytestconfig: pytest.Config) -> None:
    chance = random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID", str(time.time_ns())))
    whole = FIRST_GUESS_SECONDS
    for shares in moments(pytestconfig.getoption("--kills"), chance):
        shutil.rmtree(told.home, ignore_errors=True)
        for share in shares:
            process = start_run(told)
            time.sleep(share * whole)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=30)
            assert_nothing_half_done(told.home)
        begin = time.monotonic()
        finish_run(told)
        whole = max(whole, time.monotonic() - begin)
        assert told.disagreements() == [], f"killed at {shares} of {whole:.1f} s"
