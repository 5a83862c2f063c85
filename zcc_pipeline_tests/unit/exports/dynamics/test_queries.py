"""OData texts that nobody can break out of, and ids that follow from names."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.exports.dynamics import queries
from zcc_pipeline.simulator.crm.dynamics.addresses import read_address
from zcc_pipeline.simulator.crm.dynamics.filters import parse_filter, read_literal

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=80)
QUOTES = st.text(alphabet="'\"\\() eqorand%+&#;-/", max_size=40)
COLUMNS = ("emailaddress1", "telephone1")


@given(TEXTS | QUOTES)
def test_a_literal_holds_the_text_and_nothing_else(text):
    assert read_literal(queries.literal(text)) == text


@given(TEXTS | QUOTES, TEXTS | QUOTES)
def test_a_filter_finds_the_row_with_that_text_and_no_other(text, other):
    test = parse_filter(queries.equals("emailaddress1", text), COLUMNS)
    assert test({"emailaddress1": text})
    assert test({"emailaddress1": other}) == (text.casefold() == other.casefold())


@given(st.lists(TEXTS | QUOTES, min_size=1, max_size=5))
def test_alternatives_stay_alternatives_beside_another_condition(texts):
    tests = queries.any_of(queries.equals("telephone1", text) for text in texts)
    test = parse_filter(f"{tests} and emailaddress1 eq 'a'", COLUMNS)
    assert all(test({"telephone1": text, "emailaddress1": "a"}) for text in texts)
    assert not any(test({"telephone1": text, "emailaddress1": "b"}) for text in texts)


@given(TEXTS | QUOTES)
def test_a_query_says_on_the_wire_what_was_meant(text):
    options = {"$filter": queries.equals("emailaddress1", text), "$top": "2"}
    sent = queries.query(options)
    assert sent.isascii()
    assert parse_qs(sent[1:], keep_blank_values=True) == {key: [value] for key, value in options.items()}


@given(TEXTS | QUOTES)
def test_an_address_by_key_holds_the_value(text):
    address = queries.address("zcc_engagements", queries.by_key("zcc_id", text))
    assert address.isascii()
    assert "/" not in address
    assert " " not in address
    if queries.fits_key(text):
        inside = unquote(address.removeprefix("zcc_engagements(").removesuffix(")"))
        assert read_address(inside).values == {"zcc_id": text}


@given(TEXTS)
def test_what_does_not_fit_a_key_is_known(text):
    fits = queries.fits_key(text)
    assert fits == (bool(text) and text.isprintable() and not any(mark in text for mark in "/<>*%&:\\?+"))


@pytest.mark.parametrize("name", ["a b", "a'b", "a)", "", "1a", "a,b", "$x", "ä"])
def test_a_name_that_could_be_more_is_refused(name):
    with pytest.raises(ValueError, match="no name"):
        queries.equals(name, "x")


@given(TEXTS, TEXTS, TEXTS)
def test_ids_follow_from_names_and_differ_by_kind(engagement_id, key, other):
    assert queries.row_id(engagement_id) == queries.row_id(engagement_id)
    assert queries.is_guid(queries.note_id(engagement_id, key))
    assert queries.row_id(engagement_id) != queries.note_id(engagement_id, key)
    assert (queries.note_id(engagement_id, key) == queries.note_id(engagement_id, other)) == (key == other)
