"""Shapes that speak of one record in turn: the last word is the newest version, and re-reading writes nothing."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zcc_pipeline.landing import Lake
from zcc_pipeline_tests.examples import of_all
from zcc_pipeline_tests.lakes import DAY, ENGAGEMENTS, RECORDINGS, all_rows, chunk, land, latest_payloads, make_lake

EVENT = "contact_center.engagement_note_added"


def told(lake: Lake, *said: tuple[str, int, str | None]) -> int:
    """Land each ``(shape, minute, payload)`` by itself, ``None`` as a tombstone; returns how many were written."""
    written = 0
    for shape, minute, payload in said:
        body = b"{}" if payload is None else payload.encode()
        counts = land(lake, chunk([("x", body)], minute=minute, shape=shape, is_deleted=payload is None))
        written += counts.new + counts.changed + counts.deleted
    return written


def newest_over_all_shapes(lake: Lake) -> str:
    """As staging takes it: the newest by ``as_of``, whatever its shape."""
    files = [file.url for file in lake.files("zoom/engagements")]
    [row] = duckdb.sql(
        f"select arg_max(payload, (as_of, observed_at)) from read_parquet({files}) where record_id = 'x'"
    ).fetchall()
    return str(row[0])


A, B = '{"v":"A"}', '{"v":"B"}'


def test_a_list_that_says_again_what_a_read_by_id_had_denied_is_the_last_word(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    assert told(lake, ("list", 1, A), ("detail", 2, B), ("list", 3, A)) == 3
    assert newest_over_all_shapes(lake) == A
    assert told(lake, ("list", 4, A), ("list", 5, A)) == 0
    assert told(lake, ("detail", 6, B)) == 1
    assert newest_over_all_shapes(lake) == B


def test_a_pushed_fact_that_comes_late_is_overruled_by_the_next_read(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    assert told(lake, ("list", 1, A), ("list", 3, A), (EVENT, 2, B)) == 2
    assert told(lake, ("list", 4, A)) == 1
    assert newest_over_all_shapes(lake) == A
    assert told(lake, ("list", 5, A), (EVENT, 2, B)) == 0


def test_shapes_that_agree_on_what_both_have_never_write_again(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    listed = '{"id":"x","v":1,"notes":[{"note_id":"n"}],"queue":null,"agent":{"id":"a"}}'
    detailed = '{"id":"x","v":1,"notes":[{"note_id":"n","note":"t"}],"queue":"q","agent":{"name":"N"},"events":[1]}'
    assert told(lake, ("list", 1, listed), ("detail", 2, detailed)) == 2
    again = [
        (shape, minute, body) for minute in range(3, 9) for shape, body in (("list", listed), ("detail", detailed))
    ]
    assert told(lake, *again) == 0


@pytest.mark.parametrize(
    ("one", "other", "is_contradiction"),
    [
        ('{"v":1}', '{"v":2}', True),
        ('{"v":1}', '{"v":null}', False),
        ('{"v":1}', '{"w":2}', False),
        ('{"v":1}', '{"v":true}', False),
        ('{"v":""}', '{"v":"text"}', True),
        ('{"v":[]}', '{"v":[1]}', True),
        ('{"v":[1,2]}', '{"v":[2,1]}', True),
        ('{"v":[{"a":1}]}', '{"v":[{"a":1,"b":2}]}', False),
        ('{"v":{"a":1,"c":3}}', '{"v":{"a":1,"b":2}}', False),
        ('{"v":{"a":1}}', '{"v":{"a":2}}', True),
        ('{"v":{"a":1}}', '{"v":"a"}', True),
        ('{"transcript_url":"https://a"}', '{"transcript_url":""}', False),
        ('{"v":"\\\\ud83d"}', '{"v":"\\\\ud83e"}', True),
        ("not JSON", '{"v":1}', True),
        ("not JSON", "nor this", True),
        ("null", '{"v":1}', False),
    ],
)
def test_a_field_that_both_have_with_another_value_contradicts(
    tmp_path: Path, one: str, other: str, is_contradiction: bool
) -> None:
    assert (
        told(make_lake(tmp_path / "1"), ("list", 1, one), ("detail", 2, other), ("list", 3, one))
        == 2 + is_contradiction
    )
    assert (
        told(make_lake(tmp_path / "2"), ("list", 1, other), ("detail", 2, one), ("list", 3, other))
        == 2 + is_contradiction
    )


def test_volatile_fields_of_another_shape_contradict_nothing_even_where_their_presence_differs(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    said = [("list", b'{"download_url":""}'), ("detail", b'{"download_url":"https://a"}')] * 3
    written = [
        land(lake, chunk([("r", body)], minute=minute, shape=shape, dataset=RECORDINGS), dataset=RECORDINGS).unchanged
        for minute, (shape, body) in enumerate(said)
    ]
    assert written == [0, 0, 1, 1, 1, 1]


def test_a_record_that_a_read_shows_again_after_a_pushed_deletion_is_back(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    assert told(lake, ("list", 1, A), ("deleted", 2, None)) == 2
    assert told(lake, ("list", 3, A)) == 1
    assert told(lake, ("list", 4, A)) == 0
    assert told(lake, ("deleted", 5, None), ("deleted", 6, None)) == 1


def test_of_several_other_shapes_the_newest_that_has_the_field_speaks(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    assert told(lake, ("list", 1, A), (EVENT, 2, B), ("detail", 3, A), ("list", 4, A)) == 3
    other = make_lake(tmp_path / "other")
    assert told(other, ("list", 1, A), (EVENT, 2, B), ("detail", 3, '{"w":1}'), ("list", 4, A)) == 4


def test_what_another_shape_says_of_a_later_time_contradicts_nothing(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    assert told(lake, ("list", 1, A), ("detail", 5, B), ("list", 3, A)) == 2
    assert told(lake, ("detail", 2, '{"v":"C"}'), ("list", 4, A)) == 2  # between its own two reads somebody said C


def test_shapes_are_compared_within_one_batch_too(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    chunks = [
        chunk([("x", body)], minute=minute, shape=shape)
        for minute, (shape, body) in enumerate([("list", b"1"), ("detail", b"2"), ("list", b"1"), ("list", b"1")])
    ]
    assert (land(lake, *chunks).new, land(lake, *chunks).unchanged) == (2, 4)
    assert [row["payload"] for row in all_rows(lake)] == ["1", "2", "1"]


def test_a_compaction_keeps_what_was_written_again(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    told(lake, ("list", 1, A), ("detail", 2, B), ("list", 3, A))
    lake.compact("zoom/engagements", DAY)
    assert newest_over_all_shapes(lake) == A
    assert told(lake, ("list", 4, A)) == 0
    assert latest_payloads(lake, shapes=["detail"]) == {"x": B}


values = st.sampled_from([None, 1, 2, "", [], [1]])
contents = st.dictionaries(st.sampled_from(["a", "b", "c"]), values, max_size=3)
reads = st.lists(st.tuples(st.sampled_from(["list", "detail", EVENT]), contents), max_size=12)


@settings(max_examples=of_all(50), deadline=None)
@given(reads=reads, flushes=st.booleans())
def test_after_any_reads_in_order_the_newest_of_each_field_is_what_the_last_read_said(
    reads: list[tuple[str, dict[str, Any]]], flushes: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        lake = make_lake(Path(folder))
        with lake.writer(ENGAGEMENTS) as writer:
            for minute, (shape, content) in enumerate(reads):
                writer.add(chunk([("x", json.dumps(content).encode())], minute=minute, shape=shape))
                if flushes:
                    writer.flush()
            writer.commit()
        if not reads:
            return
        shape, last = reads[-1]
        merged = field_by_field(lake)
        assert {name: merged[name] for name, value in last.items() if value is not None} == {
            name: value for name, value in last.items() if value is not None
        }
        again = [chunk([("x", json.dumps(last).encode())], minute=len(reads) + n, shape=shape) for n in range(2)]
        assert land(lake, *again).unchanged == 2


def field_by_field(lake: Lake) -> dict[str, Any]:
    """As staging merges shapes: of each field the value of the newest shape that has it."""
    rows = sorted(
        lake.latest("zoom/engagements", DAY, DAY).to_pylist(), key=lambda row: (row["as_of"], row["observed_at"])
    )
    merged: dict[str, Any] = {}
    for row in rows:
        merged |= {name: value for name, value in json.loads(row["payload"]).items() if value is not None}
    return merged


@settings(max_examples=of_all(60), deadline=None)
@given(whole=contents, turns=st.lists(st.sampled_from(["list", "detail", EVENT]), max_size=10))
def test_shapes_that_tell_parts_of_one_truth_write_each_part_once(whole: dict[str, Any], turns: list[str]) -> None:
    parts = {"list": ["a", "b"], "detail": ["a", "b", "c"], EVENT: ["b"]}
    with tempfile.TemporaryDirectory() as folder:
        lake = make_lake(Path(folder))
        written = 0
        for minute, shape in enumerate(turns):
            part = {name: whole[name] for name in parts[shape] if name in whole}
            written += land(lake, chunk([("x", json.dumps(part).encode())], minute=minute, shape=shape)).unchanged == 0
        assert written == len(set(turns))
