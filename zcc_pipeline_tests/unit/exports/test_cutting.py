"""Text made to fit."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.exports.cutting import Unit, clean, cut, cut_at_sentence, cut_html, length

TEXTS = st.text(max_size=300) | st.text(alphabet="ab .!?\n😀é漢।", max_size=300)
UNITS = st.sampled_from(["utf16", "utf8"])
WORDS = st.text(alphabet="ab<>&😀 ", max_size=12).map(html.escape)
HTML = st.recursive(
    WORDS | st.just("<br>"),
    lambda inner: (
        st.builds("<{0}>{1}</{0}>".format, st.sampled_from(["p", "b", "ul", "li"]), inner)
        | st.lists(inner, max_size=4).map("".join)
    ),
    max_leaves=12,
)


@given(TEXTS.map(clean), st.integers(1, 120), UNITS)
def test_what_is_cut_fits_and_what_fits_is_not_cut(text: str, limit: int, unit: Unit) -> None:
    for made in (cut(text, limit, unit=unit), cut_at_sentence(text, limit, unit=unit)):
        assert length(made, unit) <= limit
        made.encode()
        if length(text, unit) <= limit:
            assert made == text


@given(TEXTS.map(clean), st.integers(1, 120), TEXTS.map(clean), UNITS)
def test_a_remark_never_makes_a_text_too_long(text: str, limit: int, remark: str, unit: Unit) -> None:
    assert length(cut_at_sentence(text, limit, remark=remark, unit=unit), unit) <= limit


@given(TEXTS.map(clean), st.integers(1, 120), UNITS)
def test_a_cut_text_is_the_beginning_of_the_whole(text: str, limit: int, unit: Unit) -> None:
    assert text.startswith(cut(text, limit, unit=unit).removesuffix("…"))


def test_a_text_is_cut_after_a_sentence_with_a_remark_where_the_rest_is() -> None:
    text = "It was broken. We sent another one. It arrived on Monday, and all was well again."

    assert cut_at_sentence(text, 60, remark="[More: x]") == "It was broken. We sent another one.\n\n[More: x]"


def test_a_text_without_sentences_is_cut_after_a_word() -> None:
    assert cut_at_sentence("one two three four five", 15) == "one two three…"
    assert cut_at_sentence("x" * 30, 10) == "x" * 9 + "…"


def test_a_character_of_two_units_is_not_cut_in_two() -> None:
    assert cut("😀😀😀", 4) == "😀…"
    assert length("😀", "utf16") == 2
    assert length("é", "utf8") == 2


@given(st.text(max_size=60) | st.text(alphabet="\x00\x08\x0b\ud800\udfff\ufffe a\t\r\n", max_size=40))
def test_a_clean_text_has_nothing_that_xml_or_utf8_forbids_and_loses_nothing_else(text: str) -> None:
    cleaned = clean(text)

    cleaned.encode()
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", cleaned)
    assert [c for c in text if c.isalnum() or c in "\t\n\r "] == [c for c in cleaned if c.isalnum() or c in "\t\n\r "]


class Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.is_balanced = True

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.is_balanced = self.is_balanced and bool(self.open) and self.open.pop() == tag


@given(HTML, st.integers(0, 80))
def test_html_that_is_cut_fits_and_is_still_html(text: str, limit: int) -> None:
    made = cut_html(text, limit)

    assert length(made) <= max(limit, 0) or made == ""
    balance = Balance()
    balance.feed(made)
    balance.close()
    assert balance.is_balanced
    assert balance.open == []
    assert "<" not in re.sub(r"<[^<>]*>", "", made)
    assert not re.search(r"&(?!(amp|lt|gt|quot|#x27);)", made)


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_html_has_no_room_for_a_mark_where_there_is_none(limit: int) -> None:
    assert cut_html("<p>hello</p>", limit) in ("", "…")
