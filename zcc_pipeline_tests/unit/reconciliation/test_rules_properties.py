"""What holds of the rules whatever is known."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zcc_pipeline.domain.completeness import ArtefactKind, Reason, Status
from zcc_pipeline.reconciliation import (
    EngagementFacts,
    InboxFacts,
    RecordingFacts,
    VoiceCallFacts,
    VoicemailFacts,
    evaluate,
)
from zcc_pipeline_tests.examples import of_all
from zcc_pipeline_tests.unit.reconciliation.cases import DAY, END, GRACE, HOUR, facts, read, row

FILES = [
    ArtefactKind.RECORDING,
    ArtefactKind.RECORDING_TRANSCRIPT,
    ArtefactKind.MESSAGING_TRANSCRIPT,
    ArtefactKind.VOICEMAIL,
    ArtefactKind.VOICEMAIL_TRANSCRIPT,
]
flags = st.sampled_from([None, False, True])
moments = st.integers(min_value=-48, max_value=24 * 60).map(lambda hours: END + hours * HOUR)
maybe_moments = st.none() | moments
outcomes = st.sampled_from(["found", "not_found", "no_answer", "scope_missing", "failed"])
reads = st.none() | st.builds(read, outcomes, st.sampled_from(["", "http_status=404"]), moments)
rows = st.builds(
    row,
    st.sampled_from(FILES),
    st.sampled_from(["a", "b", "e1"]),
    st.sampled_from(["wanted", "stored", "failed", "gone"]),
    attempts=st.integers(0, 9),
    next_try_at=maybe_moments,
    first_seen_at=moments,
    reason=st.sampled_from([None, Reason.NOT_READY, Reason.DOWNLOAD_FAILED, Reason.SOURCE_REPORTS_GONE]),
    evidence=st.sampled_from([None, "", "http_status=404"]),
)
ids = st.sampled_from(["a", "b"])
known = st.builds(
    facts,
    ended_at=st.sampled_from([END, END, END, None]),
    channels=st.frozensets(st.sampled_from(["voice", "video", "messaging", "email", "fax"])),
    agents_count=st.none() | st.integers(0, 2),
    talk_duration=st.none() | st.integers(0, 2),
    voice_mail=st.none() | st.integers(0, 2),
    survey_id=st.sampled_from([None, "", "s"]),
    has_transcript_url=st.booleans(),
    notes_count=st.integers(0, 2),
    dispositions_count=st.integers(0, 2),
    last_read_at=maybe_moments,
    is_deleted=st.sampled_from([False, False, False, True]),
    voice_call=st.none() | st.builds(VoiceCallFacts, flags, flags),
    voice_calls_listed=st.booleans(),
    recordings=st.lists(st.builds(RecordingFacts, ids, maybe_moments, st.booleans(), st.booleans()), max_size=2),
    voicemails=st.lists(
        st.builds(
            VoicemailFacts,
            ids,
            maybe_moments,
            st.sampled_from([None, "i", "j"]),
            st.booleans(),
            st.sampled_from([None, "normal", "deleted"]),
            st.booleans(),
        ),
        max_size=2,
    ),
    email_messages=st.integers(0, 2),
    survey_read=reads,
    email_read=reads,
    inboxes=st.dictionaries(
        st.sampled_from(["i", "k"]), st.builds(InboxFacts, flags, st.sampled_from([None, 0, 7, 30])), max_size=2
    ),
    rows=st.lists(rows, max_size=4),
    missing_scopes=st.dictionaries(st.sampled_from(list(ArtefactKind)), st.just("scope"), max_size=1),
)

REASONS_OF: dict[Status, set[Reason | None]] = {
    Status.STORED: {None},
    Status.NONE_RECORDED: {None},
    Status.UNEXPLAINED: {None},
    Status.WAITING: {Reason.NOT_READY, Reason.SETTLING},
    Status.FAILED: {Reason.DOWNLOAD_FAILED, Reason.SCOPE_MISSING},
    Status.DELETED_AT_SOURCE: {Reason.LISTED_THEN_GONE, Reason.MARKED_DELETED},
    Status.MISSING: {Reason.SOURCE_REPORTS_GONE, Reason.SOURCE_RETENTION_PASSED},
    Status.NOT_EXPECTED: {
        Reason.CHANNEL_HAS_NONE,
        Reason.CALL_NOT_RECORDED,
        Reason.NOT_ANSWERED,
        Reason.NO_RECORDING,
        Reason.NO_VOICEMAIL_LEFT,
        Reason.INBOX_TRANSCRIPTION_OFF,
        Reason.SURVEY_NOT_TRIGGERED,
        Reason.SURVEY_NOT_ANSWERED,
    },
}


@given(known, moments)
@settings(max_examples=of_all(120), deadline=None)
def test_there_is_exactly_one_status_per_kind_with_a_reason_of_its_family_and_evidence(
    engagement: EngagementFacts, now: datetime
) -> None:
    statuses = evaluate(engagement, now)

    assert [status.kind for status in statuses] == list(ArtefactKind)
    for status in statuses:
        assert status.reason in REASONS_OF[status.status]
        assert status.evidence
        assert 0 <= status.stored_items <= status.expected_items or status.status is Status.NOT_EXPECTED
        assert (status.status is Status.STORED) <= (status.stored_items == status.expected_items > 0)


@given(known, moments, st.integers(0, 2_000))
@settings(max_examples=of_all(120), deadline=None)
def test_time_alone_never_brings_back_a_wait_and_changes_nothing_that_has_a_reason(
    engagement: EngagementFacts, now: datetime, hours: int
) -> None:
    for before, after in zip(evaluate(engagement, now), evaluate(engagement, now + hours * HOUR), strict=True):
        if before.status is Status.WAITING:
            continue
        if before.status is after.status:
            continue
        if after.status is Status.UNEXPLAINED:
            assert before.evidence.endswith("items)")  # one of several items was waiting behind a worse one
            continue
        # the one thing that age explains: a voicemail older than its inbox keeps it
        assert after.reason is Reason.SOURCE_RETENTION_PASSED
        assert before.kind in (ArtefactKind.VOICEMAIL, ArtefactKind.VOICEMAIL_TRANSCRIPT)


@given(known)
@settings(max_examples=of_all(100), deadline=None)
def test_a_wait_for_the_source_ends_by_itself_and_a_wait_for_a_read_ends_with_the_read(
    engagement: EngagementFacts,
) -> None:
    far = END + timedelta(days=365)
    if engagement.ended_at is None:
        engagement = replace(engagement, ended_at=END)
    reread: dict[str, Any] = {"last_read_at": far}
    if engagement.survey_read is None or engagement.survey_read.outcome in ("not_found", "no_answer"):
        reread["survey_read"] = read("no_answer", "http_status=444", far)

    assert all(status.reason is not Reason.NOT_READY for status in evaluate(engagement, far))
    assert all(status.status is not Status.WAITING for status in evaluate(replace(engagement, **reread), far))


@given(known, moments)
@settings(max_examples=of_all(100), deadline=None)
def test_nothing_is_unexplained_within_a_day_of_the_end_and_what_is_names_what_was_looked_at(
    engagement: EngagementFacts, now: datetime
) -> None:
    for status in evaluate(engagement, now):
        if status.status is Status.UNEXPLAINED:
            assert (
                ("24 h after" in status.evidence)
                or ("not tried since" in status.evidence)
                or ("without evidence" in status.evidence)
            )
            assert status.next_try_at is None
    if not engagement.artefacts and not engagement.recordings and not engagement.voicemails and now < END + GRACE:
        assert all(status.status is not Status.UNEXPLAINED for status in evaluate(engagement, now))


@pytest.mark.slow
def test_fifty_thousand_engagements_are_judged_in_seconds() -> None:
    recordings = [RecordingFacts("a", END, has_transcript_url=True)]
    ledger = {(kind, "a"): row(kind, "a") for kind in (ArtefactKind.RECORDING, ArtefactKind.RECORDING_TRANSCRIPT)}
    engagements = [
        EngagementFacts(
            f"e{number}",
            DAY,
            END,
            frozenset({"voice"}),
            agents_count=1,
            talk_duration=60,
            voice_mail=0,
            notes_count=number % 2,
            last_read_at=END + GRACE,
            recordings=recordings if number % 3 else (),
            voice_call=VoiceCallFacts(recorded=bool(number % 3)),
            artefacts=ledger,
        )
        for number in range(50_000)
    ]
    began = time.process_time()
    cells = sum(len(evaluate(engagement, END + 2 * GRACE)) for engagement in engagements)

    assert cells == 450_000
    assert time.process_time() - began < 15  # about 2.5 s on an idle core
