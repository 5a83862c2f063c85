"""One account's story in three landings, built after each, then compared with a full refresh of the same lake."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.pipeline.card_data import engagement_numbers
from zcc_pipeline.warehouse import BuildResult, Marts, Warehouse, WarehouseConfig
from zcc_pipeline_tests.integration.warehouse.lake_files import (
    LakeFiles,
    hours,
    version,
)
from zcc_pipeline_tests.integration.warehouse.story_landings import first_landing, second_landing, third_landing
from zcc_pipeline_tests.parsed_project import give_parsed_project

pytestmark = [pytest.mark.integration, pytest.mark.slow]

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


class DayClock(SystemClock):
    """Always the same moment; how long something takes goes on being measured."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


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
        engagements_at_once=4,
    )


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    home = tmp_path_factory.mktemp("story")
    give_parsed_project(home / "zcc")
    lake = LakeFiles(home / "lake")
    warehouse = Warehouse(config_at(home / "zcc", lake.root), clock=DayClock(hours(48)))
    first_landing(lake)
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
    second_landing(lake)
    builds.append(warehouse.build())
    e2_after_second = read(warehouse.config.warehouse_path, ACTIVITY_OF_E2)
    third_landing(lake)
    builds.append(warehouse.build())
    refreshed = home / "refreshed.duckdb"
    shutil.copyfile(warehouse.config.warehouse_path, refreshed)
    full = Warehouse(
        replace(
            warehouse.config, warehouse_path=refreshed, analytics_path=home / "x.duckdb", engagements_at_once=50_000
        ),
        clock=DayClock(hours(8 * 24)),
    )
    builds.append(full.build(full_refresh=True))
    return Story(warehouse, lake, builds, after_first, e2_after_second, refreshed)


def test_every_build_succeeds_and_only_quarantine_and_drift_are_told(story: Story) -> None:
    for build in story.builds:
        assert {node.name for node in build.nodes if node.status not in {"success", "pass"}} <= {
            "no_quarantined_records",
            "no_field_added_lately",
        }
    assert story.builds[0].full_refresh
    assert not story.builds[1].full_refresh
    assert story.builds[1].files_loaded > 15
    assert story.builds[1].days_touched == ("2026-11-02",)
    assert story.builds[1].engagements_touched >= 5


NEWEST = "where rowid = (select max(rowid) from {mart} where _load_seq = (select max(_load_seq) from {mart}))"
DAMAGES = {
    "everything is lost": "delete from {mart}",
    "one row is lost": f"delete from {{mart}} {NEWEST}",
    "one row is doubled": f"insert into {{mart}} from {{mart}} {NEWEST}",
}
AFTER_A_FULL_REFRESH = {
    "transcript_turns": "no_turn_lost_or_doubled",
    "completeness_daily": "completeness_counts_every_engagement",
    "engagement_dispositions": "no_disposition_lost_or_doubled",
    "engagement_timeline": "no_timeline_step_lost_or_doubled",
    "customers": "no_customer_lost_or_doubled",
}
AFTER_THE_THIRD_LANDING = ("transcript_turns", "engagement_timeline", "customers")


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    ("mart", "is_full"),
    [(mart, True) for mart in AFTER_A_FULL_REFRESH] + [(mart, False) for mart in AFTER_THE_THIRD_LANDING],
)
def test_what_a_mart_has_lost_or_has_twice_fails_its_parity_test(
    story: Story, tmp_path: Path, mart: str, is_full: bool, damage: str
) -> None:
    """The test's own text, as dbt ran it last, on a copy of the warehouse."""
    config = story.warehouse.config
    tests = config.scratch_dir / "target" / "compiled" / "zcc_pipeline" / "tests"
    parity = (tests / f"{AFTER_A_FULL_REFRESH[mart]}.sql").read_text()
    path = story.refreshed if is_full else config.warehouse_path
    copy = shutil.copyfile(path, tmp_path / path.name)
    with duckdb.connect(str(copy)) as connection:
        parity = parity.replace(f'"{story.refreshed.stem}".', f'"{path.stem}".')
        assert connection.execute(parity).fetchall() == []
        connection.execute(DAMAGES[damage].format(mart=f"marts.{mart}"))
        assert connection.execute(parity).fetchall() != []


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
    proven = f"select {engagement_numbers(['e1'])[0]} = cast(md5_number_lower('e1') & {2**63 - 1} as bigint)"
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
    (told,) = [node.message for node in story.builds[1].failed_tests]
    flips = ["$.notes is text, not array", "$.talk_duration is text, not number"]
    assert told.endswith(": " + "; ".join(f"zoom/engagements {flip}" for flip in flips))
    assert story.rows("select dataset, record_id, reason from staging.stg_zoom__quarantine") == [never]
    assert story.rows("select talk_seconds from marts.engagements where engagement_id = 'flips'") == [(120,)]
    assert story.rows("select count(*) from marts.engagements where engagement_id = 'never'") == [(0,)]


def test_fields_that_nobody_declared_are_reported(story: Story) -> None:
    assert story.rows("select dataset, field, records from marts.schema_drift order by 2") == [
        ("zoom/engagements", "queues[].rank", 1),
        ("zoom/engagements", "sentiment", 1),
    ]


def test_a_field_that_zoom_added_is_a_warning_by_name_for_a_week(story: Story) -> None:
    warned = [[(node.name, node.message) for node in build.warned_tests] for build in story.builds]
    said = "Got 2 results, configured to warn if != 0: zoom/engagements queues[].rank; zoom/engagements sentiment"
    assert warned == [[("no_field_added_lately", said)]] * 3 + [[]]


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
    story.warehouse.publish()
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
