"""Numbers as people type them, and telling them apart again."""

from __future__ import annotations

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.exports import phones
from zcc_pipeline.exports.phones import digits, is_same, national_digits, spellings

_REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


def _number(region: str, offset: int) -> str:
    example = phonenumbers.example_number(region)
    assert example is not None
    moved = phonenumbers.PhoneNumber(
        country_code=example.country_code,
        national_number=example.national_number - offset % 50,
        italian_leading_zero=example.italian_leading_zero,
    )
    return phonenumbers.format_number(moved, phonenumbers.PhoneNumberFormat.E164)


e164 = st.builds(_number, st.sampled_from(_REGIONS), st.integers(0, 49))


@pytest.mark.parametrize(
    ("number", "typed"),
    [
        ("+493012345678", "030 12345678"),
        ("+493012345678", "+49 30 12345678"),
        ("+493012345678", "00493012345678"),
        ("+493012345678", "493012345678"),
        ("+12125550123", "(212) 555-0123"),
        ("+12125550123", "212-555-0123"),
        ("+12125550123", "212.555.0123"),
        ("+12125550123", "2125550123"),
        ("+442079460123", "020 7946 0123"),
        ("+390612345678", "06 1234 5678"),
    ],
)
def test_a_number_is_looked_for_as_people_write_it(number: str, typed: str) -> None:
    assert typed in spellings(number)
    assert is_same(number, typed)


@given(e164)
def test_every_spelling_means_the_number_it_was_made_of(number: str) -> None:
    for typed in spellings(number):
        if typed != f"00{digits(number)}":  # not every country dials out with 00
            assert is_same(number, typed), typed


@given(e164)
def test_every_spelling_ends_with_the_national_digits(number: str) -> None:
    unusual = {"+54"}  # mobile numbers there have a 15 or a 9 in the middle, depending on who calls
    if number[:3] not in unusual:
        for typed in spellings(number):
            assert digits(typed).endswith(national_digits(number)[-6:])


@given(e164, e164)
def test_different_numbers_are_never_the_same(one: str, other: str) -> None:
    if one != other:
        assert not is_same(one, other)


@given(st.text(max_size=40))
def test_whatever_is_typed_into_a_crm_is_read_without_trouble(typed: str) -> None:
    is_same("+12125550123", typed)


@given(st.text(alphabet="+0123456789'\"\\*^,=()", max_size=30))
def test_spellings_hold_nothing_that_means_something_in_a_query(number: str) -> None:
    for typed in spellings(number):
        assert re.fullmatch(r"[0-9 +\-()./]*", typed)


@pytest.mark.parametrize(
    "typed", ["", None, "none", "+4930123456789", "12345678", "+1 212 555 0124", "030 12345678 ext. 5"]
)
def test_another_number_is_not_taken_for_it(typed: str | None) -> None:
    assert not is_same("+493012345678", typed)


@given(e164, st.data())
def test_a_glance_at_the_last_digits_decides_as_a_whole_parse_would(number: str, data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([number, *spellings(number)]))
    at = data.draw(st.integers(0, len(text)))
    odd = data.draw(st.text("0123456789 +-()./#x;~,*A５", max_size=3))
    typed = text[:at] + odd + text[at + data.draw(st.integers(0, 2)) :]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(phones, "_ends_otherwise", lambda _e164, _typed: False)
        parsed = is_same(number, typed)
    assert is_same(number, typed) == parsed
