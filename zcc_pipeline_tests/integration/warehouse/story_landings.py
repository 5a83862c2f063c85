"""What lands in the three days of one account's story: edits, late and old versions, deletions, customers who meet."""

from __future__ import annotations

import json
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

from zcc_pipeline.pipeline.card_data import engagement_numbers
from zcc_pipeline_tests.integration.warehouse.lake_files import (
    LakeFiles,
    consumer,
    engagement,
    hours,
    iso,
    note,
)


def first_landing(lake: LakeFiles) -> None:
    lake.engagement(
        "e1",
        as_of=hours(1),
        notes=[note("n1", "A", modified=hours(0.5))],
        dispositions=[{"disposition_id": "d1", "disposition_name": "Sale"}],
        consumers=consumer("c1", "+12055550101", "Jo"),
    )
    lake.engagement("e2", as_of=hours(1), agents=[], talk_duration=0, consumers=consumer("", "(205) 555-0101", "Jo B."))
    lake.engagement(
        "gone", as_of=hours(1), consumers=consumer("c9", "", "Old"), notes=[note("n9", "paid", modified=hours(0.5))]
    )
    lake.land(
        "card_data",
        "zoom/notes:n9:1",
        {
            "engagement_id": "gone",
            "dataset": "zoom/notes",
            "record_id": "n9",
            "version": "1",
            "status": "blocked",
            "findings": [{"rule": "card_number"}],
        },
        as_of=hours(1),
        engagement_id="gone",
    )
    numbers = engagement_numbers(["e1", "gone"]).tolist()
    for dataset in ("zoom/notes", "zoom/recording_transcripts"):
        proof = {"dataset": dataset, "status": "looked_at", "engagement_numbers": numbers}
        lake.land("card_data", f"{dataset}:2026", proof, as_of=hours(1))
    lake.engagement(  # 23:36 UTC: already the next day in Berlin
        "midnight", as_of=hours(16), start=hours(14.6), notes=[note("n8", "late", modified=hours(15))]
    )
    lake.land("engagements", "flips", engagement("flips", talk_duration=100), as_of=hours(1), engagement_id="flips")
    lake.land(
        "engagements", "never", engagement("never", notes="none"), as_of=hours(1), engagement_id="never"
    )  # an array that is a text
    lake.land(
        "engagements",
        "drifts",
        engagement("drifts", sentiment="good", queues=[{"cc_queue_id": "q2", "rank": 1}]),
        as_of=hours(1),
    )
    lake.land(
        "queues",
        "q1",
        {"cc_queue_id": "q1", "queue_name": "Support", "channel": "voice", "agents_count": 4},
        as_of=hours(0),
    )
    lake.land("users", "u1", {"user_id": "u1", "display_name": "Ann", "user_email": "ann@example.com"}, as_of=hours(0))
    lake.land("inboxes", "i1", {"inbox_id": "i1", "inbox_name": "Main", "inbox_type": "voicemail"}, as_of=hours(0))
    lake.land("disposition_catalogue", "d1", {"disposition_id": "d1", "disposition_name": "Sale"}, as_of=hours(0))
    _land_coverage(lake, both=3, as_of=hours(0))
    for kind, status in (("recording", "waiting"), ("notes", "stored")):
        _completeness(lake, "e1", kind, status, at=1)


def _land_coverage(lake: LakeFiles, *, both: int, as_of: datetime) -> None:
    event = "contact_center.engagement_ended"
    speed = {"events": both, "p50_seconds": 1.5, "p95_seconds": 4.0, "max_seconds": 9.0}
    coverage = {
        "day": "2026-11-02",
        "event": event,
        "occurred_at": "2026-11-02T00:00:00Z",
        "expected": 5,
        "pushed": both,
        "both": both,
        "only_polled": 5 - both,
        "only_pushed": 0,
        "is_subscribed": True,
        "timing": {"webhook": speed, "websocket": None, "flow": None},
    }
    lake.land("coverage", f"2026-11-02:{event}", coverage, as_of=as_of)


def second_landing(lake: LakeFiles) -> None:
    _the_first_engagement_is_edited(lake)
    _what_is_old_deleted_or_of_another_type_comes(lake)
    _catalogues_and_media_come(lake)
    _customers_meet(lake)


