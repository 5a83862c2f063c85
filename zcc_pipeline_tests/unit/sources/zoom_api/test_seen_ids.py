"""The set of ids behind a listing, against a set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.sources.zoom_api import SeenIds

pages = st.lists(st.lists(st.text(max_size=3), max_size=8), max_size=8)


@given(pages=pages, others=pages, asked=st.lists(st.text(max_size=3)))
def test_it_counts_and_answers_like_a_set(pages: list[list[str]], others: list[list[str]], asked: list[str]) -> None:
    seen, more, model = SeenIds(), SeenIds(), set[str]()
    for target, given_pages in ((seen, pages), (more, others)):
        for page in given_pages:
            target.update(page)
            model.update(page)
            assert page[0] in target if page else True
    seen |= more
    assert len(seen) == len(model)
    assert seen.missing(asked) == [each for each in asked if each not in model]


@pytest.mark.slow
def test_a_million_ids_are_told_apart() -> None:
    seen = SeenIds()
    for first in range(0, 1_000_000, 100):
        seen.update([f"eng{number:019d}" for number in range(first, first + 100)])
    assert len(seen) == 1_000_000
    assert seen.missing(["eng0000000000000999999", "eng0000000000001000000"]) == ["eng0000000000001000000"]
