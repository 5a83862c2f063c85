"""Coverage and the time of proof reach the marts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from zcc_pipeline.domain.completeness import Status
from zcc_pipeline.pipeline.build import build
from zcc_pipeline.pipeline.coverage import land_coverage, read_coverage
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.reconciliation import Expected, Pushed, compare
from zcc_pipeline.reconciliation.coverage import ENGAGEMENT_ENDED, FLOW_CLOSED, NOTE_ADDED
from zcc_pipeline_tests.unit.pipeline.homes import NOW, days_ago, land_proof, list_day, open_home

pytestmark = pytest.mark.integration

DAY = days_ago(1)
THEN = datetime(DAY.year, DAY.month, DAY.day, 9, tzinfo=UTC)


def ask(runtime: Runtime, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(runtime.config.warehouse.warehouse_path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def cover(runtime: Runtime, *, lost: int) -> None:
    """Three engagements, ``lost`` of them without their event; notes that nobody subscribed; one flow event."""
    ids = ["a", "b", "c"]
    expected = [Expected(event, one, one, DAY, THEN) for event in (ENGAGEMENT_ENDED, NOTE_ADDED) for one in ids]
    pushed = [Pushed(ENGAGEMENT_ENDED, one, one, DAY, THEN, "webhook", 1.5) for one in ids[lost:]]
    pushed.append(Pushed(FLOW_CLOSED, "x", "x", DAY, THEN, "flow", 4))
    first_seen = {ENGAGEMENT_ENDED: DAY, FLOW_CLOSED: DAY}
    land_coverage(runtime, compare(expected, pushed, first_seen=first_seen))


@pytest.mark.slow
def test_coverage_and_the_time_of_proof_follow_what_is_reconciled(tmp_path: Path) -> None:
    with open_home(tmp_path) as runtime:
        cover(runtime, lost=2)
        land_proof(runtime, "a", Status.STORED, day=DAY)
        list_day(runtime, "zoom/completeness", DAY)
        assert build(runtime).failed_tests == ()
        numbers = "expected, pushed, matched, only_polled, only_pushed, is_subscribed, coverage, webhook_p50_seconds"
        ordered = f"select event, {numbers}, flow_events from marts.webhook_coverage_daily order by event"
        assert ask(runtime, ordered) == [
            (ENGAGEMENT_ENDED, 3, 1, 1, 2, 0, True, 1 / 3, 1.5, 0),
            (NOTE_ADDED, 3, 0, 0, 3, 0, False, None, None, 0),
            (FLOW_CLOSED, 0, 1, 0, 0, 1, True, None, None, 1),
        ]
        proven = "select date, verified_at at time zone 'UTC' from marts.completeness_daily"
        assert [(day, at.astimezone(UTC)) for day, at in ask(runtime, proven)] == [(DAY, NOW)]

        files = len(runtime.lake.files("zoom/coverage"))
        cover(runtime, lost=2)
        assert len(runtime.lake.files("zoom/coverage")) == files
        cover(runtime, lost=0)
        later = NOW + timedelta(days=1)
        runtime.warehouse.build(verified_days={DAY: later})
        assert ask(runtime, ordered)[0][1:4] == (3, 3, 3)
        assert [at.astimezone(UTC) for _, at in ask(runtime, proven)] == [later]
        assert [line.both for line in read_coverage(runtime, DAY, DAY)] == [3, 0, 0]
