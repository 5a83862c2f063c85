"""What is due is read again by whichever way costs fewer calls."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from zcc_pipeline.domain.completeness import ArtefactKind, Status
from zcc_pipeline.pipeline.pull import DAILY, pull
from zcc_pipeline.pipeline.refresh import refresh_due
from zcc_pipeline.pipeline.status import iter_proofs
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


def test_what_changed_after_the_last_step_is_read_again_a_day_later_until_nothing_changes(tmp_path: Path) -> None:
    script, clock = ScriptedZoom(), MovedClock()
    script.engagements["chat"] = conversation("chat", started=NOW, ended=NOW)
    days = [NOW.date()]
    with open_scripted(tmp_path, script, clock) as runtime:
        pull(runtime, days, only=DAILY)
        clock.moment = NOW + timedelta(hours=25)
        script.engagements["chat"] |= {"notes": [{"note_id": "first", "note": "late"}]}
        found = []
        for _ in range(5):
            found.append(refresh_due(runtime, days).refreshed)
            clock.moment += timedelta(hours=13)
    assert found == [1, 0, 1, 0, 0]


def test_a_survey_without_an_answer_is_asked_for_once_a_day_while_its_day_is_looked_back_at(tmp_path: Path) -> None:
    script, clock = ScriptedZoom(), MovedClock()
    script.engagements["chat"] = conversation("chat", started=NOW, ended=NOW, survey_id="survey")
    asked = "/contact_center/engagements/chat/survey"
    with open_scripted(tmp_path, script, clock) as runtime:
        clock.moment = NOW + timedelta(days=2)
        for _ in range(3):
            pull(runtime, [NOW.date()], only=DAILY)
            clock.moment += timedelta(hours=1)
        assert script.calls[asked] == 1

        clock.moment = NOW + timedelta(days=9)
        script.surveys["chat"] = {"engagement_id": "chat", "survey_id": "survey", "answers": []}
        pull(runtime, [NOW.date()], only=DAILY)
        proofs = {proof.kind: proof.status for _, proof in iter_proofs(runtime, NOW.date(), NOW.date())}
        assert proofs[ArtefactKind.SURVEY] is Status.STORED
        clock.moment += timedelta(days=2)
        pull(runtime, [NOW.date()], only=DAILY)
    assert script.calls[asked] == 2


def test_a_survey_older_than_every_look_back_is_not_asked_for_again(tmp_path: Path) -> None:
    script, clock = ScriptedZoom(), MovedClock()
    script.engagements["chat"] = conversation("chat", started=NOW, ended=NOW, survey_id="survey")
    with open_scripted(tmp_path, script, clock) as runtime:
        for days in (40, 45):
            clock.moment = NOW + timedelta(days=days)
            pull(runtime, [NOW.date()], only=DAILY)
    assert script.calls["/contact_center/engagements/chat/survey"] == 1
