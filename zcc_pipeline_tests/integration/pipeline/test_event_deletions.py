"""Deletions that are pushed: tombstones for every reader, whether the record was known or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from zcc_pipeline.domain.window import parse_time
from zcc_pipeline.pipeline.events import apply_inbox
from zcc_pipeline_tests.integration.pipeline.pushed_story import (
    arrive,
    now,
    refresh,
    versions,
)
from zcc_pipeline_tests.received import pushed
from zcc_pipeline_tests.story import Story, story

pytestmark = pytest.mark.integration


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Story]:
    with story(tmp_path / "home", days=1, per_day=30) as opened:
        yield opened


def with_recording(told: Story) -> tuple[dict[str, Any], dict[str, Any]]:
    for each in told.closed_engagements():
        for recording in each["recordings"]:
            if recording["is_observable"] and not recording["is_deleted"]:
                return each, recording
    raise AssertionError("the account has no recording")


def with_voicemail(told: Story) -> tuple[dict[str, Any], dict[str, Any]]:
    return next((each, voicemail) for each in told.closed_engagements() for voicemail in each["voicemails"])


def proof_of(told: Story, engagement_id: str, kind: str) -> dict[str, Any]:
    rows = [row for row in versions(told, "zoom/completeness") if row["record_id"] == f"{engagement_id}:{kind}"]
    proof: dict[str, Any] = json.loads(max(rows, key=lambda row: row["as_of"])["payload"])
    return proof


@pytest.mark.slow
def test_a_deleted_recording_is_a_tombstone_for_every_reader(told: Story) -> None:
    engagement, recording = with_recording(told)
    told.pull()
    told.control("delete-recording", recording_id=recording["recording_id"])
    told.pass_days(1 / 1440)
    arrive(told, pushed("recording_deleted", {"recording_id": recording["recording_id"]}, now(told)))
    told.clock.shift += timedelta(seconds=11)

    report = refresh(told)

    assert report.applied.tombstones == 1
    assert report.refreshed.refreshed == 1
    day = parse_time(engagement["start_time"]).date()
    with told.runtime() as runtime:
        table = runtime.lake.latest("zoom/recordings", day, day + timedelta(days=1))
        assert recording["recording_id"] not in table.column("record_id").to_pylist()
    proof = proof_of(told, engagement["engagement_id"], "recording")
    assert proof["status"] == "deleted_at_source"
    assert "an event of its deletion" in proof["evidence"]
    told.build()
    import duckdb

    with duckdb.connect(str(told.home / "analytics.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select is_deleted from engagement_recordings where recording_id = ?", [recording["recording_id"]]
        ).fetchall()
    assert found == [(True,)]


def test_a_deletion_of_a_recording_that_was_never_listed_is_kept(told: Story) -> None:
    arrive(told, pushed("recording_deleted", {"recording_id": "never-listed"}, now(told)))
    refresh(told)
    (row,) = versions(told, "zoom/recordings")
    assert (row["record_id"], row["is_deleted"]) == ("never-listed", True)


@pytest.fixture
def told_more(tmp_path: Path) -> Iterator[Story]:
    """So many engagements that somebody has left a voicemail."""
    with story(tmp_path / "home", days=1, per_day=150) as opened:
        yield opened


@pytest.mark.slow
def test_a_deleted_voicemail_is_a_tombstone_like_a_deleted_recording(told_more: Story) -> None:
    told = told_more
    engagement, voicemail = with_voicemail(told)
    message_id = voicemail["message_id"]
    told.pull()
    told.control("delete-voicemail", message_id=message_id)
    told.pass_days(1 / 1440)
    subject = {"message_id": message_id, "engagement_id": engagement["engagement_id"], "delete_type": "Soft delete"}
    arrive(told, pushed("inbox_message_deleted", subject, now(told)))

    with told.runtime() as runtime:
        assert apply_inbox(runtime).tombstones == 1
        assert [row.engagement_id for row in runtime.state.events.waiting()] == [engagement["engagement_id"]]
        day = parse_time(engagement["start_time"]).date()
        table = runtime.lake.latest("zoom/voicemails", day, day + timedelta(days=1), shapes={"list"})
        assert message_id not in table.column("record_id").to_pylist()
    refresh(told)
    proof = proof_of(told, engagement["engagement_id"], "voicemail")
    assert (proof["status"], proof["reason"]) == ("deleted_at_source", "marked_deleted")
