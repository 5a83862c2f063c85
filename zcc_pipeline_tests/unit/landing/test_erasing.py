"""Rows of erased engagements leave the lake's files, and nothing else does."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.purging import mentions
from zcc_pipeline.landing import Lake
from zcc_pipeline.landing.erasing import Doomed, erase_rows, find_rows
from zcc_pipeline_tests.lakes import DAY, chunk, make_lake

EVENTS = DATASETS["zoom/events"]
NOTES = DATASETS["zoom/notes"]


def land(lake: Lake, records: list[tuple[str, bytes]], engagement_ids: list[str | None], **more: object) -> None:
    dataset = more.pop("dataset", NOTES)
    with lake.writer(dataset) as writer:  # type: ignore[arg-type]
        writer.add(chunk(records, dataset=dataset, engagement_ids=engagement_ids, **more))
        writer.commit()


def erase(lake: Lake, doomed: Doomed) -> int:
    return sum(erase_rows(lake.storage, file, doomed).rows for file in lake.every_file())


def everything(top: Path) -> bytes:
    """Whatever any file of the lake says in any column."""
    return b"".join(repr(pq.ParquetFile(path).read().to_pylist()).encode() for path in sorted(top.rglob("*.parquet")))


def test_rows_of_an_engagement_go_and_others_stay_byte_for_byte(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    land(lake, [("n1", b'{"note": "secret"}'), ("n2", b'{"note": "kept"}')], ["gone", "stays"])
    kept = [row for row in lake.latest("zoom/notes", DAY, DAY).to_pylist() if row["engagement_id"] == "stays"]
    assert erase(lake, Doomed(frozenset({"gone"}))) == 1
    assert lake.latest("zoom/notes", DAY, DAY).to_pylist() == kept
    assert b"secret" not in everything(tmp_path)


def test_a_file_of_nothing_else_is_removed_and_the_seed_stays(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    lake.ensure_seeded([NOTES])
    land(lake, [("n1", b"{}")], ["gone"])
    erase(lake, Doomed(frozenset({"gone"})))
    assert [file.name for file in lake.files("zoom/notes")] == [path.name for path in tmp_path.rglob("*.parquet")]
    assert len(lake.files("zoom/notes")) == 1


def test_what_a_compacted_file_replaced_and_was_not_swept_yet_goes_as_well_and_never_comes_back(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    land(lake, [("n1", b'{"note": "secret"}')], ["gone"])
    land(lake, [("n2", b'{"note": "kept"}')], ["stays"])
    assert lake.compact("zoom/notes", DAY).files_merged == 2
    assert erase(lake, Doomed(frozenset({"gone"}))) == 2
    assert b"secret" not in everything(tmp_path)
    assert lake.latest("zoom/notes", DAY, DAY).column("record_id").to_pylist() == ["n2"]
    assert sum(file.is_compacted for file in lake.files("zoom/notes", DAY)) == 1, (
        "the footer still says what it replaces"
    )
    assert len(lake.files("zoom/notes", DAY)) == 1


def test_a_row_without_engagement_goes_where_its_payload_names_it_or_its_record_is_one_of_its(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    events = [
        ("e1", b'{"payload": {"object": {"recording_id": "r1"}}}'),
        ("e2", b'{"payload": {"object": {"recording_id": "r10"}}}'),
        ("e3", b'{"payload": {"text": "about r1 in passing"}}'),
        ("e4", b"{}"),
    ]
    land(lake, events, [None] * 4, dataset=EVENTS)
    doomed = Doomed(frozenset({"gone"}), frozenset({"gone", "r1"}), {"zoom/events": frozenset({"e4"})})
    found = Counter(row.record_id for file in lake.every_file() for row in find_rows(lake.storage, file, doomed))
    assert found == {"e1": 1, "e4": 1}
    assert erase(lake, doomed) == 2
    assert lake.latest("zoom/events", DAY, DAY).column("record_id").to_pylist() == ["e2", "e3"]


def test_files_without_such_rows_are_not_touched(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    land(lake, [("n1", b"{}")], ["stays"])
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    assert erase(lake, Doomed(frozenset({"gone"}))) == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")} == before


@pytest.mark.parametrize(
    ("payload", "is_one"),
    [
        (b'{"a": [{"b": "x"}]}', True),
        (b'{"x": 1}', True),
        (b'{"a": "y x z"}', False),
        (b"no JSON, and x in it", True),
        (b"no JSON", False),
        (b"[" * 2_000, False),
    ],
)
def test_an_id_is_found_as_a_text_of_its_own(payload: bytes, is_one: bool) -> None:
    assert mentions(payload, frozenset({"x"})) is is_one
