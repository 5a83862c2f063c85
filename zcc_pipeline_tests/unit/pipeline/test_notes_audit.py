"""The audit of all notes goes on whatever one of them holds."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from zcc_pipeline.pipeline.notes_audit import audit_notes
from zcc_pipeline_tests.unit.pipeline.homes import NOW, days_ago, land
from zcc_pipeline_tests.unit.pipeline.scripted_zoom import MovedClock, ScriptedZoom, conversation, open_scripted

CHANGED = "2026-11-20T08:00:00Z"


def test_a_note_that_cannot_be_read_is_counted_and_stops_no_audit(tmp_path: Path) -> None:
    script = ScriptedZoom()
    chat = conversation("chat", started=NOW - timedelta(days=2), ended=NOW - timedelta(days=2))
    script.engagements["chat"] = chat
    script.notes = [
        {"note_id": "edited", "engagement_id": "chat", "last_modified_time": CHANGED},
        {"note_id": "odd", "engagement_id": "chat", "last_modified_time": "some day"},
    ]
    with open_scripted(tmp_path, script, MovedClock()) as runtime:
        land(runtime, "zoom/notes", "flipped", {"last_modified_time": {"at": 1}}, day=days_ago(2), shape="list")
        land(runtime, "zoom/notes", "soon", {"last_modified_time": "soon"}, day=days_ago(2), shape="list")
        land(runtime, "zoom/notes", "edited", {"last_modified_time": "soon"}, day=days_ago(2), shape="list")
        audit = audit_notes(runtime)
    assert (audit.is_complete, audit.notes_listed, audit.unreadable) == (True, 2, 4)
    assert (audit.changed, audit.refreshed.refreshed) == (1, 1)
