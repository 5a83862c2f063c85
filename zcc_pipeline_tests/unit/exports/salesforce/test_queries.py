"""Values in queries, read back by a parser of SOQL that shares no code with what wrote them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.exports.cutting import clean
from zcc_pipeline.exports.salesforce.queries import any_of, is_name, literal, select
from zcc_pipeline.simulator.crm.salesforce.soql import Combined, Comparison, Condition, comparisons, parse

HOSTILE = st.text(st.sampled_from("'\\\"()%_,=;\n\r\t\b\f \x00nu0aORé😀")) | st.text(
    st.characters(exclude_categories=("Cs",)), max_size=60
)


def conditions(texts: Iterable[str]) -> list[Condition | None]:
    return [parse(select(("Id",), "Contact", text)).where for text in texts]


@given(HOSTILE)
@example("\\")
@example("'")
@example("x' OR Name LIKE '%")
@example("\\' OR Id != null OR Email = \\'")
@example("\\u0027")
def test_whatever_a_value_holds_it_stays_one_value(value: str) -> None:
    condition = parse(f"SELECT Id FROM Contact WHERE Email = {literal(value)}").where
    assert isinstance(condition, Comparison)
    assert condition.values == (value,)


@given(st.lists(HOSTILE.filter(bool), min_size=1, max_size=30), st.integers(min_value=60, max_value=600))
def test_every_value_is_asked_for_in_one_of_the_queries_and_nothing_else_is(values: list[str], room: int) -> None:
    values = [clean(value) for value in values]
    asked: set[Any] = set()
    for condition in conditions(any_of({"Email": values, "Phone": values[:3]}, room=room)):
        for each in comparisons(condition):
            assert (each.operator, each.is_negated) == ("in", False)
            asked |= {(each.field, value) for value in each.values}
    assert asked == {("Email", value) for value in values} | {("Phone", value) for value in values[:3]}


@given(st.lists(st.emails(), min_size=1, max_size=200, unique=True))
def test_no_query_is_longer_than_its_room_unless_one_value_is(values: list[str]) -> None:
    room = 500
    for text in any_of({"Email": values}, room=room):
        (condition,) = conditions([text])
        assert isinstance(condition, Comparison)
        assert len(quote(text, safe="")) <= room or len(condition.values) == 1


def test_values_that_are_there_twice_are_asked_for_once() -> None:
    assert list(any_of({"Email": ["a", "b", "a"]})) == ["Email IN ('a', 'b')"]
    assert list(any_of({"Email": []})) == []


def test_several_fields_share_a_query() -> None:
    (condition,) = conditions(any_of({"Phone": ["1"], "MobilePhone": ["1", "2"]}))
    assert condition == Combined("or", (Comparison("Phone", "in", ("1",)), Comparison("MobilePhone", "in", ("1", "2"))))


@pytest.mark.parametrize(
    "text", ["", "1a", "a b", "a'b", "a.b.c)", "Id FROM User", "ä", "a" * 81, "Name--", "Id\nFROM", "Id;"]
)
def test_what_is_no_name_never_becomes_part_of_a_query(text: str) -> None:
    assert not is_name(text)
    with pytest.raises(PermanentError):
        select((text,), "Contact", "Id = ''")
    with pytest.raises(PermanentError):
        select(("Id",), text, "Id = ''")
    with pytest.raises(PermanentError):
        list(any_of({text: ["a"]}))
