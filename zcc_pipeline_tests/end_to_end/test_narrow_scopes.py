"""A token that may list recordings only queue by queue brings the same recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.pipeline.refresh import refresh
from zcc_pipeline.simulator.zoom.operations import all_scopes
from zcc_pipeline_tests.story import Story, story

pytestmark = pytest.mark.integration

NARROW = all_scopes() - frozenset(DATASETS["zoom/recordings"].listing.scopes)


def landed_recordings(told: Story) -> set[str]:
    with told.runtime() as runtime:
        rows = runtime.lake.latest("zoom/recordings", told.days[0], told.days[-1], columns=["record_id"])
        return set(rows.column("record_id").to_pylist())


def test_recordings_come_queue_by_queue_where_the_account_may_not_be_listed(tmp_path: Path) -> None:
    with story(tmp_path / "home", days=1, per_day=60, scopes=NARROW) as told:
        report = told.pull(only=("zoom/queues", "zoom/engagements", "zoom/recordings"))
        assert report.problems == []
        narrow = landed_recordings(told)
    with story(tmp_path / "wide", days=1, per_day=60) as told:
        told.pull(only=("zoom/engagements", "zoom/recordings"))
        assert narrow == landed_recordings(told) != set()


def test_an_engagement_is_refreshed_though_its_recordings_may_not_be_listed(tmp_path: Path) -> None:
    with story(tmp_path / "home", days=1, per_day=30, scopes=NARROW) as told:
        recorded = next(entry for entry in told.closed_engagements() if entry["recordings"])
        with told.runtime() as runtime:
            report = refresh(runtime, [recorded["engagement_id"]])
        assert (report.refreshed, report.failed) == (1, 0)
