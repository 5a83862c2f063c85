"""Every status and reason, one line each, with the evidence it must name."""
# ruff: noqa: E501 - the cases read as a table

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from zcc_pipeline.domain.completeness import ArtefactKind, Reason, Status
from zcc_pipeline.reconciliation import InboxFacts, RecordingFacts, VoiceCallFacts, VoicemailFacts, evaluate
from zcc_pipeline_tests.unit.reconciliation.cases import (
    END,
    GRACE,
    HOUR,
    LATE,
    MESSAGING,
    SOON,
    VOICE,
    facts,
    failed,
    gone,
    judge,
    read,
    row,
    wanted,
)

K, S, R = ArtefactKind, Status, Reason
RECORDED, UNRECORDED = VoiceCallFacts(recorded=True), VoiceCallFacts(recorded=False)
REC = RecordingFacts("x", END)
REC_WITH_URL = RecordingFacts("x", END, has_transcript_url=True)
REC_ANNOUNCED = RecordingFacts("x", END, is_deleted=True, is_deletion_announced=True)
REC_DELETED = RecordingFacts("x", END, has_transcript_url=True, is_deleted=True)
VM = VoicemailFacts("x", END, "inbox")
VM_WITH_URL = VoicemailFacts("x", END, "inbox", has_transcript_url=True)
INBOX = {"inbox": InboxFacts(transcription=True, retention_days=30)}
MUTE_INBOX = {"inbox": InboxFacts(transcription=False, retention_days=30)}
AGED = END + timedelta(days=31)

Case = tuple[str, ArtefactKind, dict[str, Any], datetime, Status, Reason | None, str]

