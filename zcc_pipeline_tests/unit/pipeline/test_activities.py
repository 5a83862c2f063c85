"""The mart as a stream of activities: what is read, in which order, and how little of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.domain.suppression import KeyedHash, SuppressionList
from zcc_pipeline.exports.activity import Activity
from zcc_pipeline.pipeline.activities import Known, open_activities
from zcc_pipeline.warehouse.project import project_dir

FIRST, SECOND = date(2026, 11, 2), date(2026, 11, 3)


def contract() -> dict[str, str]:
    """Columns of the mart and their types, as dbt enforces them."""
    text = (project_dir() / "models" / "marts" / "exports" / "_exports.yml").read_text(encoding="utf-8")
    (mart,) = yaml.safe_load(text)["models"]
    return {column["name"]: column["data_type"] for column in mart["columns"]}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Three days' worth: two engagements on the first, three on the second."""
    path = tmp_path / "analytics.duckdb"
    columns = ", ".join(f"{name} {kind}" for name, kind in contract().items() if not name.startswith("_"))
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"create table crm_activities ({columns})")
        for number, (engagement_id, day) in enumerate(
            [("b", SECOND), ("a", FIRST), ("c", SECOND), ("d", FIRST), ("e", SECOND)]
        ):
            connection.execute(*insert(engagement_id, day, hour=number))
    return path


def insert(engagement_id: str, day: date, *, hour: int) -> tuple[str, list[Any]]:
    text = """
        insert into crm_activities by name select
            ? as engagement_id, 'hash of ' || engagement_id as activity_hash, ?::date as started_date,
            started_date + to_hours(?) as started_at, 'voice' as channel, 'subject' as subject, 'summary' as summary,
            'text' as body_text, '<p>text</p>' as body_html, ['Sale'] as dispositions,
            [{note_id: 'n', version: 1, text: 'said', author_name: null, author_email: null, written_at: started_at,
              is_current: true, is_deletion: false}] as note_versions,
            [{kind: 'recording', source_id: 'r', started_at: started_at, seconds: 60, path: 'recordings/r.wav',
              media_type: 'audio/wav', size_bytes: 9, sha256: 'ab'}] as recordings,
            [] as voicemails, false as is_deleted_at_source, started_at as changed_at
    """
    return text, [engagement_id, day, hour]


def everything(known: Sequence[Known]) -> Collection[str]:
    return {engagement_id for engagement_id, _ in known}


def test_the_contract_of_the_mart_is_what_leaves() -> None:
    assert {name for name in contract() if not name.startswith("_")} == {field.name for field in fields(Activity)}


def test_activities_come_oldest_first_in_chunks(copy: Path) -> None:
    with open_activities(copy) as activities:
        chunks = list(activities.iter_chunks(everything, size=2))
    assert [[one.engagement_id for one in chunk] for chunk in chunks] == [["a", "d"], ["b", "c"], ["e"]]


def test_only_what_is_wanted_is_read_whole(copy: Path) -> None:
    asked: list[Known] = []

    def wanted(known: Sequence[Known]) -> Collection[str]:
        asked.extend(known)
        return {"c"}

    with open_activities(copy) as activities:
        chunks = list(activities.iter_chunks(wanted))
    assert [[one.engagement_id for one in chunk] for chunk in chunks] == [["c"]]
    assert Known("e", "hash of e") in asked
    assert len(asked) == 5


def test_a_range_of_days_has_both_ends_in_it(copy: Path) -> None:
    with open_activities(copy) as activities:
        assert activities.days() == [FIRST, SECOND]
        chunks = list(activities.iter_chunks(everything, first=FIRST, last=FIRST))
        assert list(activities.iter_chunks(everything, first=date(2026, 12, 1))) == []
    assert [one.engagement_id for chunk in chunks for one in chunk] == ["a", "d"]


def test_what_was_erased_is_left_out_even_if_the_copy_still_has_it(copy: Path) -> None:
    key = b"k" * 32
    erased = SuppressionList(key, frozenset({KeyedHash(key).of("c"), KeyedHash(key).of("a")}))
    asked: list[str] = []

    def wanted(known: Sequence[Known]) -> Collection[str]:
        asked.extend(each.engagement_id for each in known)
        return everything(known)

    with open_activities(copy, suppressed=lambda: erased) as activities:
        chunks = list(activities.iter_chunks(wanted))
        assert activities.erased == 2
        assert activities.get("c") is None
        assert activities.get("b") is not None
        assert list(activities.iter_chunks(everything, only="c")) == []
    assert [one.engagement_id for chunk in chunks for one in chunk] == ["d", "b", "e"]
    assert asked == ["d", "b", "e"], "not even its id is offered to the ledger"


def test_times_are_aware_and_parts_are_values(copy: Path) -> None:
    with open_activities(copy) as activities:
        found = activities.get("a")
        assert activities.get("nobody") is None
    assert found is not None
    moment = datetime(2026, 11, 2, 1, tzinfo=UTC)
    assert (found.started_at, found.ended_at, found.changed_at) == (moment, None, moment)
    assert found.note_versions[0].written_at == moment
    assert (found.recordings[0].path, found.recordings[0].started_at) == ("recordings/r.wav", moment)
    assert (found.voicemails, found.dispositions) == ((), ("Sale",))


def test_a_copy_that_is_not_there_or_too_old_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "analytics.duckdb"
    with pytest.raises(ConfigurationError, match="zcc build"), open_activities(path):
        pass
    duckdb.connect(str(path)).close()
    with pytest.raises(ConfigurationError, match="has no crm_activities"), open_activities(path):
        pass
