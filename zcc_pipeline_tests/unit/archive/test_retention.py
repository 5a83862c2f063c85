"""Retention: the longest class wins, nothing is ever shortened, and a wrong file is named with its line."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.archive.retention import (
    Retention,
    RetentionClass,
    RetentionFacts,
    lapses_at,
    parse_retention,
    read_retention,
    renew,
)
from zcc_pipeline.archive.retention_schema import rendered, retention_schema
from zcc_pipeline.domain.errors import ConfigurationError

ROOT = Path(__file__).parents[3]
FILE = """\
version: 1
default: standard
classes:
  standard: {years: 5, legal_ground: "MiFID II 16(7)"}
  trading:
    years: 7
    legal_ground: "asked for by the authority"
  survey: {days: 90, legal_ground: quality}
rules:
  - {class: trading, queues: [Trading desk]}
  - class: survey
    channels: [messaging, email]
    dispositions: [Just asking]
"""
DAY = date(2026, 11, 22)


def facts(**changes: Any) -> RetentionFacts:
    values: dict[str, Any] = {"started_on": DAY, "ended_on": DAY, "queues": (), "channels": ("voice",)}
    values |= {"dispositions": ()} | changes
    for name in ("queues", "channels", "dispositions"):
        values[name] = frozenset(values[name])
    return RetentionFacts(**values)


def kept(**changes: Any) -> tuple[str, date]:
    found = parse_retention(FILE, "my.yml").retention_of(facts(**changes))
    return found.class_name, found.retain_until


def test_what_no_rule_fits_is_of_the_default_class() -> None:
    assert kept() == ("standard", date(2031, 11, 22))


def test_a_rule_fits_by_queue_in_any_case_of_letters() -> None:
    assert kept(queues=["q-1", "TRADING desk"]) == ("trading", date(2033, 11, 22))


def test_a_rule_fits_only_where_everything_that_it_gives_fits() -> None:
    assert kept(channels=["email"]) == ("standard", date(2031, 11, 22))
    assert kept(channels=["voice"], dispositions=["Just asking"]) == ("standard", date(2031, 11, 22))
    assert kept(channels=["email"], dispositions=["just asking "]) == ("survey", date(2027, 2, 20))


def test_of_several_rules_that_fit_the_longest_wins_whatever_their_order() -> None:
    both = {"channels": ["messaging"], "dispositions": ["Just asking"], "queues": ["trading desk"]}
    assert kept(**both) == ("trading", date(2033, 11, 22))


def test_the_time_counts_from_the_end_which_may_be_weeks_after_the_start() -> None:
    assert kept(ended_on=date(2026, 12, 24)) == ("standard", date(2031, 12, 24))
    assert kept(ended_on=None) == ("standard", date(2031, 11, 22))
    assert kept(ended_on=date(2020, 1, 1)) == ("standard", date(2031, 11, 22))


def test_years_from_a_leap_day_end_a_day_later_rather_than_one_earlier() -> None:
    one = RetentionClass(years=1, legal_ground="law")
    four = RetentionClass(years=4, legal_ground="law")

    assert one.last_day(date(2028, 2, 29)) == date(2029, 3, 1)
    assert four.last_day(date(2028, 2, 29)) == date(2032, 2, 29)


@given(day=st.dates(), years=st.integers(1, 100), days=st.integers(1, 36_600))
def test_every_day_there_is_has_a_last_day_that_is_not_too_early(day: date, years: int, days: int) -> None:
    by_years = RetentionClass(years=years, legal_ground="law").last_day(day)
    by_days = RetentionClass(days=days, legal_ground="law").last_day(day)

    assert by_years == date.max or (by_years.year >= day.year + years and (by_years - day).days >= 365 * years)
    assert by_days == date.max or (by_days - day).days == days
    assert lapses_at(by_years) > datetime(by_years.year, by_years.month, by_years.day, tzinfo=UTC)


def test_the_last_day_is_over_only_when_it_is_over_everywhere_on_earth() -> None:
    assert lapses_at(DAY) == datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_file_that_became_stricter_extends_and_one_that_became_laxer_shortens_nothing_and_says_so() -> None:
    short, long = Retention(DAY, "survey", "quality"), Retention(DAY + timedelta(days=1), "standard", "law")

    assert renew(None, short).is_extended
    assert renew(short, long).retention == long
    assert renew(short, long).is_extended
    laxer = renew(long, short)
    assert (laxer.retention, laxer.is_extended, laxer.shorter) == (long, False, short)
    same = renew(long, long)
    assert (same.is_extended, same.shorter) == (False, None)


@given(first=st.dates(), second=st.dates())
def test_a_renewal_is_never_shorter_than_either(first: date, second: date) -> None:
    renewed = renew(Retention(first, "a", "law"), Retention(second, "b", "law"))

    assert renewed.retention.retain_until == max(first, second)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("default: standard", "default: standart", "my.yml:2: default: there is no class 'standart'"),
        ("class: trading", "class: tradng", "my.yml:10: rules.0.class: there is no class 'tradng'"),
        ("    years: 7", "    yeers: 7", "my.yml:6: classes.trading.yeers: is not known here; did you mean 'years'?"),
        ("    years: 7", "    years: 0", "my.yml:6: classes.trading.years: input should be greater than"),
        ("    years: 7", "    years: '7'", "my.yml:6: classes.trading.years: input should be a valid integer"),
        ("    years: 7", "    years: true", "my.yml:6: classes.trading.years: input should be a valid integer"),
        ("    years: 7", "    years: 7\n    days: 1", "my.yml:5: classes.trading: needs exactly one of years and days"),
        ("    years: 7\n", "", "my.yml:5: classes.trading: needs exactly one of years and days"),
        ('    legal_ground: "asked for by the authority"\n', "", "my.yml:5: classes.trading.legal_ground: is missing"),
        (", queues: [Trading desk]", "", "my.yml:10: rules.0: says of no engagements that they are its own"),
        ("[messaging, email]", "[messaging, mail]", "my.yml:12: rules.1.channels.1: must be 'voice', 'video'"),
        ("  survey:", "  Survey!:", "my.yml:8: classes.Survey!: string should match pattern"),
        ("  survey:", "  trading:", "my.yml:8: 'trading' is there twice"),
        ("version: 1", "version: 2", "my.yml:1: version: must be 1"),
        ("default: standard\n", "", "my.yml:1: default: is missing"),
        ("rules:", "rules: [", "my.yml:1"),
    ],
)
def test_a_wrong_file_is_told_by_file_and_line(old: str, new: str, said: str) -> None:
    assert old in FILE
    with pytest.raises(ConfigurationError) as error:
        parse_retention(FILE.replace(old, new), "my.yml")

    assert str(error.value).startswith(f"ZCC_ARCHIVE_RETENTION: {said}")


def test_a_file_that_is_not_there_says_what_it_would_be_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no file .*\n.*nothing in the archive ever expires"):
        read_retention(tmp_path / "retention.yml")


def test_the_published_schema_is_the_models() -> None:
    published = (ROOT / "docs" / "archive_retention.schema.json").read_text(encoding="utf-8")

    assert published == rendered(), "python -m zcc_pipeline.archive.retention_schema prints the current one"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    years: 7", "    years: 7\n    days: 1"),
        ("    years: 7\n", ""),
        (", queues: [Trading desk]", ""),
        (", queues: [Trading desk]", ", queues: []"),
        ("[messaging, email]", "[mail]"),
        ("  survey:", "  Survey!:"),
    ],
)
def test_the_schema_takes_the_file_and_refuses_what_the_reader_refuses(old: str, new: str) -> None:
    validator = jsonschema.Draft202012Validator(retention_schema())
    validator.check_schema(retention_schema())

    assert list(validator.iter_errors(yaml.safe_load(FILE))) == []
    assert list(validator.iter_errors(yaml.safe_load(FILE.replace(old, new))))
