"""Rows by key that need not fit into memory."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from zcc_pipeline.archive.lookup import Lookup


@dataclass(slots=True)
class Row:
    day: date | None
    text: str = ""


def test_what_was_last_put_is_found_and_keeps_its_place_in_the_order() -> None:
    rows = Lookup(Row)
    for number in range(3_000):
        rows.put(f"id-{number % 1_500:04d}", Row(date(2026, 11, 1), f"{number}"))
    assert len(rows) == 1_500
    assert rows.get("id-0007") == Row(date(2026, 11, 1), "1507")
    assert rows.get("id-9999") is None
    rows.put("a", Row(None))
    assert [key for key, _ in rows.items()] == [*(f"id-{number:04d}" for number in range(1_500)), "a"]
    assert next(iter(rows.sorted_items())) == ("a", Row(None))


def test_an_id_of_any_characters_is_a_key() -> None:
    rows = Lookup(Row)
    for key in ("a\0b", "\ud800", "ü", "'; drop table rows"):
        rows.put(key, Row(None))
    assert {key for key, _ in rows.sorted_items()} == {"a\0b", "\ud800", "ü", "'; drop table rows"}


def test_threads_may_share_one() -> None:
    rows = Lookup(Row)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: rows.put(f"{number}", Row(None)), range(500)))
        assert all(pool.map(lambda number: rows.get(f"{number}") is not None, range(500)))


def test_more_rows_take_no_more_memory() -> None:
    rows = Lookup(Row)

    def fill(first: int, last: int) -> int:
        for number in range(first, last):
            rows.put(f"urn:zoom-cc:account:engagement:{number:020d}", Row(date(2026, 11, 1), "x" * 50))
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4_096

    before = fill(0, 10_000)
    grown = fill(10_000, 60_000) - before
    assert grown < 50_000 * 50, f"{grown / 50_000:.0f} bytes a row"
