"""A CRM's words without what they quote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.exports.report import ExportReport, masked


@pytest.mark.parametrize(
    ("words", "values", "shown"),
    [
        ("Email: jane@example.com is already in use", (), "Email: … is already in use"),
        ("Phone +49 (30) 123-456 is no number", (), "Phone … is no number"),
        ("Value 'Jane Doe' too long (maximum 255)", (), "Value … too long (maximum 255)"),
        ('duplicate value found: "x" on record 0015000000abc', (), "duplicate value found: … on record …abc"),
        ("JANE doe is not allowed", ("Jane", "Doe"), "… … is not allowed"),
        ("bad value: something was said here", ("something was said",), "bad value: … here"),
        ("<p>No <b>such</b> field</p>", (), "No such field"),
        ("REQUIRED_FIELD_MISSING: Required fields are missing: [Name]", ("",), None),
    ],
)
def test_what_may_be_quoted_is_hidden_and_the_reason_stays(
    words: str, values: tuple[str, ...], shown: str | None
) -> None:
    assert masked(words, values) == (shown or words)


@given(st.emails(), st.text(max_size=40), st.text(max_size=40))
def test_no_address_is_ever_shown(address: str, before: str, after: str) -> None:
    said = masked(f"{before} {address} {after}", [address])

    assert address not in said


@given(st.text(max_size=2000), st.lists(st.text(max_size=20), max_size=5))
def test_whatever_a_crm_says_is_shown_in_one_short_line(words: str, values: list[str]) -> None:
    said = masked(words, values)

    assert len(said) <= 300
    assert "\n" not in said


def test_a_run_is_complete_when_nothing_is_left_for_the_next() -> None:
    report = ExportReport("zendesk", is_dry_run=False)
    report.counts[Status.FAILED_PERMANENT] += 1
    assert report.is_complete
    report.counts[Status.UNKNOWN] += 1
    assert not report.is_complete
