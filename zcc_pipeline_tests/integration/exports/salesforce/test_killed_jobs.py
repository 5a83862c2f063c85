"""A process killed with SIGKILL while a Bulk job is on its way: the next run asks the job; nothing is there twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from zcc_pipeline_tests.integration.exports.engagements import engagement
from zcc_pipeline_tests.integration.exports.office import office
from zcc_pipeline_tests.integration.exports.salesforce.adapter import ADAPTER
from zcc_pipeline_tests.integration.exports.test_every_crm_killed import finish, kill_at

pytestmark = pytest.mark.integration

COUNT = 2_000
"""From so many on a job is used."""


@pytest.mark.slow
@pytest.mark.parametrize("write", [1, 2, 3], ids=["opened", "filled", "begun"])
def test_an_export_killed_during_a_job_ends_with_every_engagement_there_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    monkeypatch.setattr("zcc_pipeline_tests.integration.exports.test_every_crm_killed.BATCH", COUNT)
    with office(ADAPTER, tmp_path) as story:
        story.take(*(replace(engagement(number), transcript_text=None) for number in range(COUNT)))
        assert kill_at(story, write, "after")
        finish(story)
        assert story.problems() == []
        assert story.crm["changes"]["created"] == COUNT
        assert story.crm["by_route"]["POST /services/data/{version}/jobs/ingest"] == 2
