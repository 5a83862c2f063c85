"""The lake and the file store in a real bucket."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from pathlib import Path

import duckdb
import obstore
import pytest

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.errors import ConfigurationError, TransientError
from zcc_pipeline.landing import FileStore, Lake, S3Options, open_storage
from zcc_pipeline_tests.lakes import DAY, ENGAGEMENTS, SteppingClock, all_rows, chunk, land, latest_payloads, make_lake
from zcc_pipeline_tests.seaweed import Seaweed
from zcc_pipeline_tests.unit.landing.test_files import FakeSource

pytestmark = pytest.mark.integration
NAME = ENGAGEMENTS.name


@pytest.fixture
def lake(seaweed: Seaweed, tmp_path: Path) -> Lake:
    return make_lake(seaweed.open(seaweed.new_url(), tmp_path / "scratch"))


def test_versions_land_are_compared_and_read_back(lake: Lake, tmp_path: Path) -> None:
    records = [(f"id-{number}", b'{"n":%d}' % number) for number in range(500)]
    assert land(lake, chunk(records)).new == 500
    assert land(lake, chunk(records, minute=1)).unchanged == 500
    changed = land(lake, chunk([("id-7", b'{"n":"other"}'), ("id-8", b'{ "n":8 }')], minute=2))
    assert (changed.changed, changed.unchanged) == (1, 1)
    assert lake.days(NAME) == [DAY]
    assert latest_payloads(lake)["id-7"] == '{"n":"other"}'
    assert list((tmp_path / "scratch").iterdir()) == []


def test_duckdb_reads_the_lake_through_the_registered_file_system(lake: Lake) -> None:
    lake.ensure_seeded(DATASETS.values())
    land(lake, chunk([("x", b'{"v":1}'), ("y", b"{}")]))
    with duckdb.connect() as connection:
        connection.register_filesystem(lake.storage.fsspec())
        by_name = connection.execute(f"select count(*) from read_parquet({lake.live_files(NAME)})").fetchone()
        glob = f"{lake.storage.url}/{NAME}/date=*/*.parquet"
        by_glob = connection.execute(
            f"select record_id, payload, date from read_parquet('{glob}', hive_partitioning=true) order by 1"
        ).fetchall()
    assert by_name == (2,)
    assert by_glob == [("x", '{"v":1}', DAY), ("y", "{}", DAY)]


def test_compaction_and_sweeping_work_there_too(lake: Lake) -> None:
    for minute in range(3):
        land(lake, chunk([("x", b'{"v":%d}' % minute)], minute=minute))
    before = [row["payload"] for row in all_rows(lake)]
    assert lake.compact(NAME, DAY).files_merged == 3
    assert [row["payload"] for row in all_rows(lake)] == before
    assert lake.sweep(SteppingClock().moment + timedelta(days=2)) == 3
    assert len(lake.storage.list_files(f"{NAME}/date={DAY}")) == 1
    assert [row["payload"] for row in all_rows(lake)] == before


def test_a_large_file_goes_in_parts_and_appears_whole(seaweed: Seaweed, tmp_path: Path) -> None:
    content = b"RIFF\x00\x00\x00\x00WAVE" + bytes(range(256)) * 160_000  # 40 MB: three parts
    storage = seaweed.open(seaweed.new_url(), tmp_path / "scratch")
    files = FileStore(storage, clock=SteppingClock())
    source = FakeSource(content, breaks_after={0: 30_000_000})
    stored = asyncio.run(files.store(kind="recording", source_id="../x", day=DAY, source=source))
    assert stored.path == f"recording/date={DAY}/=2E=2E=2Fx.{stored.sha256[:12]}.wav"
    assert stored.sha512 == hashlib.sha512(content).hexdigest()
    assert files.exists(stored.path)
    assert files.read(stored.path) == content
    again = asyncio.run(files.store(kind="recording", source_id="../x", day=DAY, source=FakeSource(content)))
    assert again == stored
    assert len(storage.list_files(f"recording/date={DAY}")) == 1
    assert list((tmp_path / "scratch").iterdir()) == []


def test_an_upload_that_fails_leaves_no_object(
    seaweed: Seaweed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = make_lake(seaweed.open(seaweed.new_url(), tmp_path / "scratch"))
    land(lake, chunk([("x", b"{}")]))

    def broken(*_: object, **__: object) -> None:
        raise obstore.exceptions.GenericError("connection reset")

    with monkeypatch.context() as patched:
        patched.setattr(obstore, "put", broken)
        with pytest.raises(TransientError, match="GenericError"):
            land(lake, chunk([("y", b"{}")]))
    assert latest_payloads(lake) == {"x": "{}"}
    assert list((tmp_path / "scratch").iterdir()) == []
    assert land(lake, chunk([("y", b"{}")])).new == 1


def test_wrong_keys_name_the_setting_and_keep_the_secret(seaweed: Seaweed, tmp_path: Path) -> None:
    options = S3Options(seaweed.endpoint_url, "us-east-1", "test-key", "wrong-secret")
    lake = make_lake(open_storage(seaweed.new_url(), s3=options, scratch=tmp_path))
    with pytest.raises(ConfigurationError, match="ZCC_S3_ACCESS_KEY_ID") as caught:
        lake.ensure_seeded([ENGAGEMENTS])
    assert "wrong-secret" not in str(caught.value)


def test_a_missing_object_is_a_missing_file(seaweed: Seaweed, tmp_path: Path) -> None:
    storage = seaweed.open(seaweed.new_url(), tmp_path)
    assert not storage.exists("nothing")
    storage.delete("nothing")
    assert storage.list_files("no/folder") == []
    with pytest.raises(FileNotFoundError):
        storage.open_input("nothing")


def test_a_bucket_that_does_not_exist_names_the_setting(seaweed: Seaweed, tmp_path: Path) -> None:
    lake = make_lake(seaweed.open("s3://never-made/lake", tmp_path))
    with pytest.raises(ConfigurationError, match="no such bucket"):
        lake.files(NAME)
