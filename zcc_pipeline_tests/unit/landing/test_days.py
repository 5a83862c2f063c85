"""Which day a record falls on, and what happens at the edges of a window."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.domain.window import Window, day_of, day_window
from zcc_pipeline.landing.columns import text_column
from zcc_pipeline.landing.days import NO_TIME, days_of, parse_times, to_microseconds
from zcc_pipeline_tests.lakes import chunk, land, make_lake

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe"]


def parse(*texts: str | None) -> list[int]:
    return parse_times(text_column(texts)).tolist()


@given(
    moments=st.lists(st.datetimes(datetime(1970, 1, 3), datetime(2199, 12, 30)), min_size=1, max_size=30),  # noqa: DTZ001
    zone=st.sampled_from(ZONES),
)
def test_a_column_of_moments_falls_on_the_same_days_as_each_alone(moments: list[datetime], zone: str) -> None:
    aware = [moment.replace(tzinfo=UTC) for moment in moments]
    column = np.array([to_microseconds(moment) for moment in aware])
    days = [date.fromordinal(int(ordinal)) for ordinal in days_of(column, ZoneInfo(zone))]
    assert days == [day_of(moment, ZoneInfo(zone)) for moment in aware]


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)], ids=["23 hours", "25 hours"])
def test_the_first_and_last_moment_of_a_short_or_long_day_belong_to_it(tmp_path: Path, day: date) -> None:
    zone = ZoneInfo("Europe/Berlin")
    window = day_window(day, zone)
    inside = [window.start, window.end - timedelta(microseconds=1)]
    outside = [window.start - timedelta(microseconds=1), window.end]
    times = [moment.isoformat() for moment in inside + outside]
    lake = make_lake(tmp_path, timezone="Europe/Berlin")
    records = [(f"id-{number}", b"{}") for number in range(4)]
    counts = land(lake, chunk(records, occurred_at=times), window=window)
    assert (counts.new, counts.out_of_window, counts.days) == (2, 2, {day.isoformat()})
    assert lake.days("zoom/engagements") == [day]


def test_times_are_read_in_every_form_that_zoom_writes() -> None:
    noon = to_microseconds(datetime(2026, 11, 20, 12, tzinfo=UTC))
    forms = ["2026-11-20T12:00:00Z", "2026-11-20T12:00:00.000Z", "2026-11-20T13:00:00+01:00", "2026-11-20T12:00:00"]
    assert parse(*forms) == [noon] * 4
    assert parse(forms[0], str(noon // 1000)) == [noon, noon]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "1969-12-31T23:59:59Z",
        "99",
        "\ud800",
        "٣٤",
    ],
)
def test_what_is_no_time_is_told_apart_and_spoils_nothing(text: str | None) -> None:
    noon = to_microseconds(datetime(2026, 11, 20, 12, tzinfo=UTC))
    assert parse("2026-11-20T12:00:00Z", text) == [noon, NO_TIME]


def test_a_record_without_a_time_goes_to_its_window_or_else_to_the_day_it_was_read(tmp_path: Path) -> None:
    lake = make_lake(tmp_path, timezone="Asia/Kolkata")
    window = day_window(date(2026, 11, 3), ZoneInfo("Asia/Kolkata"))
    listed = land(lake, chunk([("x", b"{}")], occurred_at=None), window=window)
    alone = land(lake, chunk([("y", b"{}")], occurred_at=None))
    assert (listed.days, alone.days) == ({"2026-11-03"}, {"2026-11-22"})


def test_records_of_many_days_reach_their_own_days(tmp_path: Path) -> None:
    lake = make_lake(tmp_path, timezone="America/New_York")
    start = datetime(2026, 9, 1, 2, tzinfo=UTC)
    times = [(start + timedelta(hours=7 * number)).isoformat() for number in range(300)]
    counts = land(lake, chunk([(f"id-{number}", b"{}") for number in range(300)], occurred_at=times), flush_bytes=1)
    expected = {day_of(start + timedelta(hours=7 * number), ZoneInfo("America/New_York")) for number in range(300)}
    assert len(expected) > 32  # more than the writer keeps open
    assert set(lake.days("zoom/engagements")) == expected
    assert (counts.new, counts.files_written) == (300, len(expected))


def test_a_window_of_several_days_is_kept_to(tmp_path: Path) -> None:
    lake = make_lake(tmp_path)
    window = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC))
    times = ["2026-10-31T23:59:59.999Z", "2026-11-01T00:00:00Z", "2026-11-02T23:59:59Z", "2026-11-03T00:00:00Z"]
    records = [(f"id-{number}", b"{}") for number in range(4)]
    counts = land(lake, chunk(records, occurred_at=times), window=window)
    assert (counts.out_of_window, counts.days) == (2, {"2026-11-01", "2026-11-02"})
