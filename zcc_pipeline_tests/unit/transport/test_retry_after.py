"""Every form of ``Retry-After``, and rubbish."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.transport import parse_retry_after
from zcc_pipeline.transport.retry_after import LONGEST_SECONDS, is_date_time

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("1", 1),
        (" 120 ", 120),
        ("1.5", 1.5),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sunday, 01-Mar-26 12:00:30 GMT", 30),
        ("Sun, 01 Mar 2026 13:00:00 +0100", 0),
        ("2026-03-02T00:00:00Z", 43_200),
        ("2026-03-01T12:00:05", 5),
        ("2026-03-01T14:00:10+02:00", 10),
        ("2026-03-01 12:01:00Z", 60),
        ("2026-03-02", 43_200),
        ("2020-01-01T00:00:00Z", 0),
        ("9" * 14, LONGEST_SECONDS),
        ("9999-12-31T23:59:59Z", LONGEST_SECONDS),
    ],
)
def test_a_wait_is_read_in_every_form(value: str, seconds: float) -> None:
    assert parse_retry_after(value, now=NOW) == seconds


@pytest.mark.parametrize(
    "value", [None, "", "soon", "-5", "1e9", "nan", "inf", "٣", "0x10", "2026-13-45", "12:00", "1,5"]
)
def test_what_says_nothing_usable_is_none(value: str | None) -> None:
    assert parse_retry_after(value, now=NOW) is None


@given(value=st.text(max_size=40) | st.binary(max_size=40).map(lambda raw: raw.decode("latin-1")))
def test_no_header_whatever_breaks_it_or_waits_for_ever(value: str) -> None:
    seconds = parse_retry_after(value, now=NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_SECONDS
    assert is_date_time(value) in (True, False)


@given(wait=st.integers(0, 10**6))
def test_all_forms_agree(wait: int) -> None:
    moment = NOW + timedelta(seconds=wait)
    forms = (str(wait), moment.strftime("%a, %d %b %Y %H:%M:%S GMT"), moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert {parse_retry_after(form, now=NOW) for form in forms} == {float(wait)}
