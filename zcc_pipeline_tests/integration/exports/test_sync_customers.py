"""Whom records are linked to, who owns them, and what another program has logged."""

from __future__ import annotations

import pytest

from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline_tests.integration.exports.centre import Centre, mapping
from zcc_pipeline_tests.integration.exports.engagements import changed, engagement

pytestmark = pytest.mark.integration


def test_customers_are_found_once_a_run_and_linked(centre: Centre) -> None:
    same = {"customer_email": "Ann@people.example", "customer_phone": None}
    centre.crm.people = {"ann@people.example": ["p1"], "+41446680009": ["p2"]}
    centre.take(
        *(engagement(number, **same) for number in (1, 2, 3, 6, 7)),
        engagement(8, customer_email=None, customer_phone="+41446680009"),
    )

    centre.export(destination={"batch_size": 2})

    assert [record.customer for record in centre.crm.records.values()] == ["p1"] * 5 + ["p2"]
    asked = [keys for what, wanted in centre.destination.asked if what == "customers" for keys in wanted]
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("policy", "people", "counts", "code"),
    [
        ({}, {}, {Status.CREATED: 1}, None),
        ({"on_none": "quarantine"}, {}, {Status.FAILED_PERMANENT: 1}, "no_customer"),
        ({}, {"customer.1@people.example": ["a", "b"]}, {Status.CREATED: 1}, None),
        (
            {"on_several": "quarantine"},
            {"customer.1@people.example": ["a", "b"]},
            {Status.FAILED_PERMANENT: 1},
            "several_customers",
        ),
    ],
)
def test_none_or_several_customers_are_left_unlinked_or_quarantined(
    centre: Centre, policy: dict[str, str], people: dict[str, list[str]], counts: dict[Status, int], code: str | None
) -> None:
    centre.mapping, centre.crm.people = mapping(**policy), people
    centre.take(engagement(1))

    assert centre.export().counts == counts
    assert [item.reason for item in centre.held()] == ([code] if code else [])
    assert [record.customer for record in centre.crm.records.values()] == ([] if code else [None])
    if code:
        assert centre.export().counts == counts
        assert centre.destination.asked == []


def test_a_customer_who_is_not_there_is_created_once(centre: Centre) -> None:
    centre.mapping = mapping(on_none="create")
    same = {"customer_email": "ann@people.example", "customer_phone": None}
    centre.take(
        *(engagement(number, **same) for number in (1, 2, 3)),
        engagement(6, customer_name=None),
        engagement(7, customer_email=None, customer_phone=None),
    )

    report = centre.export()

    assert len(centre.crm.people) == 1
    assert report.codes == {"customer_refused": 1}
    assert report.counts == {Status.CREATED: 4, Status.FAILED_PERMANENT: 1}


def test_records_belong_to_the_agent_or_else_to_whom_the_mapping_names(centre: Centre) -> None:
    centre.crm.users = {"bo.lindqvist@centre.example": "bo", "fallback@centre.example": "desk"}
    centre.take(engagement(1), engagement(2), engagement(3, agent_email=None))

    centre.export()

    assert [centre.crm.of(f"eng-0000{number}")[0].owner for number in (1, 2, 3)] == ["bo", "desk", "desk"]


COEXISTENCE = (
    "{{queues: {{Support: {rule}}}, lookup: {{object: log, field: call, from: engagement_id}}, "
    "enrich_fields: {{summary: summary}}}}"
)


def test_what_another_program_logs_is_left_alone(centre: Centre) -> None:
    centre.mapping = mapping(coexistence=COEXISTENCE.format(rule="skip"))
    centre.crm.logged = {"eng-00003": "L1"}
    centre.take(engagement(3), engagement(6), engagement(7))

    assert centre.export().counts == {Status.SKIPPED: 1, Status.CREATED: 2}
    assert centre.export().counts == {Status.SKIPPED: 1, Status.UNCHANGED: 2}
    assert sorted(record.engagement_id for record in centre.crm.records.values()) == ["eng-00006", "eng-00007"]


def test_without_a_lookup_a_queue_of_another_program_is_left_alone_whole(centre: Centre) -> None:
    centre.mapping = mapping(coexistence="{queues: {Support: skip}}")
    centre.take(engagement(3), engagement(7))

    assert centre.export().counts == {Status.SKIPPED: 1, Status.CREATED: 1}


def test_what_another_program_logs_is_enriched_and_never_logged_twice(centre: Centre) -> None:
    centre.mapping = mapping(coexistence=COEXISTENCE.format(rule="enrich"))
    centre.crm.logged = {"eng-00003": "L1"}
    centre.take(engagement(3))

    assert centre.export().counts == {Status.UPDATED: 1}
    centre.take(changed(engagement(3), summary="more"))
    assert centre.export().counts == {Status.UPDATED: 1}

    row = centre.rows()["eng-00003"]
    assert (row.remote_id, row.is_foreign, centre.crm.records) == ("L1", True, {})
