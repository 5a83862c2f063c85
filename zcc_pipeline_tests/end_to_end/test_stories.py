"""Stories over days and weeks: what changes late at the source reaches the marts, with its history."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from zcc_pipeline.pipeline.notes_audit import audit_notes
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline_tests.story import Story, story

pytestmark = pytest.mark.integration


def ask(told: Story, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(told.home / "analytics.duckdb"), read_only=True) as connection:
        return connection.execute(sql, list(values)).fetchall()


@pytest.mark.slow
@pytest.mark.acceptance
def test_late_changes_of_all_kinds_reach_the_marts_with_their_history(tmp_path: Path) -> None:
    """One account, five weeks: edits 20 days later, an edit taken back, a deletion, a late closer."""
    with story(tmp_path / "home", days=3, per_day=60) as told:
        told.pull()
        told.build()
        listed = told.closed_engagements()
        noted = [entry for entry in listed if entry["notes"]]
        edited, restored = noted[0]["notes"][0], noted[1]["notes"][0]
        recorded = next(
            entry
            for entry in listed
            if any(item["is_observable"] and not item["is_deleted"] for item in entry["recordings"])
            and entry["artefacts"]["recording"]["status"] == "stored"
        )
        gone = recorded["recordings"][0]["recording_id"]

        told.control("edit-note", note_id=restored["note_id"], text="wrong text")
        told.pass_days(1)
        told.pull()
        told.control("edit-note", note_id=restored["note_id"], text=restored["note"])
        told.control("delete-recording", recording_id=gone)
        told.pass_days(19)
        told.pull()
        told.control("edit-note", note_id=edited["note_id"], text="Twenty days later: solved. ✓ 完了")
        told.pass_days(13)
        told.pull()
        told.pass_days(1)
        told.pull()  # what was absent yesterday and still is has been deleted
        late = told.late_closers([told.days[-1] + timedelta(days=offset) for offset in range(1, 36)])
        told.build()

        note = ask(told, "select note from engagement_notes where note_id = ?", edited["note_id"])
        assert note == [("Twenty days later: solved. ✓ 完了",)]
        history = ask(told, "select note from note_history where note_id = ? order by valid_from", restored["note_id"])
        assert [row[0] for row in history][-3:] == [restored["note"], "wrong text", restored["note"]]
        deleted = ask(told, "select is_deleted from engagement_recordings where recording_id = ?", gone)
        assert deleted == [(True,)]
        assert late.problems == []
        assert told.disagreements() == []


@pytest.mark.slow
@pytest.mark.acceptance
def test_an_engagement_that_closes_three_weeks_after_it_started_arrives(tmp_path: Path) -> None:
    with story(tmp_path / "home", days=30, per_day=12, settled=False) as told:
        told.pull()
        told.build()
        before = {row[0] for row in ask(told, "select engagement_id from engagements")}
        started = {entry["engagement_id"]: entry for entry in told.ask("truth")["engagements"]}
        slow = {
            key
            for key, entry in started.items()
            if not entry["is_closed"] and entry["start_time"][:10] >= told.days[0].isoformat()
        }
        assert slow, "the account has no engagement that stays open"
        assert not slow & before
        told.pass_days(24)
        ended = [told.days[-1] + timedelta(days=offset) for offset in range(26)]
        report = told.late_closers(ended)
        told.build()
        after = {row[0] for row in ask(told, "select engagement_id from engagements")}
        truth = {entry["engagement_id"] for entry in told.ask("truth")["engagements"] if entry["is_closed"]}
        assert slow & truth <= after
        assert report.late_closers >= len(slow & truth)
        weeks = ask(told, "select count(*) from engagements where ended_at - started_at > interval 21 days")
        assert weeks[0][0] >= 1


def test_an_edit_older_than_every_look_back_is_found_by_the_audit_of_notes(tmp_path: Path) -> None:
    with story(tmp_path / "home", days=2, per_day=40) as told:
        told.pull(only=("engagements",))
        note = next(entry for entry in told.closed_engagements() if entry["notes"])["notes"][0]
        told.control("edit-note", note_id=note["note_id"], text="months later")
        told.pass_days(100)
        with told.runtime() as runtime:
            audit = audit_notes(runtime)
            again = audit_notes(runtime)
            day = next(day for day in told.days if _text(runtime, day, note["note_id"]))
            assert _text(runtime, day, note["note_id"]) == "months later"
        assert audit.is_complete
        assert audit.changed >= 1
        assert audit.refreshed.problems == []
        assert again.changed == 0


def _text(runtime: Runtime, day: date, note_id: str) -> str | None:
    rows = [row for row in runtime.lake.latest("zoom/notes", day, day).to_pylist() if row["record_id"] == note_id]
    return json.loads(max(rows, key=lambda row: row["as_of"])["payload"])["note"] if rows else None