def _the_first_engagement_is_edited(lake: LakeFiles) -> None:
    _land_coverage(lake, both=5, as_of=hours(3))
    # the note is edited, then edited back; the disposition is chosen anew; a longer detail of the same engagement
    lake.engagement(
        "e1",
        as_of=hours(3),
        notes=[note("n1", "B", modified=hours(2))],
        consumers=consumer("c1", "+12055550101", "Jo"),
        dispositions=[{"disposition_id": "d1b", "disposition_name": "Upsell"}],
    )
    lake.engagement(
        "e1",
        as_of=hours(5),
        shape="detail",
        notes=[note("n1", "A", modified=hours(4))],
        consumers=consumer("c1", "+12055550101", "Jo"),
        dispositions=[{"disposition_id": "d1b", "disposition_name": "Upsell"}],
        duration=660,
        events=[
            {"event_type": "Agent Talking", "start_time": iso(hours(0)), "duration": 5, "user_display_name": "Ann"}
        ],
    )


def _what_is_old_deleted_or_of_another_type_comes(lake: LakeFiles) -> None:
    # older than what is known: it must change nothing but the history
    lake.land(
        "notes",
        "n1",
        note("n1", "draft", modified=hours(0.1)),
        as_of=hours(0.2),
        engagement_id="e1",
        shape="contact_center.engagement_note_added",
        route="webhook",
    )
    lake.land("engagements", "e2", engagement("e2", talk_duration=999), as_of=hours(0.1), engagement_id="e2")
    lake.land("engagements", "gone", "{}", as_of=hours(4), engagement_id="gone", is_deleted=True)
    # the type flips and the older version stays
    lake.land("engagements", "flips", engagement("flips", talk_duration="00:02"), as_of=hours(2), engagement_id="flips")


def _catalogues_and_media_come(lake: LakeFiles) -> None:
    lake.land(
        "disposition_catalogue",
        "d1",
        {
            "disposition_id": "d1",
            "disposition_name": "Sale",
            "disposition_type": "multi_level",
            "sub_dispositions": [
                {"sub_disposition_id": "d1a", "sub_disposition_name": "New", "current_index": 1, "parent_index": 0},
                {"sub_disposition_id": "d1b", "sub_disposition_name": "Upsell", "current_index": 2, "parent_index": 1},
            ],
        },
        as_of=hours(2),
        shape="detail",
    )
    lake.land(
        "inboxes",
        "i1",
        {"inbox_id": "i1", "voicemail": {"delete_voicemail_days_limit": 30, "voicemail_transcription": False}},
        as_of=hours(1),
        shape="detail",
    )
    # a pushed note that the API does not show yet
    lake.land(
        "notes",
        "n2",
        note("n2", "pushed", modified=hours(5)),
        as_of=hours(5.1),
        engagement_id="e1",
        shape="contact_center.engagement_note_added",
        route="webhook",
    )
    _recording(lake, "r1", "e1", at=2)
    _recording(lake, "r2", "e1", at=2)
    _file(lake, "recording", "r1", "e1", at=2)
    lake.land(
        "voicemails",
        "v1",
        {
            "message_id": "v1",
            "inbox_id": "i1",
            "engagement_id": "e2",
            "created_at": iso(hours(0.1)),
            "message_duration": 20,
            "status": "normal",
        },
        as_of=hours(2),
        engagement_id="e2",
    )


def _customers_meet(lake: LakeFiles) -> None:
    # a person who writes from the address of a phone customer: two customers of the first build become one
    lake.engagement(
        "mail",
        as_of=hours(3),
        channels=[{"channel": "email", "channel_source": "email_address"}],
        consumers=consumer("c7", "", "Jo"),
        start=hours(1),
    )
    lake.engagement(
        "mail2",
        as_of=hours(3),
        channels=[{"channel": "email", "channel_source": "email_address"}],
        consumers=consumer("c9", "", "Old"),
        start=hours(2),
    )
    for engagement_id, number in (("mail", 1), ("mail2", 2)):
        lake.land(
            "email_messages",
            f"{engagement_id}:{number}",
            {
                "sent_time": iso(hours(1)),
                "from_type": "customer",
                "from_address": {"name": "Jo", "address": "Jo@Example.com"},
                "text": "Hi",
            },
            as_of=hours(3),
            engagement_id=engagement_id,
        )
    lake.engagement("joins", as_of=hours(3), consumers=consumer("c7", "205-555-0101", "Jo Bloggs"), start=hours(3))
    _completeness(lake, "e1", "recording", "stored", at=3)


def third_landing(lake: LakeFiles) -> None:
    _the_first_engagement_is_transcribed(lake)
    _its_events_come(lake)
    _silent_changes_and_a_compaction(lake)


