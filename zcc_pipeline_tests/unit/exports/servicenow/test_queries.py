"""Whatever a customer, an agent or a hostile caller is called: a query asks for that and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zcc_pipeline.exports.servicenow.queries import (
    Unsearchable,
    any_of,
    condition,
    ids,
    is_searchable,
    names,
    one_of,
    packed,
)
from zcc_pipeline.simulator.crm.servicenow.encoded_query import Condition, matches, parse

HOSTILE = (
    "a^ORactive=true",
    "a^NQactive=true",
    "a^^ORactive=true",
    "a,b",
    "javascript:gs.getUserID()",
    " JavaScript:x",
    "x\njavascript:y",
    "a`b",
    "",
)

texts = st.text(max_size=60) | st.sampled_from(HOSTILE) | st.from_regex(r"[a-z0-9^=,!<>@.]{1,20}", fullmatch=True)


@given(texts)
@example("a^ORactive=true")
@example("javascript:gs.getUserID()")
@example("o=brien@example.com")
def test_a_value_means_itself_or_is_not_sent(value: str) -> None:
    try:
        query = str(condition("email", "=", value))
    except Unsearchable:
        assert not is_searchable(value)
        return
    assert parse(query).branches == (((Condition("email", "=", value),),),)


@given(st.lists(texts, min_size=1, max_size=8), st.lists(texts, max_size=8))
def test_rows_are_found_by_their_own_value_alone(asked: list[str], others: list[str]) -> None:
    conditions = one_of("email", asked)
    wanted = {value.lower() for value in asked if is_searchable(value)}
    assert bool(conditions) == bool(wanted)
    if not conditions:
        return
    query = parse(any_of(conditions))
    for value in [*asked, *others]:
        row = {"email": value, "active": "true"}
        assert matches(query, row.get, drop_invalid=True) == (value.lower() in wanted)


@given(st.lists(st.from_regex(r"[a-z0-9]{1,40}", fullmatch=True), unique=True, max_size=300))
def test_long_look_ups_are_cut_into_queries_that_leave_nothing_out(values: list[str]) -> None:
    queries = list(packed(one_of("u_key", values), extra="^ORDERBYsys_created_on"))
    assert all(len(query) <= 3_200 for query in queries)
    found = [each for query in queries for branch in parse(query).branches for group in branch for each in group]
    assert [value for each in found for value in each.value.split(",")] == values


@given(texts)
def test_columns_and_operators_are_never_anybody_elses(value: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*", value, flags=re.ASCII):
        with pytest.raises(ValueError, match="no column"):
            condition(value, "=", "x")
    with pytest.raises(ValueError, match="no column"):
        condition("email", "SQL", "x")


@given(st.lists(texts, max_size=5))
def test_lists_of_ids_and_names_hold_nothing_else(values: list[str]) -> None:
    sys_id = "0123456789abcdef" * 2
    assert ids("sys_id", [sys_id, *values]) == f"sys_idIN{sys_id}"
    for name in names("name", ["interaction", *values]).removeprefix("nameIN").split(","):
        assert re.fullmatch(r"[a-z][a-z0-9_.]*", name)


def test_ids_with_equal_signs_can_be_looked_for() -> None:
    """And stand alone: where a condition is taken apart at its first ``=``, a list would be no list any more."""
    conditions = [str(each) for each in one_of("u_key", ["abc==", "def", "ghi", "a=b"])]
    assert conditions == ["u_key=abc==", "u_key=a=b", "u_keyINdef,ghi"]
