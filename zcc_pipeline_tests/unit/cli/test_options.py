"""Days as people write them."""

from __future__ import annotations

from datetime import date

import pytest
import typer

from zcc_pipeline.cli.options import parse_day, parse_days

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", date(2026, 11, 22)),
        ("yesterday", date(2026, 11, 21)),
        ("Yesterday", date(2026, 11, 21)),
        ("2026-11-01", date(2026, 11, 1)),
        (" 2026-11-01 ", date(2026, 11, 1)),
    ],
)
def test_a_day_is_a_date_or_a_word(text: str, day: date) -> None:
    assert parse_day(text, option="--from", today=TODAY) == day


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-13-01", "01.11.2026", "2026-11-01T00:00:00Z", "2026-02-30"])
def test_what_is_no_day_is_refused_with_the_form_to_use(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write YYYY-MM-DD"):
        parse_day(text, option="--from", today=TODAY)


def test_a_day_to_come_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="has not begun yet"):
        parse_day("2026-11-23", option="--to", today=TODAY)


def test_a_range_includes_both_ends_and_may_be_one_day() -> None:
    assert parse_days("yesterday", "today", today=TODAY) == (date(2026, 11, 21), TODAY)
    assert parse_days("today", "today", today=TODAY) == (TODAY, TODAY)


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="is after the last"):
        parse_days("today", "yesterday", today=TODAY)
