"""Keyed hashes of ids, and finding the ids in what cannot even be read."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.domain.suppression import KeyedHash, SuppressionList, key_check

KEY = b"k" * 32


def listing(*erased: str) -> SuppressionList:
    return SuppressionList(KEY, frozenset(KeyedHash(KEY).of(each) for each in erased))


@given(key=st.binary(min_size=32, max_size=32), one=st.text(), other=st.text())
def test_two_ids_share_a_hash_only_if_they_are_the_same(key: bytes, one: str, other: str) -> None:
    keyed = KeyedHash(key)

    assert (keyed.of(one) == keyed.of(other)) == (one == other)
    assert keyed.of(one) == hmac.new(key, b"id\0" + one.encode(), hashlib.sha256).digest()
    assert keyed.of(one).hex() != key_check(key)


@given(erased=st.sets(st.text()), asked=st.text())
def test_a_list_holds_exactly_the_ids_it_was_made_of(erased: set[str], asked: str) -> None:
    made = listing(*erased)

    assert all(each in made for each in erased)
    assert (asked in made) == (asked in erased)
    assert None not in made
    assert bool(made) == bool(erased)


def test_half_characters_and_other_unicode_forms_are_ids_like_any_other() -> None:
    made = listing("\ud800", "é")

    assert "\ud800" in made
    assert "e\u0301" not in made


def test_the_engagement_decides_over_a_record_and_the_record_only_where_there_is_no_engagement() -> None:
    made = listing("eng-1", "rec-1")

    assert made.names("eng-1", "rec-9")
    assert made.names(None, "rec-1")
    assert made.names("", "rec-1")
    assert not made.names("eng-2", "rec-1"), "a recording that two engagements share stays with the other"
    assert not made.names(None, None)


@given(erased=st.text(min_size=1), ascii_only=st.booleans(), other=st.text())
def test_an_engagement_is_found_in_json_however_its_id_is_written(erased: str, ascii_only: bool, other: str) -> None:
    document = {"event": other, "payload": {"object": {"queue_id": "q", "engagement_id": erased}}}
    body = json.dumps(document, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")

    assert listing(erased).is_named_in(body)
    assert not listing(erased + "x").is_named_in(body)
    assert not listing("q").is_named_in(body), "only the engagement decides where there is one"
    assert not SuppressionList().is_named_in(body)


@pytest.mark.parametrize(
    "body",
    [
        rb'{"note_id": "n1", "engagement_id": "eng\/1"}',
        b'{"engagement_id":"eng/1","note":"cut he',
        b'\xff\xfe {"engagement_id" : "eng/1"}',
        b'{"id": "eng/1"}',
        b'{"recording_id": "eng/1"}',
    ],
)
def test_an_id_is_found_in_what_is_cut_damaged_or_escaped(body: bytes) -> None:
    assert listing("eng/1").is_named_in(body)
    assert not listing("eng/2").is_named_in(body)


def test_a_text_that_only_quotes_an_id_is_not_taken_for_its_record() -> None:
    assert not listing("eng-1").is_named_in(b'{"engagement_id": "eng-2", "note": "see eng-1"}')
    assert not listing("eng-1").is_named_in(b'{"note": "eng-1"}')
