from __future__ import annotations

from datetime import timedelta

import pytest

from zcc_pipeline.domain.errors import NotFound
from zcc_pipeline.simulator.zoom.account import views
from zcc_pipeline.simulator.zoom.account.engagement import Engagement, Note
from zcc_pipeline.simulator.zoom.account.expectations import Reader, expectations

BASE = "https://api.zoom.us/v2"
SECOND = timedelta(seconds=1)


def notes_of(item: Engagement, at) -> dict[str, str]:
    return {note["note_id"]: note["note"] for note in views.engagement_item(item, at, BASE)["notes"]}


def edited(month) -> list[tuple[Engagement, Note]]:
    return [(item, note) for item in month.engagements for note in item.notes if len(note.versions) > 1]


def test_an_engagement_is_listed_seconds_to_a_minute_after_its_end(month):
    for item in month.engagements[::50]:
        assert SECOND < item.visible_at - item.end <= timedelta(seconds=60)
        window = (item.start, item.start)
        assert item not in month.closed_engagements(*window, item.end)
        assert item not in month.closed_engagements(*window, item.visible_at - SECOND)
        assert item in month.closed_engagements(*window, item.visible_at)
        assert item in month.closed_by_end(item.end, item.end, item.visible_at)


def test_windows_include_both_ends_and_nothing_beyond(month):
    item = month.recordings[len(month.recordings) // 2]
    late = month.opened_at
    assert item in month.recordings_between(item.start, item.start, item.listed_at)
    assert item not in month.recordings_between(item.start + SECOND, late, item.listed_at)
    assert item not in month.recordings_between(late - timedelta(days=90), item.start - SECOND, item.listed_at)
    assert item in month.recordings_between(item.end, item.end, item.listed_at, by_end=True)
    call = next(each for each in month.engagements if each.call is not None and each.call.has_row)
    assert call in month.voice_calls_between(call.start, call.start, call.visible_at)
    message = month.voicemails[0]
    assert message in month.messages_between(message.created_at, message.created_at, message.listed_at)
    assert message not in month.messages_between(message.created_at, message.created_at, message.listed_at - SECOND)


def test_recordings_are_listed_minutes_and_transcripts_up_to_two_hours_after_their_end(month):
    for item in month.recordings:
        assert timedelta(minutes=1) <= item.listed_at - item.end <= timedelta(minutes=8)
        if item.transcript_at is not None:
            assert timedelta(0) <= item.transcript_at - item.listed_at
            assert item.transcript_at - item.end <= timedelta(hours=2)
            before, after = (
                views.recording(item, at, BASE) for at in (item.transcript_at - SECOND, item.transcript_at)
            )
            assert before["transcript_url"] == ""
            assert after["transcript_url"].startswith(BASE)
    assert (
        sum(item.transcript_at - item.end > timedelta(minutes=30) for item in month.recordings if item.transcript_at)
        > 100
    )


def test_messaging_transcripts_come_after_the_engagement_is_listed(month):
    chats = [item for item in month.engagements if item.transcript_at is not None]
    assert all(item.transcript_at >= item.visible_at for item in chats)
    assert all(item.transcript_at - item.end <= timedelta(hours=2) for item in chats)
    first = chats[0]
    assert views.engagement_item(first, first.transcript_at - SECOND, BASE)["transcript_url"] == ""
    assert views.engagement_item(first, first.transcript_at, BASE)["transcript_url"].endswith(first.engagement_id)


def test_wrap_up_notes_can_miss_the_read_at_disposition_time(month):
    raced = 0
    for item in month.engagements:
        if item.notes and item.dispositions and item.notes[0].versions[0].since > item.visible_at:
            at = max(item.visible_at, item.dispositions[0].since)
            row = views.engagement_item(item, at, BASE)
            raced += bool(row["dispositions"]) and not row["notes"]
    assert raced > 100


def test_a_note_edited_about_twenty_days_later_shows_old_then_new_text(month):
    late = [
        (item, note)
        for item, note in edited(month)
        if note.versions[1].since - note.versions[0].since > timedelta(days=18)
    ]
    assert late
    for item, note in late:
        old, new = note.versions
        assert timedelta(days=18) < new.since - old.since < timedelta(days=22)
        assert notes_of(item, new.since - SECOND)[note.note_id] == old.text
        assert notes_of(item, new.since)[note.note_id] == new.text != old.text


def test_some_notes_are_edited_and_edited_back(month):
    back = [note for _, note in edited(month) if len(note.versions) == 3]
    assert back
    for note in back:
        first, second, third = note.versions
        assert first.text == third.text != second.text
        assert first.since < second.since < third.since


def test_some_recordings_are_deleted_at_source_days_later(month):
    deleted = [item for item in month.recordings if item.deleted_at is not None]
    assert 0.002 < len(deleted) / len(month.recordings) < 0.02
    for item in deleted:
        assert timedelta(days=5) <= item.deleted_at - item.end <= timedelta(days=25)
        assert item in month.recordings_between(item.start, item.start, item.deleted_at - SECOND)
        assert item not in month.recordings_between(item.start, item.start, item.deleted_at)


def test_voicemails_turn_deleted_and_go_when_their_retention_is_over(month):
    marked = next(item for item in month.voicemails if item.marked_deleted_at is not None)
    statuses = [
        views.inbox_message(marked, at, BASE)["status"]
        for at in (marked.marked_deleted_at - SECOND, marked.marked_deleted_at)
    ]
    assert statuses == ["normal", "deleted"]
    assert marked.is_listed(marked.marked_deleted_at)
    for item in month.voicemails:
        assert item.removed_at - item.created_at == timedelta(days=30)
        assert not item.is_listed(item.removed_at)


def test_most_survey_answers_come_within_a_day_of_the_end_and_a_few_only_days_later(month):
    answered = [item for item in month.engagements if item.survey is not None and item.survey.answered_at is not None]
    late = [item for item in answered if item.survey.answered_at - item.end > timedelta(hours=24)]
    assert 0 < len(late) < len(answered) / 5
    for item in late:
        assert timedelta(days=2) <= item.survey.answered_at - item.end < timedelta(days=14)
    for item in answered:
        assert item in late or timedelta(0) < item.survey.answered_at - item.end < timedelta(hours=19)
        assert views.survey(item, item.survey.answered_at - SECOND) is None
        assert views.survey(item, item.survey.answered_at) is not None


def test_a_survey_answered_days_later_was_not_answered_until_then(month):
    survey = next(
        item
        for item in month.engagements
        if item.survey and item.survey.answered_at and item.survey.answered_at - item.end > timedelta(days=2)
    )
    moments = (survey.end + timedelta(hours=24), survey.survey.answered_at - SECOND, survey.survey.answered_at)
    found = [expectations(survey, Reader(survey.start, at, timedelta(days=30)))["survey"] for at in moments]
    assert [each.status for each in found] == ["not_expected", "not_expected", "stored"]


def test_only_the_accounts_own_time_moves_and_never_back(account, opened):
    assert account.now() == account.opened_at == opened
    assert account.advance(timedelta(days=2)) == opened + timedelta(days=2) == account.now()
    assert account.opened_at == opened
    with pytest.raises(ValueError, match="never goes back"):
        account.advance(timedelta(seconds=-1))


def test_a_note_edited_by_hand_holds_from_now_on_and_a_scheduled_edit_still_follows(account):
    item, note = next(
        (item, note)
        for item in account.engagements
        if item.is_closed(account.now())
        for note in item.notes
        if len(note.versions) == 2 and note.versions[1].since > account.now()
    )
    before, scheduled = account.now() - SECOND, note.versions[1]
    account.edit_note(item.engagement_id, note.note_id, "by hand")
    assert notes_of(item, before)[note.note_id] == note.versions[0].text
    assert notes_of(item, account.now())[note.note_id] == "by hand"
    assert notes_of(item, scheduled.since)[note.note_id] == scheduled.text


def test_a_note_added_by_hand_is_there_from_now_on(account):
    item = next(item for item in account.engagements if item.is_closed(account.now()) and not item.notes)
    note_id = account.add_note(item.engagement_id, "late thought")
    assert notes_of(item, account.now()) == {note_id: "late thought"}
    assert notes_of(item, account.now() - SECOND) == {}
    assert (item, item.notes[0]) in account.notes_at(account.now())


def test_a_recording_deleted_by_hand_is_gone_from_now_on(account):
    item = next(item for item in account.recordings if item.is_listed(account.now()))
    account.delete_recording(item.recording_id)
    assert not item.is_listed(account.now())
    assert item.is_listed(account.now() - SECOND)
    first = item.deleted_at
    account.advance(timedelta(days=1))
    account.delete_recording(item.recording_id)
    assert item.deleted_at == first


def test_a_voicemail_deleted_by_hand_says_so(account):
    item = next(item for item in account.voicemails if not item.is_marked_deleted(account.now()))
    account.mark_voicemail_deleted(item.message_id)
    assert views.inbox_message(item, account.now(), BASE)["status"] == "deleted"


def test_changes_of_unknown_things_are_refused_with_zooms_codes(account):
    item = account.engagements[0]
    for change, code in (
        (lambda: account.edit_note("nobody", "n", "t"), 2901),
        (lambda: account.edit_note(item.engagement_id, "nobody", "t"), 2701),
        (lambda: account.add_note("nobody", "t"), 2901),
        (lambda: account.delete_recording("nobody"), 2801),
        (lambda: account.mark_voicemail_deleted("nobody"), 3002),
    ):
        with pytest.raises(NotFound) as refused:
            change()
        assert (refused.value.http_status, refused.value.code) == (404, code)
