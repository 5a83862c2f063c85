"""SIGKILL in the middle of writing: what the store has acknowledged is there afterwards."""

from __future__ import annotations

import json
import os
import signal

import pytest
import sqlalchemy as sa

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.state import StateStore
from zcc_pipeline_tests.integration.state.conftest import DAY
from zcc_pipeline_tests.integration.state.processes import start

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("lines", [3, 80])
def test_every_acknowledged_row_survives_a_kill_and_no_transaction_is_half_there(state_url: str, lines: int) -> None:
    process = start("write_until_killed", state_url)
    assert process.stdout is not None
    acknowledged = [json.loads(process.stdout.readline()) for _ in range(lines)]
    os.kill(process.pid, signal.SIGKILL)
    rest, _ = process.communicate()
    acknowledged += [json.loads(line) for line in rest.splitlines() if line.endswith("}")]

    with StateStore.open(state_url) as store:
        rows = {row.source_id: row for row in store.artefacts.on_days(DAY, DAY)}
        reads = store.reads.get("zoom/surveys", (f"e{line['read']}" for line in acknowledged if "read" in line))
        for line in acknowledged:
            if "wanted" in line:
                assert all(f"r{line['wanted']}-{each}" in rows for each in range(20))
            if "stored" in line:
                assert rows[f"r{line['stored']}-0"].state == "stored"
            if "item" in line:
                assert store.quarantine.get(line["item"]) is not None
                assert f"e{line['read']}" in reads
        assert len(rows) % 20 == 0
        batches = _finished(store)
        assert {line["batch"] for line in acknowledged if "batch" in line} <= batches
        _assert_sound(store)
        assert store.artefacts.get(ArtefactKind.RECORDING, ["r1-1"])


def _finished(store: StateStore) -> set[str]:
    with store._ledgers.read() as connection:
        return set(connection.scalars(sa.text("SELECT batch_id FROM zcc_window WHERE finished_at IS NOT NULL")))


def _assert_sound(store: StateStore) -> None:
    if store._ledgers.is_sqlite:
        with store._ledgers.read() as connection:
            assert connection.scalar(sa.text("PRAGMA integrity_check")) == "ok"
            assert connection.scalar(sa.text("PRAGMA synchronous")) == 2  # FULL
            assert connection.scalar(sa.text("PRAGMA journal_mode")) == "wal"
