"""No value becomes a part of a search, and none is searched for that could."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.exports.zendesk.queries import (
    IDS_PER_LOOKUP,
    LONGEST_ID_LIST,
    can_be_searched,
    custom_field_query,
    email_query,
    is_plain_value,
    lists_of,
    phone_query,
)

TERM = re.compile(r'type:user(?: email:"[^"\\*:\s]+@[^"\\*:\s]+")+')
HOSTILE = st.text(alphabet=st.sampled_from('ab@."*\\:<>() -\n\tß日'), max_size=30) | st.text(max_size=30)


@given(st.lists(HOSTILE | st.emails(), min_size=1, max_size=5))
def test_an_address_that_is_searched_for_stays_inside_its_phrase(emails: list[str]) -> None:
    searchable = [email for email in emails if can_be_searched(email)]
    if searchable:
        query = email_query(searchable)
        assert TERM.fullmatch(query)
        assert query.count('"') == 2 * len(searchable)


def test_ordinary_addresses_are_searched_for() -> None:
    for email in ("anna@example.org", "o'brien+zoom@sub.example.co.uk", "müller@exämple.de", "a_b-c.d@x.io"):
        assert can_be_searched(email)


def test_wildcards_quotes_operators_and_lists_are_not() -> None:
    for email in ('a"@example.org', "*@example.org", "a\\@b.c", "role:admin@x.y", "a b@c.d", "a@b@c", "a,b@c.d", "x"):
        assert not can_be_searched(email)


@given(st.lists(st.from_regex(r"\+[1-9][0-9]{5,14}", fullmatch=True), min_size=1, max_size=5))
def test_phones_are_digits_behind_a_wildcard(phones: list[str]) -> None:
    query = phone_query(phones)
    assert re.fullmatch(r"type:user role:end-user(?: phone:\*[0-9]{6,15})+", query)


def test_a_number_is_looked_for_by_what_all_of_its_spellings_end_with() -> None:
    assert phone_query(["+4930123456"]) == "type:user role:end-user phone:*30123456"


@given(st.lists(st.text(min_size=1, max_size=200), unique=True, max_size=300))
def test_lists_of_ids_hold_each_once_and_stay_short(ids: list[str]) -> None:
    lists = lists_of(ids)
    assert sorted(each for one in lists for each in one) == sorted(ids)
    assert all(len(one) == 1 or ",".join(one).count(",") == len(one) - 1 for one in lists)
    assert all(len(one) <= IDS_PER_LOOKUP for one in lists)
    assert all(len(one) == 1 or len(",".join(one)) <= LONGEST_ID_LIST for one in lists)


@given(HOSTILE)
def test_a_value_of_a_custom_field_stays_inside_its_phrase(value: str) -> None:
    if is_plain_value(value):
        assert re.fullmatch(r'type:ticket custom_field_7:"[^"\\*]+"', custom_field_query("7", [value]), re.DOTALL)
