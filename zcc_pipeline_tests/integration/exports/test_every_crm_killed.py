"""A process killed with SIGKILL while it writes to a CRM: the next ones end with each engagement there once.

Three points of one run in CI; more, at other points, by one command: ``pytest -m slow -k every_crm_killed --kills 20``.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline_tests.integration.exports.adapters import CrmAdapter
from zcc_pipeline_tests.integration.exports.engagements import changed, engagement, with_note
from zcc_pipeline_tests.integration.exports.exporting_process import Order
from zcc_pipeline_tests.integration.exports.office import Office, office, people

pytestmark = [pytest.mark.integration, pytest.mark.slow]

COUNT, BATCH = 24, 8
PROGRAM = [sys.executable, "-m", "zcc_pipeline_tests.integration.exports.exporting_process"]


def begin(story: Office) -> subprocess.Popen[bytes]:
    order = Order(
        crm=story.adapter.name,
        url=story.running.url,
        state_path=str(story.state_path),
        batch_size=BATCH,
        activities=list(story.activities.values()),
    )
    path = story.folder / "order.pickle"
    path.write_bytes(pickle.dumps(order))
    outside = {name: value for name, value in os.environ.items() if not name.startswith("ZCC_")}
    return subprocess.Popen([*PROGRAM, str(path)], env=outside, stderr=subprocess.PIPE)


def finish(story: Office) -> None:
    for _ in range(3):
        with begin(story) as process:
            _, said = process.communicate(timeout=120)
        if process.returncode == 0:
            return
        assert process.returncode == 3, said.decode()
    raise AssertionError(f"not done after three runs: {story.statuses()}")


def kill_at(story: Office, write: int, when: str) -> bool:
    """Kill an export at its n-th write, which goes through all the same; False where it ended before."""
    story.control("faults", hold_write=write, hold_when=when)
    with begin(story) as process:
        deadline = time.monotonic() + 60
        while not story.crm["held"]:
            if process.poll() is not None:
                story.control("release")
                return False
            assert time.monotonic() < deadline, story.crm
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
    story.control("release")
    return True


def take_all(story: Office) -> None:
    story.take(*(engagement(number) for number in range(COUNT)))


@pytest.mark.parametrize(("write", "when"), [(1, "before"), (2, "after")])
def test_an_export_killed_while_it_writes_ends_with_everything_there_once(
    adapter: CrmAdapter, tmp_path: Path, write: int, when: str
) -> None:
    with office(adapter, tmp_path, people=people(range(6))) as story:
        take_all(story)
        kill_at(story, write, when)
        finish(story)
        assert story.problems() == []


def test_an_export_killed_at_every_write_ends_with_everything_there_once(
    adapter: CrmAdapter, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """Kills go on where the run before was killed: first while records are made, then while they change."""
    kills: Any = pytestconfig.getoption("--kills")
    with office(adapter, tmp_path, people=people(range(6))) as story:
        take_all(story)
        done = 0
        for number in range(kills * 3):
            if done >= kills:
                break
            killed = kill_at(story, 1 + number % 3, ("before", "after")[number % 2])
            done += killed
            if not killed:
                assert story.problems() == []
                story.take(
                    *(
                        with_note(changed(each, subject=f"{each.subject}."), f"Note {number}", note_id=f"n{number}")
                        for each in story.activities.values()
                    )
                )
        assert done >= kills
        finish(story)
        assert story.problems() == []
