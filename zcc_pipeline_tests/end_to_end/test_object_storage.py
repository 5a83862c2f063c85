"""Lake and files in a bucket, by settings alone; the server is a real one, from a wheel."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from zcc_pipeline.pipeline.build import build, publish
from zcc_pipeline.pipeline.pull import pull
from zcc_pipeline.settings import open_runtime
from zcc_pipeline_tests.seaweed import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, running_seaweed
from zcc_pipeline_tests.story import settings_for, story

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_the_pipeline_works_on_a_bucket_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "seaweed").mkdir()
    with (
        running_seaweed(tmp_path / "seaweed") as seaweed,
        story(tmp_path / "home", days=1, per_day=40) as told,
    ):
        settings = settings_for(
            told.simulator,
            told.home,
            lake_url=f"{seaweed.new_url()}/lake",
            files_url=f"{seaweed.new_url()}/files",
            s3_endpoint_url=seaweed.endpoint_url,
            s3_region=REGION,
            s3_access_key_id=ACCESS_KEY_ID,
            s3_secret_access_key=SECRET_ACCESS_KEY,
        )
        with open_runtime(settings, clock=told.clock) as runtime:
            first = pull(runtime, told.days)
            assert [each for each in first.problems if "downloads failed" not in each] == []
            second = pull(runtime, told.days)
            assert second.days_touched == set()
            build(runtime)
            publish(runtime)
        with duckdb.connect(str(told.home / "analytics.duckdb"), read_only=True) as connection:
            found = {row[0] for row in connection.execute("select engagement_id from engagements").fetchall()}
            turns = connection.execute("select count(*) from transcript_turns").fetchone()
        assert found == {entry["engagement_id"] for entry in told.closed_engagements()}
        assert turns is not None
        assert turns[0] > 0
        assert not (told.home / "lake").exists()
        assert not (told.home / "files").exists()
