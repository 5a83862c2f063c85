"""What each day was when the archive last looked at it."""

from __future__ import annotations

from datetime import timedelta

from zcc_pipeline.domain.archive_ledger import DayLook
from zcc_pipeline.state import StateStore
from zcc_pipeline_tests.integration.state.conftest import DAY

NEXT = DAY + timedelta(days=1)


def test_each_look_has_a_fingerprint_of_its_own_and_the_last_one_counts(store: StateStore) -> None:
    marks = store.archive_marks
    marks.save(DayLook.CHANGES, {DAY: "a" * 64, NEXT: "b" * 64})
    marks.save(DayLook.MANIFESTS, {DAY: "c" * 64})
    marks.save(DayLook.CHANGES, {NEXT: "d" * 64})
    marks.save(DayLook.CHANGES, {})
    assert marks.all(DayLook.CHANGES) == {DAY: "a" * 64, NEXT: "d" * 64}
    assert marks.all(DayLook.MANIFESTS) == {DAY: "c" * 64}
    assert marks.all(DayLook.STRAYS) == {}


def test_what_lies_far_from_its_day_is_replaced_by_the_next_look_at_that_day(store: StateStore) -> None:
    marks = store.archive_marks
    marks.save_strays(DAY, {f"eng-{number}" for number in range(1_200)}, "a" * 64)
    marks.save_strays(NEXT, {"eng-1", "eng-x"}, "b" * 64)
    assert marks.strays()["eng-1"] == {DAY, NEXT}
    marks.save_strays(DAY, {"eng-y"}, "c" * 64)
    assert dict(marks.strays()) == {"eng-1": {NEXT}, "eng-x": {NEXT}, "eng-y": {DAY}}
    assert marks.all(DayLook.STRAYS) == {DAY: "c" * 64, NEXT: "b" * 64}


def test_an_erased_engagement_is_gone_from_it(store: StateStore) -> None:
    store.archive_marks.save_strays(DAY, {"eng-1", "eng-2"}, "a" * 64)
    store.purges.erase(["eng-1"], {}, [])
    assert dict(store.archive_marks.strays()) == {"eng-2": {DAY}}
