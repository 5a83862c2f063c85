"""The mapping against what an org says of itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from zcc_pipeline.exports.destination import MappingProblem
from zcc_pipeline.exports.mapping import CrmMapping, parse_mapping
from zcc_pipeline.exports.salesforce.metadata import (
    check_coexistence,
    check_names,
    check_target,
    check_task,
    read_describe,
)
from zcc_pipeline.exports.salesforce.options import SalesforceOptions
from zcc_pipeline.simulator.crm.salesforce.schema import ACTIVITY_KEY, ENGAGEMENT, FieldSpec, default_org

MAPPING = """
version: 1
salesforce:
  targets:
    engagement:
      object: Contact_Center_Engagement__c
      key: Engagement_Id__c
      fields:
        Subject__c: {from: subject, cut: 255}
        Started_At__c: {from: started_at, as: datetime}
        Answered__c: is_answered
        Duration_Seconds__c: duration_seconds
  channels: {voice: engagement}
"""


def mapping(text: str = MAPPING) -> CrmMapping:
    found = parse_mapping("salesforce", text, "m.yml")
    assert found is not None
    return found


def problems(text: str = MAPPING, *changed: FieldSpec, without: tuple[str, ...] = ()) -> list[MappingProblem]:
    read = mapping(text)
    info = read_describe(ENGAGEMENT.with_fields(*changed, without=without).describe())
    target, options = read.section.targets["engagement"], read.options("engagement", SalesforceOptions)
    return list(check_target("engagement", target, options, read.section, info))


def field(name: str, **changes: Any) -> FieldSpec:
    return replace(ENGAGEMENT.fields[name], **changes)


def test_a_mapping_that_fits_has_no_problems() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"is_external_id": False}, "External ID"),
        ({"is_unique": False}, "Unique"),
        ({"is_case_sensitive": False}, "upper and lower case"),
        ({"length": 18}, "takes 18 characters"),
        ({"createable": False}, "may not fill"),
    ],
)
def test_a_key_by_which_engagements_could_be_confused_or_not_found_is_refused(
    changes: dict[str, Any], words: str
) -> None:
    (found,) = problems(MAPPING, field("Engagement_Id__c", **changes))
    assert found.where == ("targets", "engagement", "key")
    assert words in found.problem


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("Subject__c: {from: subject, cut: 256}", "takes 255 characters, the mapping allows 256"),
        ("Subject__c: duration_seconds", "is text, the mapping makes a number"),
        ("Duration_Seconds__c: subject", "takes a number, the mapping makes a text"),
        ("Duration_Seconds__c: {from: duration_seconds, as: text}", "takes a number"),
        ("Started_At__c: {from: started_at, as: servicenow_datetime}", "takes a datetime"),
        ("Answered__c: {value: 'yes'}", "takes a boolean"),
        ("Nothing__c: subject", "is not there"),
        ("Name: subject", "may not fill"),
        ("Contact__c: customer_email", "type reference"),
    ],
)
def test_a_field_that_is_not_there_or_takes_something_else_is_named(rule: str, words: str) -> None:
    name = rule.partition(":")[0]
    lines = [line for line in MAPPING.splitlines() if not line.strip().startswith(f"{name}:")]
    place = lines.index("      fields:") + 1
    found = problems("\n".join([*lines[:place], f"        {rule}", *lines[place:]]))
    assert [each.where[-1] for each in found] == [name]
    assert words in found[0].problem


def test_what_a_table_makes_is_not_guessed() -> None:
    text = MAPPING.replace("Answered__c: is_answered", "Answered__c: {from: direction, map: {inbound: true}}")
    assert problems(text) == []


def test_a_field_that_the_org_requires_and_nobody_fills_is_found_before_it_refuses_every_record() -> None:
    (found,) = problems(MAPPING, FieldSpec("Region__c", "string", 40, is_required=True))
    assert "Region__c is required" in found.problem


def test_a_link_must_be_a_look_up_to_that_kind_of_people() -> None:
    assert "is not there" in problems(without=("Lead__c",))[0].problem
    wrong = problems(MAPPING, field("Lead__c", refers_to=("Account",)))
    assert wrong[0].where == ("targets", "engagement", "options", "lead_field")
    text = MAPPING.replace("  channels:", "      options: {lead_field: null}\n  channels:")
    assert problems(text, without=("Lead__c",)) == []


def test_an_object_that_is_not_there_is_one_problem() -> None:
    read = mapping()
    target, options = read.section.targets["engagement"], read.options("engagement", SalesforceOptions)
    (found,) = check_target("engagement", target, options, read.section, None)
    assert "deploy/salesforce" in found.remedy


def test_tasks_without_a_unique_key_are_refused_with_the_reason() -> None:
    text = MAPPING.replace("  channels:", "      options: {task: {copy: {Subject: Subject__c}}}\n  channels:")
    read = mapping(text)
    task = read.options("engagement", SalesforceOptions).task
    assert task is not None
    org = default_org()
    (found,) = check_task(("t",), task, read.section.targets["engagement"], read_describe(org["Task"].describe()))
    assert "every run would add tasks" in found.remedy
    with_key = read_describe(org["Task"].with_fields(ACTIVITY_KEY).describe())
    assert list(check_task(("t",), task, read.section.targets["engagement"], with_key)) == []


def test_a_tasks_fields_must_be_open_to_updates_too() -> None:
    text = MAPPING.replace("  channels:", "      options: {task: {copy: {}, values: {TaskSubtype: Call}}}\n  channels:")
    read = mapping(text)
    task = read.options("engagement", SalesforceOptions).task
    assert task is not None
    info = read_describe(default_org(with_task_key=True)["Task"].describe())
    (found,) = check_task(("t",), task, read.section.targets["engagement"], info)
    assert found.where == ("t", "values", "TaskSubtype")


def test_names_that_cannot_be_salesforces_never_reach_an_address() -> None:
    text = MAPPING.replace("key: Engagement_Id__c", 'key: "Id/../x"')
    assert [each.where for each in check_names(mapping(text).section)] == [("targets", "engagement", "key")]


def test_notes_cannot_be_appended() -> None:
    text = MAPPING.replace("  channels:", "  notes: entries\n  channels:")
    assert [each.where for each in check_names(mapping(text).section)] == [("notes",)]


def test_another_programs_records_are_looked_for_in_a_field_that_can_be_searched() -> None:
    text = MAPPING + (
        "  coexistence:\n    queues: {Support: enrich}\n    lookup: {object: Task, field: Description}\n"
        "    enrich_fields: {CallDisposition: {from: dispositions, cut: 255}}\n"
    )
    info = read_describe(default_org()["Task"].describe())
    (found,) = check_coexistence(mapping(text).section, info)
    assert "long text" in found.problem
    assert list(check_coexistence(mapping(text.replace("Description", "CallObject")).section, info)) == []
