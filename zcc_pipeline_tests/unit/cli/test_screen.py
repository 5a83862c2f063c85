"""Figures in words, and documents for scripts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from zcc_pipeline.cli.screen import bytes_text, print_json, seconds_text, table


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "under a second"),
        (42.4, "42 s"),
        (61, "1 min 1 s"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (7_500, "2 h 5 min"),
    ],
)
def test_durations_read_like_speech(seconds: float, text: str) -> None:
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1_400_000, "1.4 MB"), (5 * 10**15, "5000.0 TB")]
)
def test_sizes_read_like_speech(size: int, text: str) -> None:
    assert bytes_text(size) == text


def test_a_document_for_scripts_holds_days_times_paths_and_dataclasses(capsys: pytest.CaptureFixture[str]) -> None:
    @dataclass(frozen=True, slots=True)
    class Row:
        day: date
        at: datetime

    print_json({"row": Row(date(2026, 1, 2), datetime(2026, 1, 2, tzinfo=UTC)), "path": Path("a/b"), "set": {2, 1}})
    assert json.loads(capsys.readouterr().out) == {
        "row": {"day": "2026-01-02", "at": "2026-01-02T00:00:00+00:00"},
        "path": "a/b",
        "set": [1, 2],
    }


def test_markup_in_a_cell_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    table(("name", "count"), [("[red]queue[/red]", 1_234)], numbers=("count",))
    shown = capsys.readouterr().out
    assert "[red]queue[/red]" in shown
    assert "1,234" in shown
