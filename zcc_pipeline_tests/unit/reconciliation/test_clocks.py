"""The retention clock and silence in business hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.reconciliation import BusinessHours, UnstoredFile, limit_of_inbox, measure_silence, read_clocks

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)  # a Friday
BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = BusinessHours.parse("mon-fri 08:00-18:00")


def unstored(age_days: float, limit_days: int, source_id: str = "v") -> UnstoredFile:
    return UnstoredFile(ArtefactKind.VOICEMAIL, source_id, NOW - timedelta(days=age_days), limit_days)


def test_the_clock_shows_the_file_that_is_deleted_first_and_not_the_oldest() -> None:
    (clock,) = read_clocks([unstored(20, 90, "old"), unstored(5, 10, "strict inbox")], NOW)
    assert (clock.source_id, clock.limit_days, clock.files) == ("strict inbox", 10, 2)
    assert clock.deleted_at == NOW + timedelta(days=5)


@pytest.mark.parametrize(
    ("age_days", "limit_days", "is_alarming"),
    [(22.9, 30, False), (23, 30, True), (31, 30, True), (3.4, 7, False), (3.5, 7, True)],
)
def test_the_alarm_goes_a_week_before_or_at_half_of_a_short_limit(
    age_days: float, limit_days: int, is_alarming: bool
) -> None:
    (clock,) = read_clocks([unstored(age_days, limit_days)], NOW)
    assert clock.is_alarming is is_alarming


def test_nothing_to_lose_has_no_clock() -> None:
    assert read_clocks([], NOW) == []


def test_an_unknown_inbox_is_taken_for_the_strictest() -> None:
    limits = {"a": 30, "b": 7}
    assert limit_of_inbox("a", limits, 90) == 30
    assert limit_of_inbox("gone", limits, 90) == 7
    assert limit_of_inbox(None, {}, 90) == 90


def test_only_business_hours_count_as_silence() -> None:
    friday_evening = datetime(2026, 11, 20, 17, tzinfo=BERLIN)
    monday_morning = datetime(2026, 11, 23, 10, tzinfo=BERLIN)
    silence = measure_silence(friday_evening, monday_morning, hours=OFFICE, timezone=BERLIN, longest=timedelta(hours=4))
    assert silence.business_time == timedelta(hours=3)
    assert not silence.is_alarming
    later = monday_morning + timedelta(hours=1)
    assert measure_silence(friday_evening, later, hours=OFFICE, timezone=BERLIN, longest=timedelta(hours=4)).is_alarming


def test_a_clock_that_runs_behind_is_no_silence() -> None:
    later = NOW + timedelta(minutes=1)
    assert not measure_silence(later, NOW, hours=OFFICE, timezone=BERLIN, longest=timedelta(hours=1)).business_time


def test_a_day_with_a_change_of_clocks_has_23_or_25_hours() -> None:
    always = BusinessHours.parse("mon-sun 00:00-24:00")
    start = datetime(2026, 10, 25, tzinfo=BERLIN)
    assert always.between(start, datetime(2026, 10, 26, tzinfo=BERLIN), BERLIN) == timedelta(hours=25)


@pytest.mark.parametrize("text", ["", "mon-fri", "mon-fri 18:00-08:00", "someday 08:00-18:00", "mon-fri 8-18-20"])
def test_what_is_no_business_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        BusinessHours.parse(text)


def test_days_may_be_listed_and_spans_may_pass_sunday() -> None:
    assert BusinessHours.parse("mon,wed,sat 09:00-13:00").weekdays == {0, 2, 5}
    assert BusinessHours.parse("sat-mon 09:00-13:00").weekdays == {5, 6, 0}


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.integers(0, 500), st.integers(0, 500))  # noqa: DTZ001
def test_silence_adds_up(moment: datetime, first_hours: int, then_hours: int) -> None:
    start = moment.replace(tzinfo=UTC)
    middle = start + timedelta(hours=first_hours)
    end = middle + timedelta(hours=then_hours)
    parts = OFFICE.between(start, middle, BERLIN) + OFFICE.between(middle, end, BERLIN)
    assert abs(OFFICE.between(start, end, BERLIN) - parts) < timedelta(milliseconds=1)
    assert parts <= end - start
