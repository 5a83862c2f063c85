"""What is due is read again by whichever way costs fewer calls."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from zcc_pipeline.pipeline.pull import DAILY, pull
from zcc_pipeline.pipeline.refresh import refresh_due
from zcc_pipeline_tests.unit.pipeline.homes import NOW
from zcc_pipeline_tests.unit.pipeline.scripted_zoom import MovedClock, ScriptedZoom, conversation, open_scripted

LISTS = {"engagements", "recordings", "voice_calls", "inboxes/messages"}


@pytest.mark.parametrize(("engagements", "lists"), [(2, set()), (3, LISTS)])
def test_due_engagements_are_read_by_the_cheaper_cover_and_never_with_reference_lists(
    tmp_path: Path, engagements: int, lists: set[str]
) -> None:
    """A chat costs two calls by its id; listing its day costs four."""
    script, clock = ScriptedZoom(), MovedClock()
    for number in range(engagements):
        chat = conversation(f"chat-{number}", started=NOW - timedelta(hours=2), ended=NOW - timedelta(minutes=30))
        script.engagements[f"chat-{number}"] = chat
    with open_scripted(tmp_path, script, clock) as runtime:
        pull(runtime, [NOW.date()], only=DAILY)
        script.calls.clear()
        clock.moment += timedelta(hours=1)
        assert refresh_due(runtime, [NOW.date()]).refreshed == engagements
    names = {path.removeprefix("/contact_center/") for path in script.calls} - {"/oauth/token"}
    assert {name for name in names if not name.startswith("engagements/")} == lists
    assert {name for name in names if name.startswith("engagements/")} == (
        set() if lists else {f"engagements/chat-{number}" for number in range(engagements)}
    )
