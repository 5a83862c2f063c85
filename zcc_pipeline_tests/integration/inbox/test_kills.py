"""SIGKILL in mid load, again and again: what was acknowledged is there, once.

More rounds by one command: ``pytest -m slow -k killed --kills 20``.
"""

from __future__ import annotations

import random

import pytest

from zcc_pipeline.inbox import InboxReader
from zcc_pipeline_tests.integration.inbox.conftest import make_event
from zcc_pipeline_tests.integration.inbox.processes import start

pytestmark = pytest.mark.integration


def _kill_in_mid_load(url: str, first: int, lines: int) -> set[int]:
    """The numbers that were acknowledged before it was killed."""
    process = start("put_until_killed", url, first)
    assert process.stdout is not None
    acknowledged = {int(process.stdout.readline()) for _ in range(lines)}
    process.kill()
    rest, errors = process.communicate()
    assert "Traceback" not in errors
    return acknowledged | {int(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")}


def _check(url: str, acknowledged: set[int]) -> None:
    with InboxReader.open(url) as reader:
        rows = reader.rows([seq for seq, _ in reader.seqs_after(0, 10_000_000)])
        keys = [row.event.dedupe_key for row in rows]
        assert len(keys) == len(set(keys))
        assert {make_event(number).dedupe_key for number in acknowledged} <= set(keys)
        assert all(row.event.body == b"x" * 850 for row in rows)
        if url.startswith("sqlite"):
            assert reader._view.select("PRAGMA integrity_check") == [("ok",)]


def test_a_killed_owner_has_lost_nothing_that_it_acknowledged(inbox_url: str) -> None:
    acknowledged = _kill_in_mid_load(inbox_url, 0, lines=700)
    _check(inbox_url, acknowledged)


@pytest.mark.slow
def test_an_owner_killed_again_and_again_loses_nothing(inbox_url: str, pytestconfig: pytest.Config) -> None:
    dice = random.Random(1)
    acknowledged: set[int] = set()
    for _ in range(pytestconfig.getoption("--kills")):
        first = max(acknowledged, default=0)
        acknowledged |= _kill_in_mid_load(inbox_url, first, lines=dice.randrange(1, 15_000))
        _check(inbox_url, acknowledged)