RECORDING: list[Case] = [
    ("no spoken channel", K.RECORDING, {"channels": MESSAGING}, SOON, S.NOT_EXPECTED, R.CHANNEL_HAS_NONE, "engagements.channels=messaging"),
    ("deletion announced", K.RECORDING, {"recordings": [REC_ANNOUNCED]}, LATE, S.DELETED_AT_SOURCE, R.LISTED_THEN_GONE, "an event of its deletion"),
    ("deleted at source", K.RECORDING, {"recordings": [REC_DELETED]}, LATE, S.DELETED_AT_SOURCE, R.LISTED_THEN_GONE, "gone from complete listings"),
    ("stored", K.RECORDING, {"recordings": [REC], "rows": [row(K.RECORDING)]}, LATE, S.STORED, None, "sha256=abababababab"),
    ("gone", K.RECORDING, {"recordings": [REC], "rows": [gone(K.RECORDING)]}, LATE, S.MISSING, R.SOURCE_REPORTS_GONE, "http_status=404 code=2801"),
    ("gone without evidence", K.RECORDING, {"recordings": [REC], "rows": [row(K.RECORDING, state="gone")]}, LATE, S.UNEXPLAINED, None, "without evidence"),
    ("failing", K.RECORDING, {"recordings": [REC], "rows": [failed(K.RECORDING)]}, LATE, S.FAILED, R.DOWNLOAD_FAILED, "attempts=3; http_status=503"),
    ("404 so far", K.RECORDING, {"recordings": [REC], "rows": [row(K.RECORDING, state="failed", reason=R.NOT_READY, evidence="http_status=404", next_try_at=LATE)]}, LATE, S.WAITING, R.NOT_READY, "http_status=404"),
    ("wanted", K.RECORDING, {"recordings": [REC], "rows": [wanted(K.RECORDING)]}, SOON, S.WAITING, R.NOT_READY, "recordings: listed"),
    ("wanted and never tried", K.RECORDING, {"recordings": [REC], "rows": [wanted(K.RECORDING)]}, LATE, S.UNEXPLAINED, None, "not tried since 2026-11-10T12:00:00Z"),
    ("listed and never asked for", K.RECORDING, {"recordings": [REC]}, LATE, S.UNEXPLAINED, None, "never asked for"),
    ("not recorded", K.RECORDING, {"voice_call": UNRECORDED}, SOON, S.NOT_EXPECTED, R.CALL_NOT_RECORDED, "voice_calls.recorded=false"),
    ("not recorded, with video", K.RECORDING, {"voice_call": UNRECORDED, "channels": {"voice", "video"}}, LATE, S.UNEXPLAINED, None, "voice_calls.recorded=false; no recording"),
    ("not answered", K.RECORDING, {"agents_count": 0, "talk_duration": 0}, SOON, S.NOT_EXPECTED, R.NOT_ANSWERED, "agents=[]; engagements.talk_duration=0"),
    ("video not answered", K.RECORDING, {"agents_count": 0, "talk_duration": 0, "channels": {"video"}}, SOON, S.NOT_EXPECTED, R.NOT_ANSWERED, "talk_duration=0"),
    ("recorded though nobody answered", K.RECORDING, {"voice_call": RECORDED, "agents_count": 0, "talk_duration": 0}, LATE, S.UNEXPLAINED, None, "voice_calls.recorded=true"),
    ("recorded, soon", K.RECORDING, {"voice_call": RECORDED}, SOON, S.WAITING, R.NOT_READY, "voice_calls.recorded=true"),
    ("recorded, late", K.RECORDING, {"voice_call": RECORDED}, LATE, S.UNEXPLAINED, None, "voice_calls.recorded=true; no recording listed"),
    ("no row in the call log", K.RECORDING, {"voice_calls_listed": True, "agents_count": 1, "talk_duration": 5}, LATE, S.UNEXPLAINED, None, "voice_calls: no row"),
    ("call log not listed", K.RECORDING, {"agents_count": 1, "talk_duration": 0}, LATE, S.UNEXPLAINED, None, "voice_calls: not listed"),
    ("agents not known", K.RECORDING, {"agents_count": None, "talk_duration": 0}, LATE, S.UNEXPLAINED, None, "no recording listed"),
    ("talk not known", K.RECORDING, {"agents_count": 0, "talk_duration": None}, LATE, S.UNEXPLAINED, None, "no recording listed"),
    ("channels not known", K.RECORDING, {"channels": frozenset()}, LATE, S.UNEXPLAINED, None, "engagements.channels empty"),
    ("end not known", K.RECORDING, {"ended_at": None}, LATE, S.WAITING, R.SETTLING, "end time empty"),
]  # fmt: skip
RECORDING_TRANSCRIPT: list[Case] = [
    ("no spoken channel", K.RECORDING_TRANSCRIPT, {"channels": MESSAGING}, LATE, S.NOT_EXPECTED, R.CHANNEL_HAS_NONE, "channels=messaging"),
    ("recording not expected", K.RECORDING_TRANSCRIPT, {"voice_call": UNRECORDED}, LATE, S.NOT_EXPECTED, R.NO_RECORDING, "voice_calls.recorded=false"),
    ("recording deleted", K.RECORDING_TRANSCRIPT, {"recordings": [REC_DELETED]}, LATE, S.DELETED_AT_SOURCE, R.LISTED_THEN_GONE, "listed, then gone"),
    ("stored", K.RECORDING_TRANSCRIPT, {"recordings": [REC], "rows": [row(K.RECORDING_TRANSCRIPT)]}, LATE, S.STORED, None, "file stored"),
    ("failing", K.RECORDING_TRANSCRIPT, {"recordings": [REC_WITH_URL], "rows": [failed(K.RECORDING_TRANSCRIPT)]}, LATE, S.FAILED, R.DOWNLOAD_FAILED, "http_status=503"),
    ("gone", K.RECORDING_TRANSCRIPT, {"recordings": [REC_WITH_URL], "rows": [gone(K.RECORDING_TRANSCRIPT)]}, LATE, S.MISSING, R.SOURCE_REPORTS_GONE, "404"),
    ("no address, soon", K.RECORDING_TRANSCRIPT, {"recordings": [REC]}, SOON, S.WAITING, R.NOT_READY, "recordings.transcript_url empty"),
    ("no address, late", K.RECORDING_TRANSCRIPT, {"recordings": [REC]}, LATE, S.UNEXPLAINED, None, "recordings.transcript_url empty"),
    ("recording listed late", K.RECORDING_TRANSCRIPT, {"recordings": [RecordingFacts("x", LATE)]}, LATE + HOUR, S.WAITING, R.NOT_READY, "transcript_url empty"),
    ("no recording yet", K.RECORDING_TRANSCRIPT, {"voice_call": RECORDED}, SOON, S.WAITING, R.NOT_READY, "no recording listed"),
    ("no recording at all", K.RECORDING_TRANSCRIPT, {"voice_call": RECORDED}, LATE, S.UNEXPLAINED, None, "no recording listed"),
]  # fmt: skip
MESSAGING_TRANSCRIPT: list[Case] = [
    ("no messaging", K.MESSAGING_TRANSCRIPT, {}, SOON, S.NOT_EXPECTED, R.CHANNEL_HAS_NONE, "engagements.channels=voice"),
    ("stored", K.MESSAGING_TRANSCRIPT, {"channels": MESSAGING, "rows": [row(K.MESSAGING_TRANSCRIPT, "e1")]}, LATE, S.STORED, None, "file stored"),
    ("failing", K.MESSAGING_TRANSCRIPT, {"channels": MESSAGING, "has_transcript_url": True, "rows": [failed(K.MESSAGING_TRANSCRIPT, "e1")]}, LATE, S.FAILED, R.DOWNLOAD_FAILED, "503"),
    ("gone", K.MESSAGING_TRANSCRIPT, {"channels": MESSAGING, "rows": [gone(K.MESSAGING_TRANSCRIPT, "e1")]}, LATE, S.MISSING, R.SOURCE_REPORTS_GONE, "404"),
    ("address without file", K.MESSAGING_TRANSCRIPT, {"channels": MESSAGING, "has_transcript_url": True}, SOON, S.WAITING, R.NOT_READY, "transcript_url filled"),
    ("no address, soon", K.MESSAGING_TRANSCRIPT, {"channels": MESSAGING}, SOON, S.WAITING, R.NOT_READY, "engagements.transcript_url empty"),
    ("no address, late", K.MESSAGING_TRANSCRIPT, {"channels": {"voice", "messaging"}}, LATE, S.UNEXPLAINED, None, "engagements.transcript_url empty"),
]  # fmt: skip
VOICEMAIL: list[Case] = [
    ("no voice", K.VOICEMAIL, {"channels": {"video"}}, LATE, S.NOT_EXPECTED, R.CHANNEL_HAS_NONE, "channels=video"),
    ("marked deleted", K.VOICEMAIL, {"voicemails": [VoicemailFacts("x", END, status="deleted")]}, LATE, S.DELETED_AT_SOURCE, R.MARKED_DELETED, "messages.status=deleted"),
    ("voicemail deletion announced", K.VOICEMAIL, {"voicemails": [VoicemailFacts("x", END, "inbox", is_deleted=True, is_deletion_announced=True)], "inboxes": INBOX}, LATE, S.DELETED_AT_SOURCE, R.MARKED_DELETED, "an event of its deletion"),
    ("vanished", K.VOICEMAIL, {"voicemails": [VoicemailFacts("x", END, "inbox", is_deleted=True)], "inboxes": INBOX}, LATE, S.DELETED_AT_SOURCE, R.LISTED_THEN_GONE, "gone from complete listings"),
    ("vanished by age", K.VOICEMAIL, {"voicemails": [VoicemailFacts("x", END, "inbox", is_deleted=True)], "inboxes": INBOX}, AGED, S.MISSING, R.SOURCE_RETENTION_PASSED, "delete_voicemail_days_limit=30"),
    ("vanished by age, stored", K.VOICEMAIL, {"voicemails": [VoicemailFacts("x", END, "inbox", is_deleted=True)], "inboxes": INBOX, "rows": [row(K.VOICEMAIL)]}, AGED, S.DELETED_AT_SOURCE, R.LISTED_THEN_GONE, "listed, then gone"),
    ("vanished, no limit known", K.VOICEMAIL, {"voicemails": [VoicemailFacts("x", END, "inbox", is_deleted=True)]}, AGED, S.DELETED_AT_SOURCE, R.LISTED_THEN_GONE, "listed, then gone"),
    ("stored", K.VOICEMAIL, {"voicemails": [VM], "rows": [row(K.VOICEMAIL)]}, LATE, S.STORED, None, "file stored"),
    ("failing", K.VOICEMAIL, {"voicemails": [VM], "rows": [failed(K.VOICEMAIL)]}, LATE, S.FAILED, R.DOWNLOAD_FAILED, "503"),
    ("gone", K.VOICEMAIL, {"voicemails": [VM], "rows": [gone(K.VOICEMAIL)]}, LATE, S.MISSING, R.SOURCE_REPORTS_GONE, "404"),
    ("none by count", K.VOICEMAIL, {"voice_mail": 0}, SOON, S.NOT_EXPECTED, R.NO_VOICEMAIL_LEFT, "engagements.voice_mail=0"),
    ("none by call log", K.VOICEMAIL, {"voice_call": VoiceCallFacts(inbox=False)}, SOON, S.NOT_EXPECTED, R.NO_VOICEMAIL_LEFT, "voice_calls.inbox=false"),
    ("none by count, sent to the inbox", K.VOICEMAIL, {"voice_mail": 0, "voice_call": VoiceCallFacts(inbox=True)}, LATE, S.NOT_EXPECTED, R.NO_VOICEMAIL_LEFT, "voice_mail=0"),
    ("counted, whatever the call log says", K.VOICEMAIL, {"voice_mail": 1, "voice_call": VoiceCallFacts(inbox=False)}, LATE, S.UNEXPLAINED, None, "engagements.voice_mail=1; no message listed"),
    ("counted, soon", K.VOICEMAIL, {"voice_mail": 1}, SOON, S.WAITING, R.NOT_READY, "engagements.voice_mail=1"),
    ("in the box, late", K.VOICEMAIL, {"voice_call": VoiceCallFacts(inbox=True), "inboxes": INBOX}, LATE, S.UNEXPLAINED, None, "voice_calls.inbox=true"),
    ("counted, older than every inbox keeps", K.VOICEMAIL, {"voice_mail": 2, "inboxes": INBOX}, AGED, S.MISSING, R.SOURCE_RETENTION_PASSED, "engagements.voice_mail=2; no message listed; older than inboxes.delete_voicemail_days_limit=30"),
    ("one inbox keeps longer", K.VOICEMAIL, {"voice_mail": 1, "inboxes": INBOX | {"b": InboxFacts(True, 90)}}, AGED, S.UNEXPLAINED, None, "voice_mail=1"),
    ("one inbox has no known limit", K.VOICEMAIL, {"voice_mail": 1, "inboxes": INBOX | {"b": InboxFacts()}}, AGED, S.UNEXPLAINED, None, "voice_mail=1"),
    ("no inbox known", K.VOICEMAIL, {"voice_mail": 1}, AGED, S.UNEXPLAINED, None, "voice_mail=1"),
    ("nothing known, soon", K.VOICEMAIL, {}, SOON, S.WAITING, R.NOT_READY, "voice_mail empty; voice_calls.inbox unknown"),
    ("nothing known, late", K.VOICEMAIL, {}, LATE, S.UNEXPLAINED, None, "voice_mail empty; voice_calls.inbox unknown"),
]  # fmt: skip
VOICEMAIL_TRANSCRIPT: list[Case] = [
    ("none left", K.VOICEMAIL_TRANSCRIPT, {"voice_mail": 0}, LATE, S.NOT_EXPECTED, R.NO_VOICEMAIL_LEFT, "voice_mail=0"),
    ("no voice", K.VOICEMAIL_TRANSCRIPT, {"channels": MESSAGING}, LATE, S.NOT_EXPECTED, R.CHANNEL_HAS_NONE, "channels=messaging"),
    ("voicemail deleted", K.VOICEMAIL_TRANSCRIPT, {"voicemails": [VoicemailFacts("x", END, status="deleted")]}, LATE, S.DELETED_AT_SOURCE, R.MARKED_DELETED, "status=deleted"),
    ("voicemail gone", K.VOICEMAIL_TRANSCRIPT, {"voicemails": [VM], "rows": [gone(K.VOICEMAIL)]}, LATE, S.MISSING, R.SOURCE_REPORTS_GONE, "404"),
    ("voicemail never listed and too old", K.VOICEMAIL_TRANSCRIPT, {"voice_mail": 1, "inboxes": INBOX}, AGED, S.MISSING, R.SOURCE_RETENTION_PASSED, "limit=30"),
    ("transcription off", K.VOICEMAIL_TRANSCRIPT, {"voicemails": [VM], "inboxes": MUTE_INBOX}, SOON, S.NOT_EXPECTED, R.INBOX_TRANSCRIPTION_OFF, "inboxes.voicemail.voicemail_transcription=false"),
    ("transcription off now, transcript there", K.VOICEMAIL_TRANSCRIPT, {"voicemails": [VM_WITH_URL], "inboxes": MUTE_INBOX, "rows": [row(K.VOICEMAIL_TRANSCRIPT)]}, LATE, S.STORED, None, "file stored"),
    ("failing", K.VOICEMAIL_TRANSCRIPT, {"voicemails": [VM_WITH_URL], "inboxes": INBOX, "rows": [failed(K.VOICEMAIL_TRANSCRIPT)]}, LATE, S.FAILED, R.DOWNLOAD_FAILED, "503"),
    ("no address, soon", K.VOICEMAIL_TRANSCRIPT, {"voicemails": [VM], "inboxes": INBOX}, SOON, S.WAITING, R.NOT_READY, "messages.transcript_url empty"),
    ("no address, late", K.VOICEMAIL_TRANSCRIPT, {"voicemails": [VM], "inboxes": INBOX}, LATE, S.UNEXPLAINED, None, "messages.transcript_url empty"),
    ("inbox not known", K.VOICEMAIL_TRANSCRIPT, {"voicemails": [VM]}, LATE, S.UNEXPLAINED, None, "messages.transcript_url empty"),
    ("voicemail not listed yet", K.VOICEMAIL_TRANSCRIPT, {"voice_mail": 1}, SOON, S.WAITING, R.NOT_READY, "voice_mail=1"),
]  # fmt: skip
EMBEDDED: list[Case] = [
    ("notes there", K.NOTES, {"notes_count": 2}, SOON, S.STORED, None, "engagements.notes=2"),
    ("no notes, never read", K.NOTES, {}, LATE, S.WAITING, R.SETTLING, "engagements.notes=[]; not read yet 24 h after the end"),
    ("no notes, read too early", K.NOTES, {"last_read_at": END + GRACE - HOUR}, LATE, S.WAITING, R.SETTLING, "not read yet"),
    ("no notes, read a day later", K.NOTES, {"last_read_at": END + GRACE}, LATE, S.NONE_RECORDED, None, "engagements.notes=[]; read 24 h after the end"),
    ("dispositions there", K.DISPOSITIONS, {"dispositions_count": 1}, SOON, S.STORED, None, "engagements.dispositions=1"),
    ("no dispositions, read too early", K.DISPOSITIONS, {"last_read_at": SOON}, LATE, S.WAITING, R.SETTLING, "engagements.dispositions=[]"),
    ("no dispositions, read a day later", K.DISPOSITIONS, {"last_read_at": LATE}, LATE, S.NONE_RECORDED, None, "engagements.dispositions=[]"),
    ("no dispositions, end not known", K.DISPOSITIONS, {"last_read_at": LATE, "ended_at": None}, LATE, S.WAITING, R.SETTLING, "dispositions=[]"),
]  # fmt: skip
SURVEY: list[Case] = [
    ("no survey", K.SURVEY, {"survey_id": ""}, SOON, S.NOT_EXPECTED, R.SURVEY_NOT_TRIGGERED, "engagements.survey_id empty"),
    ("answers landed", K.SURVEY, {"survey_id": "s", "survey_read": read("found")}, SOON, S.STORED, None, "survey: found"),
    ("404 read a day later", K.SURVEY, {"survey_id": "s", "survey_read": read("not_found", "http_status=404")}, LATE, S.NOT_EXPECTED, R.SURVEY_NOT_TRIGGERED, "survey: http_status=404"),
    ("444 read a day later", K.SURVEY, {"survey_id": "s", "survey_read": read("no_answer", "http_status=444")}, LATE, S.NOT_EXPECTED, R.SURVEY_NOT_ANSWERED, "survey: http_status=444"),
    ("444 read early", K.SURVEY, {"survey_id": "s", "survey_read": read("no_answer", at=SOON)}, LATE, S.WAITING, R.SETTLING, "survey: no_answer"),
    ("never read", K.SURVEY, {"survey_id": "s"}, LATE, S.WAITING, R.SETTLING, "not read yet"),
    ("read failed", K.SURVEY, {"survey_id": "s", "survey_read": read("failed", "http_status=500")}, LATE, S.FAILED, R.DOWNLOAD_FAILED, "http_status=500"),
    ("read without scope", K.SURVEY, {"survey_id": "s", "survey_read": read("scope_missing", "scope=x")}, LATE, S.FAILED, R.SCOPE_MISSING, "scope=x"),
]  # fmt: skip
EMAIL: list[Case] = [
    ("no e-mail", K.EMAIL_MESSAGES, {}, SOON, S.NOT_EXPECTED, R.CHANNEL_HAS_NONE, "channels=voice"),
    ("landed", K.EMAIL_MESSAGES, {"channels": {"email"}, "email_messages": 3}, SOON, S.STORED, None, "email_messages=3"),
    ("none, soon", K.EMAIL_MESSAGES, {"channels": {"email"}}, SOON, S.WAITING, R.NOT_READY, "email_messages=0"),
    ("none, late", K.EMAIL_MESSAGES, {"channels": {"email"}}, LATE, S.UNEXPLAINED, None, "email_messages=0"),
    ("read failed", K.EMAIL_MESSAGES, {"channels": {"email"}, "email_read": read("failed", "http_status=500")}, LATE, S.FAILED, R.DOWNLOAD_FAILED, "http_status=500"),
]  # fmt: skip
WHOLE: list[Case] = [
    ("scope missing", K.RECORDING, {"missing_scopes": {K.RECORDING: "list_recordings"}}, SOON, S.FAILED, R.SCOPE_MISSING, "token lacks list_recordings"),
    ("scope missing where something is stored", K.RECORDING, {"missing_scopes": {K.RECORDING: "list_recordings"}, "recordings": [REC], "rows": [row(K.RECORDING)]}, SOON, S.FAILED, R.SCOPE_MISSING, "token lacks"),
    ("scope missing that is not needed", K.RECORDING, {"missing_scopes": {K.RECORDING: "list_recordings"}, "channels": MESSAGING}, SOON, S.NOT_EXPECTED, R.CHANNEL_HAS_NONE, "messaging"),
    ("engagement deleted, nothing fetched", K.RECORDING, {"is_deleted": True, "voice_call": RECORDED}, LATE, S.DELETED_AT_SOURCE, R.LISTED_THEN_GONE, "engagements: listed, then gone"),
    ("engagement deleted, stored before", K.RECORDING, {"is_deleted": True, "recordings": [REC], "rows": [row(K.RECORDING)]}, LATE, S.STORED, None, "file stored"),
]  # fmt: skip
CASES = [
    *RECORDING,
    *RECORDING_TRANSCRIPT,
    *MESSAGING_TRANSCRIPT,
    *VOICEMAIL,
    *VOICEMAIL_TRANSCRIPT,
    *EMBEDDED,
    *SURVEY,
    *EMAIL,
    *WHOLE,
]


