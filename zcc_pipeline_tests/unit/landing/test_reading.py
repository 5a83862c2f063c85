"""Which files count, which version is the newest, and what a glob finds."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.landing import VERSION_SCHEMA, Lake, S3Options, open_storage
from zcc_pipeline_tests.lakes import (
    DAY,
    ENGAGEMENTS,
    START,
    SteppingClock,
    all_rows,
    chunk,
    land,
    latest_payloads,
    make_lake,
)

NAME = ENGAGEMENTS.name
FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


def test_every_dataset_has_a_file_from_the_start_and_seeding_again_changes_nothing(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    lake.ensure_seeded(DATASETS.values())
    seeded = sorted(tmp_path.rglob("*.parquet"))
    lake.ensure_seeded(DATASETS.values())
    assert sorted(tmp_path.rglob("*.parquet")) == seeded
    assert len(seeded) == len(DATASETS)
    for name in DATASETS:
        glob = tmp_path / name / "date=*" / "*.parquet"
        assert duckdb.sql(f"select count(*) from read_parquet('{glob}')").fetchone() == (0,)
        assert lake.days(name) == []
        assert len(lake.live_files(name)) == 1


def test_duckdb_reads_the_columns_as_designed(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    lake.ensure_seeded([ENGAGEMENTS])
    land(lake, chunk([("x", b"{}")]))
    lake.compact(NAME, DAY)
    described = duckdb.sql(f"describe select * from read_parquet({lake.live_files(NAME)})").fetchall()
    assert [(row[0], row[1]) for row in described] == [
        ("record_id", "VARCHAR"),
        ("shape", "VARCHAR"),
        ("engagement_id", "VARCHAR"),
        ("payload", "VARCHAR"),
        ("content_hash", "BLOB"),
        ("as_of", "TIMESTAMP WITH TIME ZONE"),
        ("observed_at", "TIMESTAMP WITH TIME ZONE"),
        ("route", "VARCHAR"),
        ("is_deleted", "BOOLEAN"),
        ("batch_id", "VARCHAR"),
        ("date", "DATE"),
    ]


def test_the_newest_version_is_found_across_files_and_days(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    land(lake, chunk([("x", b'{"v":2}'), ("y", b'{"v":1}')], minute=5))
    land(lake, chunk([("x", b'{"v":1}')], minute=1))
    land(lake, chunk([("x", b'{"v":3}')], minute=9, occurred_at="2026-11-21T00:00:00Z"))
    assert latest_payloads(lake) == {"x": '{"v":3}', "y": '{"v":1}'}
    assert dict(lake.iter_latest(NAME, FIRST, LAST)).keys() == {DAY, DAY + timedelta(days=1)}
    only_first = lake.latest(NAME, DAY, DAY)
    assert dict(zip(only_first["record_id"].to_pylist(), only_first["payload"].to_pylist(), strict=True)) == {
        "x": '{"v":2}',
        "y": '{"v":1}',
    }


def test_an_empty_answer_has_the_columns_too(tmp_path: Path) -> None:
    assert make_lake(tmp_path).latest(NAME, FIRST, LAST).schema.equals(VERSION_SCHEMA)


def test_a_filled_answer_has_exactly_the_columns_of_the_design(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    land(lake, chunk([("x", b"{}")]))
    assert lake.latest(NAME, FIRST, LAST).schema.equals(VERSION_SCHEMA)
    assert VERSION_SCHEMA.field("content_hash").type == pa.binary(16)


def test_days_without_rows_are_left_out_of_the_stream(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    land(lake, chunk([("x", b"{}")], is_deleted=True))
    assert lake.days(NAME) == [DAY]
    assert list(lake.iter_latest(NAME, FIRST, LAST)) == []


def test_a_writer_left_without_commit_leaves_nothing(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    with lake.writer(ENGAGEMENTS, flush_bytes=1) as writer:
        for number in range(50):
            writer.add(chunk([(f"id-{number}", b"{}")]))
    with pytest.raises(ValueError, match="differ"):
        land(lake, chunk([("x", b"{}")]), chunk([("x", b"{}")], engagement_ids=[]), flush_bytes=1)
    assert all_rows(lake) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_writer_is_for_one_dataset_and_one_commit(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    with lake.writer(ENGAGEMENTS) as writer:
        with pytest.raises(ValueError, match="handed to the writer"):
            writer.add(chunk([("x", b"{}")], dataset=DATASETS["zoom/notes"]))
        writer.commit()
        with pytest.raises(ValueError, match="already"):
            writer.add(chunk([("x", b"{}")]))
    with pytest.raises(ValueError, match="differ in length"):
        land(lake, chunk([("x", b"{}")], engagement_ids=[]))


def test_a_commit_without_records_writes_no_file(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    counts = land(lake, chunk([]))
    assert (counts.received, counts.files_written) == (0, 0)
    assert lake.files(NAME) == []


def test_stale_staging_files_are_swept_and_living_ones_stay(tmp_path: Path) -> None:
    clock = SteppingClock()
    lake = make_lake(tmp_path, clock=clock)
    abandoned = lake.storage.staging_path("abandoned")
    abandoned.write_bytes(b"half a file")
    written_at = abandoned.stat().st_mtime
    modified = START.fromtimestamp(written_at, START.tzinfo)
    assert lake.sweep(modified + timedelta(hours=23)) == 0
    assert abandoned.exists()
    assert lake.sweep(modified + timedelta(hours=25)) == 1
    assert not abandoned.exists()


def test_a_file_that_vanishes_under_a_reader_is_looked_for_once_more(tmp_path: Path) -> None:
    class Vanishing:
        """Removes what a compaction replaced at the moment it is opened."""

        def __init__(self, lake: Lake) -> None:
            self.inner, self.opened = lake.storage, 0

        def __getattr__(self, name: str) -> object:
            return getattr(self.inner, name)

        def open_input(self, path: str, *, is_sparse: bool = False) -> pa.NativeFile:
            self.opened += 1
            if self.opened == 1:
                other = make_lake(tmp_path)
                other.compact(NAME, DAY)
                other.sweep(START + timedelta(days=2))
            return self.inner.open_input(path, is_sparse=is_sparse)

    lake = make_lake(tmp_path)
    land(lake, chunk([("x", b'{"v":1}')]))
    land(lake, chunk([("x", b'{"v":2}')], minute=1))
    reader = Vanishing(lake)
    assert latest_payloads(make_lake(reader)) == {"x": '{"v":2}'}  # type: ignore[arg-type]
    assert reader.opened > 2


@pytest.mark.parametrize("url", ["{folder}/lake", "file://{folder}/lake", "file://{folder}/with%20space"])
def test_a_local_url_is_a_folder(tmp_path: Path, url: str) -> None:
    storage = open_storage(url.format(folder=tmp_path))
    assert Path(storage.url).parent == tmp_path
    assert "%" not in storage.url
    assert storage.fsspec() is None


def test_a_scheme_nobody_supports_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="gs"):
        open_storage("gs://bucket/lake")


def test_a_secret_does_not_show() -> None:
    assert "hush" not in repr(S3Options("http://x", "r", "id", "hush"))


def test_ids_are_looked_for_without_the_records(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    land(lake, chunk([("a", b"{}"), ("b", b"{}"), ("c", b"{}")]), chunk([("c", b"{}")], minute=1, is_deleted=True))
    found = lake.find_ids("zoom/engagements", DAY, DAY, where=lambda ids: [each for each in ids if each != "a"])
    assert found == {"b", "c"}
    assert lake.find_ids("zoom/engagements", date(2026, 11, 21), date(2026, 11, 30), where=lambda ids: ids) == set()
