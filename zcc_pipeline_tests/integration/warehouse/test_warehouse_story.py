"""One account's story in three landings, built after each, then compared with a full refresh of the same lake."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from zcc_pipeline.pipeline.card_data import engagement_number
from zcc_pipeline.warehouse import BuildResult, Marts, Warehouse, WarehouseConfig
from zcc_pipeline_tests.integration.warehouse.lake_files import (
    LakeFiles,
    consumer,
    engagement,
    hours,
    iso,
    note,
    version,
)
from zcc_pipeline_tests.parsed_project import give_parsed_project

pytestmark = [pytest.mark.integration]

ACTIVITY_OF_E2 = "select activity_hash, _load_seq from marts.crm_activities where engagement_id = 'e2'"


@dataclass
class Story:
    warehouse: Warehouse
    lake: LakeFiles
    builds: list[BuildResult]
    after_first: dict[str, list[tuple[Any, ...]]]
    e2_after_second: list[tuple[Any, ...]]
    refreshed: Path

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return read(self.warehouse.config.warehouse_path, query)


def read(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def config_at(home: Path, lake: Path) -> WarehouseConfig:
    return WarehouseConfig(
        warehouse_path=home / "warehouse.duckdb",
        analytics_path=home / "analytics.duckdb",
        lake_url=str(lake),
        scratch_dir=home / "dbt",
        timezone="Europe/Berlin",
    )


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    home = tmp_path_factory.mktemp("story")
    give_parsed_project(home / "zcc")
    lake = LakeFiles(home / "lake")
    warehouse = Warehouse(config_at(home / "zcc", lake.root))
    _first_landing(lake)
    builds = [warehouse.build()]
    after_first = {
        "quarantine": read(
            warehouse.config.warehouse_path, "select dataset, record_id, reason from staging.stg_zoom__quarantine"
        ),
        "flipped": read(
            warehouse.config.warehouse_path, "select talk_seconds from marts.engagements where engagement_id = 'flips'"
        ),
        "customers": read(warehouse.config.warehouse_path, "select customer_id from marts.customers"),
    }
    _second_landing(lake)
    builds.append(warehouse.build())
    e2_after_second = read(warehouse.config.warehouse_path, ACTIVITY_OF_E2)
    _third_landing(lake)
    builds.append(warehouse.build())
    refreshed = home / "refreshed.duckdb"
    shutil.copyfile(warehouse.config.warehouse_path, refreshed)
    full = Warehouse(
        WarehouseConfig(refreshed, home / "x.duckdb", str(lake.root), home / "zcc" / "dbt", timezone="Europe/Berlin")
    )
    builds.append(full.build(full_refresh=True))
    return Story(warehouse, lake, builds, after_first, e2_after_second, refreshed)


def _first_landing(lake: LakeFiles) -> None:
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
    numbers = [engagement_number("e1"), engagement_number("gone")]
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


def _second_landing(lake: LakeFiles) -> None:
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


def _third_landing(lake: LakeFiles) -> None:
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


def test_every_build_succeeds_and_only_the_quarantine_check_fails(story: Story) -> None:
    for build in story.builds:
        assert {node.name for node in build.nodes if node.status not in {"success", "pass"}} <= {
            "no_quarantined_records"
        }
    assert story.builds[0].full_refresh
    assert not story.builds[1].full_refresh
    assert story.builds[1].files_loaded > 15
    assert story.builds[1].days_touched == ("2026-11-02",)
    assert story.builds[1].engagements_touched >= 5


def test_a_full_refresh_gives_the_same_rows_in_every_mart(story: Story) -> None:
    marts = [name for (name,) in story.rows("select table_name from duckdb_tables() where schema_name = 'marts'")]
    assert len(marts) == 17
    with duckdb.connect(str(story.warehouse.config.warehouse_path), read_only=True) as connection:
        connection.execute(f"attach '{story.refreshed}' as refreshed (read_only)")
        for mart in marts:
            ours = f"select columns(lambda c: c <> '_load_seq') from marts.{mart}"
            theirs = f"select columns(lambda c: c <> '_load_seq') from refreshed.marts.{mart}"
            assert connection.execute(f"({ours}) except all ({theirs})").fetchall() == [], mart
            assert connection.execute(f"({theirs}) except all ({ours})").fetchall() == [], mart
            assert connection.execute(f"select count(*) from marts.{mart}").fetchone() != (0,), mart


def test_a_note_edited_and_edited_back_has_every_version_in_its_history(story: Story) -> None:
    rows = story.rows(
        "select version, note, valid_from, valid_to, is_current from marts.note_history where note_id = 'n1' order by 1"
    )
    moments = [hours(at).replace(tzinfo=None) for at in (0.2, 1, 3, 5)]
    assert rows == [
        (1, "draft", moments[0], moments[1], False),
        (2, "A", moments[1], moments[2], False),
        (3, "B", moments[2], moments[3], False),
        (4, "A", moments[3], None, True),
    ]
    assert story.rows(
        "select note, notes_text from marts.engagement_notes join marts.engagements using (engagement_id) "
        "where note_id = 'n1'"
    ) == [("A", "A\n\npushed")]


def test_a_pushed_note_fills_in_until_the_api_shows_it(story: Story) -> None:
    assert story.rows("select note_id from marts.engagement_notes where engagement_id = 'e1' order by 1") == [
        ("n1",),
        ("n2",),
    ]


def test_the_newest_read_decides_which_dispositions_there_are(story: Story) -> None:
    assert story.rows("select disposition_id, disposition_path, position from marts.engagement_dispositions") == [
        ("d1b", ["Sale", "New", "Upsell"], 1)
    ]


def test_the_detail_and_the_list_of_one_engagement_become_one_row(story: Story) -> None:
    assert story.rows("select duration_seconds, transfer_count from marts.engagements where engagement_id = 'e1'") == [
        (660, 0)
    ]
    assert story.rows("select delete_voicemail_days_limit, inbox_name from staging.stg_zoom__inboxes") == [(30, "Main")]


def test_an_older_version_that_arrives_late_changes_nothing(story: Story) -> None:
    assert story.rows(
        "select talk_seconds, is_answered, is_abandoned, voicemail_count from marts.engagements "
        "where engagement_id = 'e2'"
    ) == [(0, False, True, 1)]


def test_a_deleted_engagement_keeps_its_row(story: Story) -> None:
    assert story.rows(
        "select is_deleted_at_source, consumer_id from marts.engagements where engagement_id = 'gone'"
    ) == [(True, "c9")]


def test_a_deleted_recording_keeps_its_row_and_a_stored_one_its_file(story: Story) -> None:
    assert story.rows(
        "select recording_id, is_deleted, file_path, transcript_path from marts.engagement_recordings order by 1"
    ) == [
        ("r1", False, "files/recording/r1", "files/recording_transcript/r1"),
        ("r2", True, None, None),
    ]


def test_texts_of_an_engagement_with_blocked_card_data_do_not_leave(story: Story) -> None:
    query = "select engagement_id, card_data_status from marts.engagements where engagement_id in ('e1', 'e2', 'gone')"
    expected = [("e1", "clean"), ("e2", "clean"), ("gone", "blocked")]
    assert sorted(story.rows(query)) == sorted(read(story.refreshed, query)) == expected
    leaves = "select notes_text, note_versions, transcript_text, recordings from marts.crm_activities"
    assert story.rows(f"{leaves} where engagement_id = 'gone'") == [(None, [], None, [])]


def test_a_blocked_note_is_in_no_mart_and_others_are(story: Story) -> None:
    for mart in ("engagement_notes", "note_history"):
        query = f"select distinct note, card_data_status from marts.{mart} where note_id = 'n9'"
        assert set(story.rows(query)) <= {(None, "blocked")}
        assert story.rows(f"select count(*) from marts.{mart} where note_id = 'n1' and note is null") == [(0,)]
    assert story.rows("select notes_text from marts.engagements where engagement_id = 'gone'") == [(None,)]


def test_an_engagement_whose_notes_nobody_looked_at_is_not_clean(story: Story) -> None:
    proven = f"select {engagement_number('e1')} = cast(md5_number_lower('e1') & {2**63 - 1} as bigint)"
    assert story.rows(proven) == [(True,)]
    query = "select engagement_id from marts.engagements where card_data_status = 'not_scanned'"
    assert story.rows(query) == read(story.refreshed, query) == [("midnight",)]


def test_an_activity_gathers_what_leaves_of_an_engagement(story: Story) -> None:
    ((subject, transcript, recordings, versions),) = story.rows(
        "select subject, transcript_text, list_transform(recordings, lambda one: [one.kind, one.path]), "
        "list_transform(note_versions, lambda one: "
        "[one.note_id, one.version::varchar, one.text, one.is_current::varchar]) "
        "from marts.crm_activities where engagement_id = 'e1'"
    )
    assert subject == "Inbound voice engagement with Jo in Support"
    assert transcript == "Ann: Hello 🙂\nこんにちは"
    assert recordings == [
        ["recording", "files/recording/r1"],
        ["recording_transcript", "files/recording_transcript/r1"],
    ]
    assert versions == [
        ["n1", "1", "draft", "false"],
        ["n1", "2", "A", "false"],
        ["n1", "3", "B", "false"],
        ["n1", "4", "A", "true"],
        ["n2", "1", "pushed", "true"],
    ]


def test_another_address_of_an_agent_reaches_engagements_that_did_not_change(story: Story) -> None:
    """``midnight`` was landed once; only the list of users has changed since."""
    query = "select agent_email, activity_hash from marts.crm_activities where engagement_id = 'midnight'"
    ((address, fingerprint),) = story.rows(query)
    assert address == "ann.new@example.com"
    assert read(story.refreshed, query) == [(address, fingerprint)]


def test_an_activity_that_was_written_again_as_it_was_keeps_its_hash(story: Story) -> None:
    """The third landing brings another wrap-up time, which does not leave."""
    ((fingerprint, load),) = story.rows(ACTIVITY_OF_E2)
    assert story.e2_after_second == [(fingerprint, load - 1)]


def test_a_type_that_flips_is_quarantined_until_a_good_version_comes(story: Story) -> None:
    never = ("zoom/engagements", "never", "$.notes is text, not array")
    assert story.after_first["quarantine"] == [never]
    assert story.after_first["flipped"] == [(100,)]
    failed = [node.name for node in story.builds[1].failed_tests]
    assert failed == ["no_quarantined_records"]
    assert story.rows("select dataset, record_id, reason from staging.stg_zoom__quarantine") == [never]
    assert story.rows("select talk_seconds from marts.engagements where engagement_id = 'flips'") == [(120,)]
    assert story.rows("select count(*) from marts.engagements where engagement_id = 'never'") == [(0,)]


def test_fields_that_nobody_declared_are_reported(story: Story) -> None:
    assert story.rows("select dataset, field, records from marts.schema_drift order by 2") == [
        ("zoom/engagements", "queues[].rank", 1),
        ("zoom/engagements", "sentiment", 1),
    ]


def test_customers_merge_over_any_identifier_and_part_again(story: Story) -> None:
    rows = story.rows(
        "select identified_by, consumer_ids, phones, emails, engagement_count, display_name from marts.customers "
        "order by first_engagement_at, engagement_count"
    )
    assert rows == [
        ("phone", ["c1"], ["+12055550101"], None, 2, "Jo B."),
        ("consumer_id+email", ["c7", "c9"], None, ["jo@example.com"], 4, "Jo Bloggs"),
    ]
    ids = story.rows("select distinct customer_id from marts.engagements where customer_id is not null")
    assert len(ids) == 2


def test_turns_timeline_survey_and_calls_reach_their_engagement(story: Story) -> None:
    assert story.rows(
        "select turn, speaker, text, offset_seconds, source_kind from marts.transcript_turns order by 1"
    ) == [
        (1, "Ann", "Hello 🙂", 0.5, "recording"),
        (2, None, "こんにちは", None, "recording"),
    ]
    assert story.rows(
        "select step, event_name, duration_seconds, agent_name, source from marts.engagement_timeline "
        "where engagement_id = 'e1' order by 1"
    ) == [
        (1, "engagement.start", None, None, "events"),
        (2, "agent.answered", 30, "Ann", "events"),
    ]
    assert story.rows(
        "select has_transcript, survey_score, is_recorded_at_source, recording_count, recording_seconds "
        "from marts.engagements where engagement_id = 'e1'"
    ) == [(True, 4.0, True, 2, 180)]


def test_days_are_those_of_the_account(story: Story) -> None:
    assert story.rows("select started_date::varchar from marts.engagements where engagement_id = 'midnight'") == [
        ("2026-11-03",)
    ]
    assert story.rows("select engagements from marts.agent_daily where date = '2026-11-03'") == [(1,)]
    assert story.rows("select kind, status, stored_items from marts.completeness_daily order by 1") == [
        ("notes", "stored", 1),
        ("recording", "stored", 1),
    ]


def test_the_analysts_copy_has_the_marts_with_their_meaning_and_nothing_else(story: Story) -> None:
    first = story.warehouse.publish(force=True)
    assert first.is_published
    again = story.warehouse.publish()
    assert not again.is_published
    marts = Marts(story.warehouse.config.analytics_path)
    assert marts.names() == sorted(marts.names())
    assert len(marts.names()) == 17
    frame = marts.engagements()
    assert "_load_seq" not in frame.columns
    assert len(frame) == marts.engagements(as_="arrow").num_rows == marts.arrow("engagements").num_rows
    assert int(marts.sql("select count(*) as n from customers")["n"][0]) == 2
    assert "customers" in dir(marts)
    for name in marts.names():
        assert marts.describe(name)["meaning"].notna().all(), name
    with pytest.raises(AttributeError, match="there are: agent_daily"):
        marts.nonsense()
    folder = story.warehouse.config.analytics_path.parent
    assert not list(folder.glob("analytics.duckdb.*"))


def test_versions_of_two_writers_count_once(story: Story) -> None:
    assert story.rows(
        "select count(*) from staging.base_zoom__engagements where record_id = 'e1' and shape = 'list'"
    ) == [(1,)]
    assert version("x", "{}", as_of=hours(0))["record_id"] == "x"
