"""Lake, files and archive in buckets that keep every version: a purge leaves none of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from zcc_pipeline.archive.erasure import Ground
from zcc_pipeline.archive.ledger import Action, Entry
from zcc_pipeline.archive.naming import object_id_of
from zcc_pipeline.pipeline.archive_verification import verify_archive
from zcc_pipeline.pipeline.archiving import archive_changes
from zcc_pipeline.pipeline.pull import pull
from zcc_pipeline.pipeline.purging import Wish, purge
from zcc_pipeline.settings import open_runtime
from zcc_pipeline_tests.seaweed import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, Seaweed, running_seaweed
from zcc_pipeline_tests.story import settings_for, story

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def versions(seaweed: Seaweed, url: str) -> Iterator[dict[str, Any]]:
    """Every version of everything under a URL, with its bytes."""
    client = seaweed.client()
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for each in page.get("Versions", ()):
            body = client.get_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])["Body"].read()
            yield {"key": each["Key"], "body": body}


def test_what_the_bucket_keeps_is_refused_and_where_that_may_be_lifted_no_version_is_left(tmp_path: Path) -> None:
    (tmp_path / "seaweed").mkdir()
    with (
        running_seaweed(tmp_path / "seaweed") as seaweed,
        story(tmp_path / "home", days=1, per_day=5, settled=False) as told,
    ):
        archive_url = f"{seaweed.new_locked_url()}/archive"
        settings = settings_for(
            told.simulator,
            told.home,
            lake_url=f"{seaweed.new_url()}/lake",
            files_url=f"{seaweed.new_url()}/files",
            archive_url=archive_url,
            s3_endpoint_url=seaweed.endpoint_url,
            s3_region=REGION,
            s3_access_key_id=ACCESS_KEY_ID,
            s3_secret_access_key=SECRET_ACCESS_KEY,
        )
        with open_runtime(settings, clock=told.clock) as runtime:
            pull(runtime, told.days)
            assert archive_changes(runtime).refused == []
            gone = next(entry["engagement_id"] for entry in told.closed_engagements() if entry["notes"])
            object_id = object_id_of("account", gone)
            expired = Entry(Action.EXTEND, "test", "run", object_id=object_id, retain_until=date(2020, 1, 1))
            runtime.archive.ledger.append([expired])
            before = [each for each in versions(seaweed, archive_url) if gone in each["key"]]
            assert before

            kept = purge(runtime, Wish(engagement_ids=(gone,)))
            assert [each.ground for each in kept.refused] == [Ground.STORAGE_LOCK]
            assert [each for each in versions(seaweed, archive_url) if gone in each["key"]] == before

            report = purge(runtime, Wish(engagement_ids=(gone,), bypass_governance=True))
            assert (report.remaining, report.finished) == ([], (gone,))
            assert [each for each in versions(seaweed, archive_url) if gone in each["key"]] == []
            for file in runtime.lake.every_file():
                with runtime.lake.storage.open_input(file.path) as source:
                    assert gone not in str(pq.read_table(source).to_pylist())
            assert not [
                stored.path
                for kind in runtime.files.storage.list_folders("")
                for day in runtime.files.storage.list_folders(kind)
                for stored in runtime.files.storage.list_files(f"{kind}/{day}")
                if gone in stored.path
            ]
            pull(runtime, told.days)
            assert archive_changes(runtime).created == 0
            outcome = verify_archive(runtime.archive, home=tmp_path, clock=runtime.clock, run_id="run-9")
        assert [str(finding) for finding in outcome.first_findings] == []
