"""Deletion by absence."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.reconciliation import DeletionDecision, decide_deletions
from zcc_pipeline_tests.unit.reconciliation.cases import END, HOUR

NOW = END
names = st.frozensets(st.sampled_from("abcdef"))


def decide(
    known: str, seen: str, pending: dict[str, int] | None = None, *, is_complete: bool = True
) -> DeletionDecision:
    since = {each: NOW - hours * HOUR for each, hours in (pending or {}).items()}
    return decide_deletions(set(known), set(seen), since, NOW, is_complete=is_complete)


def test_what_is_listed_is_there() -> None:
    assert decide("abc", "abcd") == DeletionDecision()


def test_the_first_absence_is_only_noted() -> None:
    assert decide("abc", "ab") == DeletionDecision(newly_absent=frozenset("c"))


def test_a_second_absence_counts_when_a_day_lies_between() -> None:
    assert decide("abc", "ab", {"c": 23}) == DeletionDecision()
    assert decide("abc", "ab", {"c": 24}) == DeletionDecision(to_confirm=frozenset("c"))


def test_what_comes_back_is_forgotten() -> None:
    assert decide("abc", "abc", {"c": 48}) == DeletionDecision(returned=frozenset("c"))


def test_a_listing_that_is_not_complete_says_nothing_about_absence() -> None:
    assert decide("abc", "a", {"a": 48, "c": 48}, is_complete=False) == DeletionDecision(returned=frozenset("a"))


def test_what_is_known_as_deleted_already_is_not_asked_about_again() -> None:
    assert decide("ab", "ab", {"c": 48}) == DeletionDecision()


@given(names, names, st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 72)), st.booleans())
def test_nothing_is_both_there_and_absent(
    known: frozenset[str], seen: frozenset[str], pending: dict[str, int], is_complete: bool
) -> None:
    since: dict[str, datetime] = {each: NOW - timedelta(hours=hours) for each, hours in pending.items()}
    decision = decide_deletions(known, seen, since, NOW, is_complete=is_complete)

    assert not (decision.newly_absent | decision.to_confirm) & seen
    assert decision.returned <= seen
    assert not decision.newly_absent & decision.to_confirm
    assert decision.newly_absent | decision.to_confirm <= known
