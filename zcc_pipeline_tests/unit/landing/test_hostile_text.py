"""Text that is not UTF-8 costs its own record and nothing else."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from zcc_pipeline.domain.errors import RecordRejected
from zcc_pipeline_tests.lakes import all_rows, chunk, land, make_lake

BROKEN = [
    b'{"note":"\xff"}',
    b'{"note":"\xc3',
    b'\xa4"}',
    b'{"note":"\xed\xa0\x80"}',
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_payload_is_handed_back_and_the_others_land(tmp_path: Path, broken: bytes) -> None:
    rejected: list[tuple[str, bytes]] = []
    lake = make_lake(tmp_path)
    records = [("a", b'{"n":1}'), ("b", broken), ("c", '{"n":"ü"}'.encode())]
    counts = land(lake, chunk(records), reject=lambda reason, payload: rejected.append((reason, payload)))
    assert [row["record_id"] for row in all_rows(lake)] == ["a", "c"]
    assert (counts.received, counts.new) == (3, 2)
    [(reason, payload)] = rejected
    assert payload == broken
    assert "UTF-8" in reason
    assert "note" not in reason


def test_halves_of_one_character_in_two_payloads_are_both_found(tmp_path: Path) -> None:
    rejected: list[bytes] = []
    counts = land(
        make_lake(tmp_path),
        chunk([("a", b'{"n":"\xc3'), ("b", b'\xa4"}')]),
        reject=lambda _, payload: rejected.append(payload),
    )
    assert (counts.new, len(rejected)) == (0, 2)


def test_half_a_character_in_an_id_is_handed_back(tmp_path: Path) -> None:
    rejected: list[bytes] = []
    lake = make_lake(tmp_path)
    land(lake, chunk([("\ud83d", b'{"n":1}'), ("b", b'{"n":2}')]), reject=lambda _, payload: rejected.append(payload))
    assert rejected == [b'{"n":1}']
    assert [row["record_id"] for row in all_rows(lake)] == ["b"]


def test_without_anybody_to_hand_it_to_a_broken_record_is_an_error_and_nothing_appears(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    with pytest.raises(RecordRejected, match="UTF-8"):
        land(lake, chunk([("a", b"{}"), ("b", b"\xff")]))
    assert all_rows(lake) == []


def test_ids_of_any_script_and_length_land_as_they_are(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    ids = ["../../etc/passwd", "نص", "🙂", "a" * 100_000, "", "x\x00y", "="]
    land(lake, chunk([(record_id, b"{}") for record_id in ids]))
    assert [row["record_id"] for row in all_rows(lake)] == ids
    assert land(lake, chunk([(record_id, b"{ }") for record_id in ids], minute=1)).unchanged == len(ids)


def test_raw_slices_of_a_page_land_as_they_were_cut(tmp_path: Path) -> None:
    page = msgspec.json.decode(b'[ {"a": 1} ,{"b":\n2}]', type=list[msgspec.Raw])
    lake = make_lake(tmp_path)
    land(lake, chunk([("a", page[0]), ("b", page[1])]))
    assert [row["payload"] for row in all_rows(lake)] == ['{"a": 1}', '{"b":\n2}']