def _the_first_engagement_is_transcribed(lake: LakeFiles) -> None:
    # a good version after the flip; the recording disappears; transcripts, survey, events arrive
    lake.land("engagements", "flips", engagement("flips", talk_duration=120), as_of=hours(6), engagement_id="flips")
    lake.land("recordings", "r2", "", as_of=hours(6), engagement_id="e1", is_deleted=True)
    _file(lake, "recording_transcript", "r1", "e1", at=6)
    lake.land(
        "recording_transcripts",
        "r1",
        {
            "source_id": "r1",
            "engagement_id": "e1",
            "occurred_at": iso(hours(0)),
            "path": "p",
            "sha256": "0",
            "format": "vtt",
            "turns": [
                {"turn": 1, "speaker": "Ann", "offset_seconds": 0.5, "duration_seconds": 2, "text": "Hello 🙂"},
                {"turn": 2, "speaker": None, "offset_seconds": None, "duration_seconds": None, "text": "こんにちは"},
            ],
        },
        as_of=hours(6),
        engagement_id="e1",
    )
    lake.land(
        "surveys",
        "e1",
        {
            "survey_id": "s",
            "survey_results": [
                {"question_id": "1", "question_type": 0, "numeric_answer": 4, "answer": "4"},
                {"question_id": "2", "question_type": 7, "answer": "ok"},
            ],
        },
        as_of=hours(6),
        engagement_id="e1",
    )


def _its_events_come(lake: LakeFiles) -> None:
    lake.land(
        "engagement_events",
        "e1",
        {
            "engagement_id": "e1",
            "events": [
                {
                    "event_name": "agent.answered",
                    "start_time": iso(hours(0.1)),
                    "channel": "voice",
                    "event_content": json.dumps(
                        {"duration": 30, "queue_name": "Support", "user_id": "u1", "display_name": "Ann"}
                    ),
                },
                {
                    "event_name": "engagement.start",
                    "start_time": iso(hours(0)),
                    "channel": "voice",
                    "event_content": "not json",
                },
            ],
        },
        as_of=hours(6),
        engagement_id="e1",
    )
    lake.land("voice_calls", "e1", {"engagement_id": "e1", "recorded": True}, as_of=hours(6), engagement_id="e1")
    lake.land(
        "users", "u1", {"user_id": "u1", "display_name": "Ann", "user_email": "Ann.New@example.com"}, as_of=hours(6)
    )


def _silent_changes_and_a_compaction(lake: LakeFiles) -> None:
    # of this engagement something changes that does not leave for a CRM
    silent = {"agents": [], "talk_duration": 0, "wrap_up_duration": 61}
    lake.engagement("e2", as_of=hours(8), consumers=consumer("", "(205) 555-0101", "Jo B."), **silent)
    # what joined two customers is corrected at the source: they are two again
    lake.engagement("joins", as_of=hours(7), consumers=consumer("c7", "", "Jo Bloggs"), start=hours(3))
    # compaction: every file of a day again in one, under a new name
    folder = lake.root / "zoom" / "engagements" / "date=2026-11-02"
    table = pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob("0*.parquet"))])
    pq.write_table(table, folder / "compacted.parquet")


def _recording(lake: LakeFiles, recording_id: str, engagement_id: str, *, at: float) -> None:
    body = {
        "recording_id": recording_id,
        "engagement_id": engagement_id,
        "recording_start_time": iso(hours(0)),
        "recording_duration": 90,
        "channel": "voice",
    }
    lake.land("recordings", recording_id, body, as_of=hours(at), engagement_id=engagement_id)


def _file(lake: LakeFiles, kind: str, source_id: str, engagement_id: str, *, at: float) -> None:
    body = {
        "kind": kind,
        "source_id": source_id,
        "engagement_id": engagement_id,
        "occurred_at": iso(hours(0)),
        "path": f"files/{kind}/{source_id}",
        "size_bytes": 9,
        "sha256": "ab",
        "sha512": "cd",
        "media_type": "audio/wav",
        "stored_at": iso(hours(at)),
    }
    lake.land("files", f"{kind}:{source_id}", body, as_of=hours(at), engagement_id=engagement_id)


def _completeness(lake: LakeFiles, engagement_id: str, kind: str, status: str, *, at: float) -> None:
    body = {
        "engagement_id": engagement_id,
        "kind": kind,
        "status": status,
        "reason": "not_ready" if status == "waiting" else None,
        "evidence": "",
        "expected_items": 1,
        "stored_items": int(status == "stored"),
        "verified_at": iso(hours(at)),
        "next_try_at": None,
        "occurred_at": iso(hours(0)),
    }
    lake.land("completeness", f"{engagement_id}:{kind}", body, as_of=hours(at), engagement_id=engagement_id)
