"""Customers who come into the CRM after their conversations have."""

from __future__ import annotations

from datetime import timedelta

import pytest

from zcc_pipeline.exports import relinking
from zcc_pipeline.exports.activity import Activity
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline_tests.integration.exports.centre import Centre, Dark, mapping
from zcc_pipeline_tests.integration.exports.engagements import changed, engagement
from zcc_pipeline_tests.integration.exports.scripted_server import START

pytestmark = pytest.mark.integration

HOUR = 3_600.0
LATER = 2 * HOUR


def recent(number: int, *, days_ago: int = 2) -> Activity:
    started = START - timedelta(days=days_ago)
    ended = started + timedelta(minutes=5)
    return changed(engagement(number), started_at=started, started_date=started.date(), ended_at=ended)


def customers(centre: Centre) -> list[str | None]:
    return [record.customer for record in centre.crm.records.values()]


def test_a_customer_who_appears_later_is_linked_though_nothing_else_has_changed(centre: Centre) -> None:
    centre.take(recent(1), recent(2))
    centre.export()
    assert customers(centre) == [None, None]

    centre.crm.people = {"customer.1@people.example": ["p1"]}
    centre.clock.seconds += LATER
    report = centre.export()

    assert report.counts == {Status.UPDATED: 1, Status.UNCHANGED: 1}
    assert customers(centre) == ["p1", None]
    assert all(record.entries for record in centre.crm.records.values())
    assert [len(centre.crm.of(key)) for key in centre.activities] == [1, 1]

    centre.clock.seconds += LATER
    assert centre.export().counts == {Status.UNCHANGED: 2}
    assert centre.read == ["eng-00002"]


def test_several_customers_who_have_become_one_are_linked(centre: Centre) -> None:
    centre.crm.people = {"customer.1@people.example": ["p1", "p2"]}
    centre.take(recent(1))
    centre.export()

    centre.crm.people = {"customer.1@people.example": ["p1"]}
    centre.clock.seconds += LATER
    centre.export()

    assert customers(centre) == ["p1"]


def test_what_waits_in_quarantine_for_its_customer_leaves_it_when_the_customer_appears(centre: Centre) -> None:
    centre.mapping = mapping(on_none="quarantine")
    centre.take(recent(1))
    assert centre.export().counts == {Status.FAILED_PERMANENT: 1}

    centre.clock.seconds += LATER
    again = centre.export()
    assert (again.counts, again.refused) == ({Status.FAILED_PERMANENT: 1}, [])

    centre.crm.people = {"customer.1@people.example": ["p1"]}
    centre.clock.seconds += LATER
    assert centre.export().counts == {Status.CREATED: 1}
    assert customers(centre) == ["p1"]
    assert centre.held() == []


def test_a_rehearsal_tells_of_records_that_would_be_linked_and_links_none(centre: Centre) -> None:
    centre.take(recent(1))
    centre.export()
    centre.crm.people = {"customer.1@people.example": ["p1"]}
    centre.clock.seconds += LATER

    assert centre.export(is_dry_run=True).counts == {Status.UPDATED: 1}
    assert customers(centre) == [None]


def test_nobody_is_looked_for_again_right_away_long_after_or_where_nobody_could_be_found(centre: Centre) -> None:
    centre.take(
        recent(1),
        recent(2, days_ago=relinking.FOR.days + 1),
        changed(recent(3), customer_email=None, customer_phone=None),
    )
    centre.export()
    centre.export()
    assert (centre.read, centre.destination.asked) == ([], [])

    centre.clock.seconds += LATER
    centre.export()
    assert centre.read == ["eng-00001"]


def test_a_run_looks_for_some_and_the_next_for_the_others(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relinking, "_MOST_A_RUN", 2)
    centre.take(*(recent(number) for number in range(4)))
    centre.export()
    read = []
    for _ in range(2):
        centre.clock.seconds += LATER
        centre.export()
        read.append(sorted(centre.read))

    assert read == [["eng-00000", "eng-00001"], ["eng-00002", "eng-00003"]]


def test_a_crm_whose_search_does_not_answer_ends_the_run_and_forgets_nobody(centre: Centre) -> None:
    centre.take(recent(1))
    centre.export()
    centre.clock.seconds += LATER
    assert centre.export(kind=Dark).stopped == "search customers: 503"

    centre.crm.people = {"customer.1@people.example": ["p1"]}
    assert centre.export().counts == {Status.UPDATED: 1}
    assert customers(centre) == ["p1"]