@pytest.mark.parametrize(
    ("kind", "known", "now", "status", "reason", "evidence"),
    [pytest.param(*case[1:], id=f"{case[1]}: {case[0]}") for case in CASES],
)
def test_each_state_of_knowledge_has_its_status_reason_and_evidence(
    kind: ArtefactKind, known: dict[str, Any], now: datetime, status: Status, reason: Reason | None, evidence: str
) -> None:
    found = judge(kind, facts(**known), now)

    assert (found.status, found.reason) == (status, reason)
    assert evidence in found.evidence
    assert found.verified_at == now


def test_every_status_and_every_reason_that_polling_can_know_is_shown_above() -> None:
    assert {case[4] for case in CASES} == set(Status)
    assert {case[5] for case in CASES} == {*Reason, None} - {Reason.NOT_COLLECTED}


def test_of_several_items_the_worst_counts_and_all_are_summed() -> None:
    recordings = [RecordingFacts(name, END) for name in ("a", "b", "c")]
    rows = [row(K.RECORDING, "a"), failed(K.RECORDING, "b"), wanted(K.RECORDING, "c")]

    found = judge(K.RECORDING, facts(recordings=recordings, rows=rows), SOON)

    assert (found.status, found.expected_items, found.stored_items) == (S.FAILED, 3, 1)
    assert found.evidence == "attempts=3; http_status=503 (1 of 3 items)"
    assert found.next_try_at == END + 2 * HOUR


def test_a_deleted_recording_that_was_stored_before_still_counts_as_stored_item() -> None:
    found = judge(K.RECORDING, facts(recordings=[REC_DELETED], rows=[row(K.RECORDING)]))

    assert (found.status, found.expected_items, found.stored_items) == (S.DELETED_AT_SOURCE, 1, 1)


def test_a_wait_says_until_when() -> None:
    known = facts(voice_call=RECORDED, recordings=[], channels=VOICE)

    assert judge(K.RECORDING, known, SOON).next_try_at == END + GRACE
    assert judge(K.NOTES, known, SOON).next_try_at == END + GRACE


def test_evidence_of_an_unchanged_state_does_not_change_with_time() -> None:
    known = facts(
        recordings=[REC], rows=[row(K.RECORDING)], last_read_at=LATE, survey_id="s", survey_read=read("no_answer")
    )
    later = facts(
        recordings=[REC],
        rows=[row(K.RECORDING)],
        last_read_at=LATE + HOUR,
        survey_id="s",
        survey_read=read("no_answer", at=LATE),
    )

    assert [status.evidence for status in evaluate(known, LATE)] == [
        status.evidence for status in evaluate(later, LATE + timedelta(days=9))
    ]
