"""Compaction keeps every version, and nobody sees a version twice or not at all while it happens."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from zcc_pipeline.landing import Lake
from zcc_pipeline_tests.lakes import (
    DAY,
    ENGAGEMENTS,
    SteppingClock,
    all_rows,
    chunk,
    land,
    latest_payloads,
    make_lake,
)

NAME = ENGAGEMENTS.name


def versions(lake: Lake) -> list[tuple[str, str, str]]:
    return sorted((row["record_id"], row["as_of"].isoformat(), row["payload"]) for row in all_rows(lake))


def on_disk(folder: Path) -> set[str]:
    return {path.name for path in (folder / NAME / f"date={DAY}").glob("*.parquet")}


def filled(folder: Path, clock: SteppingClock | None = None) -> Lake:
    lake = make_lake(folder, clock=clock)
    for minute in range(6):
        body = b'{"v":%d}' % (minute % 2)
        land(lake, chunk([("x", body), (f"only-{minute}", b"{}")], minute=minute))
    return lake


def test_every_version_survives_in_one_file(tmp_path: Path) -> None:
    lake = filled(tmp_path)
    before, latest = versions(lake), latest_payloads(lake)
    result = lake.compact(NAME, DAY)
    assert (result.files_merged, result.rows, result.duplicates_dropped) == (6, 12, 0)
    assert result.bytes_after < result.bytes_before
    assert len(lake.files(NAME)) == 1
    assert versions(lake) == before
    assert latest_payloads(lake) == latest


def test_what_two_writers_both_added_is_kept_once(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    with lake.writer(ENGAGEMENTS) as first, lake.writer(ENGAGEMENTS) as second:
        for writer in (first, second):
            writer.add(chunk([("x", b"{}")]))
            writer.flush()
        first.commit()
        second.commit()
    assert len(all_rows(lake)) == 2
    assert lake.compact(NAME, DAY).duplicates_dropped == 1
    assert len(all_rows(lake)) == 1


def test_the_same_content_at_two_times_is_two_versions(tmp_path: Path) -> None:
    lake = filled(tmp_path)
    lake.compact(NAME, DAY)
    assert len([row for row in all_rows(lake) if row["record_id"] == "x"]) == 6


def test_replaced_files_are_ignored_at_once_and_removed_a_day_later(tmp_path: Path) -> None:
    clock = SteppingClock()
    lake = filled(tmp_path, clock)
    inputs = on_disk(tmp_path)
    lake.compact(NAME, DAY)
    assert inputs < on_disk(tmp_path)
    assert lake.sweep(clock.moment + timedelta(hours=23)) == 0
    assert inputs < on_disk(tmp_path)
    assert lake.sweep(clock.moment + timedelta(hours=25)) == len(inputs)
    assert len(on_disk(tmp_path)) == 1
    assert len(all_rows(lake)) == 12


def test_compacting_what_was_compacted_never_brings_old_files_back(tmp_path: Path) -> None:
    clock = SteppingClock()
    lake = filled(tmp_path, clock)
    lake.compact(NAME, DAY)
    clock.moment += timedelta(hours=20)
    land(lake, chunk([("late", b"{}")], minute=2000))
    lake.compact(NAME, DAY)
    expected = versions(lake)
    assert len(expected) == 13
    for hours in range(0, 60, 4):
        lake.sweep(clock.moment + timedelta(hours=hours))
        assert versions(lake) == expected
    assert len(on_disk(tmp_path)) == 1


def test_one_file_is_left_alone(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    assert lake.compact(NAME, DAY).files_merged == 0
    land(lake, chunk([("x", b"{}")]))
    before = on_disk(tmp_path)
    assert lake.compact(NAME, DAY).files_merged == 0
    assert on_disk(tmp_path) == before


def test_landing_compares_with_compacted_versions(tmp_path: Path) -> None:
    lake = filled(tmp_path)
    lake.compact(NAME, DAY)
    counts = land(lake, chunk([("x", b'{ "v": 1 }'), ("only-3", b"{}"), ("x2", b"{}")], minute=9))
    assert (counts.unchanged, counts.new) == (2, 1)


def test_a_failing_merge_leaves_no_file_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = filled(tmp_path)
    before = versions(lake)

    def no_space(*_: object) -> int:
        raise OSError("no space left on device")

    monkeypatch.setattr("zcc_pipeline.landing.compaction.sync_file", no_space)
    with pytest.raises(OSError, match="no space"):
        lake.compact(NAME, DAY)
    assert versions(lake) == before
    assert list((tmp_path / ".staging").iterdir()) == []
