"""The demo's summary: what it says about itself."""

from __future__ import annotations

from pathlib import Path

from zcc_pipeline.cli.demo_exports import Arrived
from zcc_pipeline.cli.demo_report import folder_place


def test_a_place_counts_the_files_below_it_and_their_bytes(tmp_path: Path) -> None:
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "one").write_bytes(b"1234")
    (tmp_path / "deep" / "deeper" / "two").write_bytes(b"123456")
    assert folder_place("files", tmp_path).amount == "2 files, 10 B"


def test_a_place_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert folder_place("files", tmp_path / "none").amount == "0 files, 0 B"


def arrived(**other: object) -> Arrived:
    facts: dict[str, object] = {
        "crm": "zendesk",
        "title": "Zendesk",
        "counts": {"created": 3},
        "not_due": 0,
        "refused": {},
        "api_calls": 5,
        "stopped": "",
        "is_complete": True,
        "held": {"once": 3, "several": 0, "missing": 0},
        "sample": None,
    }
    return Arrived(**(facts | other))  # type: ignore[arg-type]


def test_an_export_is_good_only_where_all_of_it_arrived_once() -> None:
    assert arrived().is_good
    assert not arrived(is_complete=False).is_good
    assert not arrived(refused={"RecordInvalid": 1}).is_good
    assert not arrived(held={"once": 2, "several": 0, "missing": 1}).is_good
    assert not arrived(held={"once": 2, "several": 1, "missing": 0}).is_good
