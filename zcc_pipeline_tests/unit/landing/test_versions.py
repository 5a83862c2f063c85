"""The version rule, through the writer and the reader: what becomes a version, and which one wins."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from zcc_pipeline_tests.lakes import (
    ENGAGEMENTS,
    RECORDINGS,
    START,
    SteppingClock,
    all_rows,
    chunk,
    land,
    latest_payloads,
    make_lake,
)


def test_a_b_a_gives_three_versions_and_the_last_wins(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    for minute, payload in enumerate([b'{"v":1}', b'{"v":2}', b'{"v":1}']):
        land(lake, chunk([("x", payload)], minute=minute))
    assert [row["payload"] for row in all_rows(lake)] == ['{"v":1}', '{"v":2}', '{"v":1}']
    assert latest_payloads(lake) == {"x": '{"v":1}'}


def test_landing_the_same_again_writes_nothing(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    records = [(f"id-{number}", b'{"n":%d}' % number) for number in range(300)]
    first = land(lake, chunk(records))
    second = land(lake, chunk(records, minute=5))
    assert (first.new, first.files_written) == (300, 1)
    assert (second.unchanged, second.new, second.changed, second.files_written, second.days) == (300, 0, 0, 0, set())
    assert len(lake.files("zoom/engagements")) == 1


def test_order_of_keys_and_spacing_are_no_change(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    land(lake, chunk([("x", b'{"a":1,"b":[1,{"c":2,"d":3}]}')]))
    counts = land(lake, chunk([("x", b'{ "b": [1, {"d":3, "c":2}], "a": 1 }')], minute=1))
    assert (counts.unchanged, counts.changed) == (1, 0)


def test_a_volatile_field_counts_only_by_whether_it_is_filled(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    answers = [b'{"download_url":"https://a/1"}', b'{"download_url":"https://a/2"}', b'{"download_url":""}']
    counts = [
        land(lake, chunk([("r", body)], minute=minute, dataset=RECORDINGS), dataset=RECORDINGS)
        for minute, body in enumerate(answers)
    ]
    assert [(each.new, each.changed, each.unchanged) for each in counts] == [(1, 0, 0), (0, 0, 1), (0, 1, 0)]


def test_an_older_fact_is_kept_when_it_is_new_but_never_wins(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    land(lake, chunk([("x", b'{"v":"new"}')], minute=10))
    kept = land(lake, chunk([("x", b'{"v":"old"}')], minute=1))
    again = land(lake, chunk([("x", b'{"v":"old"}')], minute=2), chunk([("x", b'{"v":"new"}')], minute=3))
    assert (kept.changed, again.unchanged) == (1, 2)
    assert latest_payloads(lake) == {"x": '{"v":"new"}'}


def test_duplicates_across_pages_collapse_to_one(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    counts = land(lake, chunk([("x", b"{}"), ("x", b"{}"), ("y", b"{}")]), chunk([("x", b"{}")], minute=1))
    assert (counts.received, counts.new, counts.unchanged) == (4, 2, 2)
    assert len(all_rows(lake)) == 2


def test_duplicates_are_found_in_what_the_writer_itself_has_flushed(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    pages = [chunk([(f"id-{number % 70}", b'{"n":%d}' % (number % 70))], minute=number) for number in range(200)]
    counts = land(lake, *pages, flush_bytes=1)
    assert (counts.new, counts.unchanged) == (70, 130)
    assert len(all_rows(lake)) == 70


def test_two_contents_of_one_moment_are_ordered_by_arrival(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    land(lake, chunk([("x", b'{"v":1}'), ("x", b'{"v":2}')]), chunk([("x", b'{"v":3}')]))
    land(lake, chunk([("x", b'{"v":4}')]))
    rows = all_rows(lake)
    assert [row["payload"] for row in sorted(rows, key=lambda row: row["observed_at"])] == [
        '{"v":1}',
        '{"v":2}',
        '{"v":3}',
        '{"v":4}',
    ]
    assert len({row["observed_at"] for row in rows}) == 4
    assert latest_payloads(lake) == {"x": '{"v":4}'}


def test_shapes_of_one_record_are_different_facts(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    land(lake, chunk([("x", b'{"v":1}')]), chunk([("x", b'{"v":2}')], shape="detail"))
    assert len(all_rows(lake)) == 2
    assert latest_payloads(lake, shapes=["detail"]) == {"x": '{"v":2}'}


def test_a_tombstone_hides_the_record_once_and_a_return_shows_it_again(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    land(lake, chunk([("x", b'{"v":1}'), ("y", b"{}")]))
    first = land(lake, chunk([("x", b"{}")], minute=1, is_deleted=True))
    second = land(lake, chunk([("x", b'{"other":1}')], minute=2, is_deleted=True))
    assert (first.deleted, first.changed, second.deleted, second.unchanged) == (1, 0, 0, 1)
    assert latest_payloads(lake) == {"y": "{}"}
    assert latest_payloads(lake, with_deleted=True) == {"x": "{}", "y": "{}"}
    returned = land(lake, chunk([("x", b'{"v":1}')], minute=3))
    assert returned.changed == 1
    assert latest_payloads(lake) == {"x": '{"v":1}', "y": "{}"}


def test_every_column_arrives_as_designed(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    payload = '{"note":"grüße 😀 ünïcode"}'.encode()
    land(lake, chunk([("x", payload)], engagement_ids=[None], route="webhook", batch_id="batch-7", shape="note_added"))
    [row] = all_rows(lake)
    content_hash = row.pop("content_hash")
    assert len(content_hash) == 16
    assert row == {
        "record_id": "x",
        "shape": "note_added",
        "engagement_id": None,
        "payload": payload.decode(),
        "as_of": START,
        "observed_at": START,
        "route": "webhook",
        "is_deleted": False,
        "batch_id": "batch-7",
    }


def test_large_integers_and_half_emoji_are_compared_without_loss(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    land(lake, chunk([("x", b'{"n":12345678901234567890123}'), ("y", b'{"t":"\\ud83d","u":1}')]))
    counts = land(lake, chunk([("x", b'{"n":12345678901234567890124}'), ("y", b'{"u":1,"t":"\\ud83d"}')], minute=1))
    assert (counts.changed, counts.unchanged) == (1, 1)


@pytest.mark.parametrize("as_of", [datetime(2026, 11, 22, 8)], ids=["naive"])  # noqa: DTZ001
def test_a_chunk_without_a_time_zone_is_refused(tmp_path: Path, as_of: datetime) -> None:
    with pytest.raises(ValueError, match="without a zone"):
        land(make_lake(tmp_path), chunk([("x", b"{}")], as_of=as_of))


def test_a_late_fact_newer_than_the_stored_version_wins_until_the_next_read(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    land(lake, chunk([("x", b'{"v":1}')], minute=0))
    land(lake, chunk([("x", b'{"v":1}')], minute=10))  # unchanged, so nothing says that minute 10 was looked at
    land(lake, chunk([("x", b'{"v":2}')], minute=5))
    assert latest_payloads(lake) == {"x": '{"v":2}'}
    land(lake, chunk([("x", b'{"v":1}')], minute=15))
    assert latest_payloads(lake) == {"x": '{"v":1}'}


def test_of_two_facts_about_one_moment_the_one_landed_later_wins_whatever_its_file_is_called(tmp_path: Path) -> None:
    clock = SteppingClock()
    lake = make_lake(tmp_path, clock=clock)
    with lake.writer(ENGAGEMENTS) as early_file, lake.writer(ENGAGEMENTS) as late_file:
        for writer, record_id, payload in (
            (early_file, "other", b"{}"),
            (late_file, "x", b'{"v":"landed first"}'),
            (early_file, "x", b'{"v":"landed last"}'),
        ):
            writer.add(chunk([(record_id, payload)]))
            writer.flush()
            clock.moment += timedelta(hours=1)
        early_file.commit()
        late_file.commit()
    assert [row["payload"] for row in all_rows(lake)][-1] == '{"v":"landed first"}'
    assert latest_payloads(lake)["x"] == '{"v":"landed last"}'
    assert land(lake, chunk([("x", b'{"v":"landed last"}')])).unchanged == 1
    assert land(lake, chunk([("x", b'{"v":"landed first"}')])).changed == 1
