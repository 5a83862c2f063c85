"""What single events say: facts with the bytes as received, refreshes, tombstones, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from zcc_pipeline.domain.errors import RecordRejected
from zcc_pipeline.domain.events import PushedEvent, zoom_event
from zcc_pipeline.pipeline.event_facts import Reading, read_event
from zcc_pipeline_tests.published_events import published_events, sample_of
from zcc_pipeline_tests.received import gap, posted, pushed

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def read(event: PushedEvent, *, account_id: str | None = "account") -> Reading:
    return read_event(event, account_id=account_id, timezone=BERLIN, batch_id="b")


def facts_of(reading: Reading) -> dict[str, tuple[str, Any]]:
    """Record id and payload by dataset, without the event itself."""
    return {
        chunk.dataset: (chunk.record_ids[0], json.loads(chunk.payloads[0]))
        for chunk in reading.chunks
        if chunk.dataset != "zoom/events"
    }


@pytest.mark.parametrize("name", [name for name, body in published_events().items() if body])
def test_every_published_sample_is_kept_whole_and_none_is_refused(name: str) -> None:
    body = json.dumps(published_events()[name], indent=1).encode()
    reading = read(zoom_event(body, intake="webhook", received_at=NOW), account_id=None)
    (event,) = [chunk for chunk in reading.chunks if chunk.dataset == "zoom/events"]
    assert bytes(event.payloads[0]) == body
    assert event.shape == name
    assert reading.problem is None
    assert reading.is_known


def test_a_note_lands_with_the_bytes_as_received() -> None:
    raw = b'{ "note_id":"n1","note":"\\u20ac  \\/","engagement_id":"e1" }'
    body = b'{"event":" Engagement_Note_Added","event_ts":1795348800000,"payload":{"account_id":"account","object":'
    reading = read(zoom_event(body + raw + b"}}", intake="websocket", received_at=NOW))
    (note,) = [chunk for chunk in reading.chunks if chunk.dataset == "zoom/notes"]
    assert bytes(note.payloads[0]) == raw
    assert (note.record_ids, note.engagement_ids, note.route) == (["n1"], ["e1"], "websocket")
    assert note.shape == "contact_center.engagement_note_added"
    assert note.as_of == datetime.fromtimestamp(1795348800, UTC)


def test_a_note_makes_its_engagement_due_ten_seconds_later_on_the_day_of_the_account() -> None:
    at = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)  # the 22nd in Berlin
    reading = read(pushed("engagement_note_added", {"note_id": "n1", "engagement_id": "e1"}, at))
    assert reading.refresh is not None
    assert reading.refresh.due_at == at + timedelta(seconds=10)
    assert reading.refresh.day.isoformat() == "2026-11-22"
    (part,) = reading.parts
    assert (part.part_id, part.engagement_id, part.said_at) == ("n1", "e1", at)


def test_a_recording_lands_on_the_day_it_began() -> None:
    reading = read(
        zoom_event(
            json.dumps(sample_of("recording_completed")).encode(), intake="webhook", received_at=NOW
        ), account_id=None
    )  # fmt: skip
    (recording,) = [chunk for chunk in reading.chunks if chunk.dataset == "zoom/recordings"]
    assert recording.occurred_at == ["2022-02-15T08:12:15.986Z"]


def test_an_event_never_speaks_for_a_time_after_it_arrived() -> None:
    late = NOW + timedelta(days=400)
    reading = read(pushed("engagement_ended", {"engagement_id": "e1"}, late, received_at=NOW))
    assert reading.said_at == NOW


@pytest.mark.parametrize(
    ("name", "subject", "dataset"),
    [
        ("recording_permanently_deleted", {"recording_id": "r1"}, "zoom/recordings"),
        ("inbox_message_deleted", {"message_id": "r1", "engagement_id": "e1"}, "zoom/voicemails"),
    ],
)
def test_a_deletion_names_its_record(name: str, subject: dict[str, Any], dataset: str) -> None:
    reading = read(pushed(name, subject, NOW))
    assert reading.tombstone is not None
    assert (reading.tombstone.record_id, reading.tombstone.dataset, reading.tombstone.said_at) == ("r1", dataset, NOW)
    assert (reading.refresh is not None) == ("engagement_id" in subject)


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("engagement_note_added", {"note": "without an id", "engagement_id": "e1"}),
        ("engagement_note_added", {"note_id": "", "engagement_id": "e1"}),
        ("engagement_note_added", {"note_id": 7, "engagement_id": "e1"}),
        ("engagement_disposition_added", {"disposition_id": "d1"}),
        ("recording_completed", {"engagement_id": "e1"}),
        ("recording_deleted", {}),
        ("inbox_message_deleted", {"engagement_id": "e1"}),
    ],
)
def test_an_event_of_the_wrong_shape_is_kept_and_its_fact_refused(name: str, subject: dict[str, Any]) -> None:
    reading = read(pushed(name, subject, NOW))
    assert reading.problem is not None
    assert "without an id" not in reading.problem[1]
    assert [chunk.dataset for chunk in reading.chunks] == ["zoom/events"]
    assert (reading.refresh is not None) == ("engagement_id" in subject)


def test_an_event_of_another_account_is_refused_and_one_that_names_none_is_not() -> None:
    with pytest.raises(RecordRejected, match="another account"):
        read(pushed("engagement_ended", {"engagement_id": "e1"}, NOW, account="foreign"))
    assert read(posted("engagement_closed", "e1", NOW)).refresh is not None


def test_what_is_no_event_is_refused() -> None:
    with pytest.raises(RecordRejected):
        read(zoom_event(b"[1]", intake="webhook", received_at=NOW))


def test_a_gap_is_no_record_and_a_gap_without_times_is_refused() -> None:
    reading = read(gap(NOW, NOW + timedelta(minutes=3)))
    assert reading.chunks == []
    assert reading.gap is not None
    assert reading.gap.ended_at - reading.gap.started_at == timedelta(minutes=3)
    with pytest.raises(RecordRejected):
        read(PushedEvent("gap", NOW, b"k", "connection_gap", NOW, None, None, b'{"from":"yesterday"}'))


def test_an_unknown_event_is_kept_and_leads_to_nothing() -> None:
    reading = read(pushed("engagement_cloned", {"engagement_id": "e1"}, NOW))
    assert not reading.is_known
    assert reading.refresh is None
    assert [chunk.dataset for chunk in reading.chunks] == ["zoom/events"]


@pytest.mark.parametrize(
    ("said", "record_ids"),
    [
        ("Sale", ["e1:name:"]),
        ({"disposition_id": "d1", "disposition_name": "Sale"}, ["e1:d1"]),
        ({"id": "d1", "name": "Sale"}, ["e1:d1"]),
        ([{"dispositionId": "d1"}, {"dispositionName": "Other"}], ["e1:d1", "e1:name:"]),
        ('[{"disposition_id": "d1"}]', ["e1:d1"]),
        ("[not JSON", ["e1:name:"]),
        ("", []),
        ({}, []),
        (None, []),
    ],
)
def test_a_flows_disposition_is_read_in_every_form_seen(said: Any, record_ids: list[str]) -> None:
    reading = read(posted("disposition_saved", "e1", NOW, disposition=said))
    found = [chunk.record_ids[0] for chunk in reading.chunks if chunk.dataset == "zoom/dispositions"]
    assert [each if not each.startswith("e1:name:") else "e1:name:" for each in found] == record_ids
    assert reading.problem is None
    assert len(reading.parts) == len(found)


def test_a_disposition_that_says_nothing_is_refused_and_the_event_kept() -> None:
    reading = read(posted("disposition_saved", "e1", NOW, disposition={"colour": "red"}))
    assert reading.problem == ("zoom/events", "a disposition without id and name")
    assert reading.refresh is not None


def test_a_flows_transcript_lands_as_turns() -> None:
    text = "Ann: Hello\nJo: My bill is wrong"
    reading = read(posted("engagement_closed", "e1", NOW, transcript=text))
    record_id, record = facts_of(reading)["zoom/messaging_transcripts"]
    assert record_id == record["source_id"] == "e1"
    assert [(turn["speaker"], turn["text"]) for turn in record["turns"]] == [
        ("Ann", "Hello"),
        ("Jo", "My bill is wrong"),
    ]
