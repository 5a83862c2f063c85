"""Tickets: made once though nothing there is unique, kept up to date though comments cannot be taken back."""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.domain.export_ledger import IN_FLIGHT
from zcc_pipeline.exports.destination import CustomerKeys
from zcc_pipeline.exports.mapping import Coexistence, FieldRule, read_mapping
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.exports.sync import sync
from zcc_pipeline.simulator.crm.base import Faults, Person
from zcc_pipeline_tests.crm_definitions import definition_of
from zcc_pipeline_tests.integration.exports.engagements import changed, email, engagement, recording, with_note
from zcc_pipeline_tests.integration.exports.office import Office, Sounds, people, varied
from zcc_pipeline_tests.integration.exports.zendesk.account import (
    asked,
    by_hand,
    routed,
    ticket_of,
    tickets,
    with_options,
    zendesk,
)
from zcc_pipeline_tests.integration.exports.zendesk.adapter import said

pytestmark = pytest.mark.integration


def killed_once(story: Office, is_time: Any) -> None:
    """A run that ends, without another word, as soon as it is time."""

    async def run() -> None:
        destination = story.adapter.destination(story.running, story.mapping, SystemClock())
        async with destination:
            exporting = asyncio.create_task(
                sync(
                    story.source,
                    destination,
                    mapping=story.mapping,
                    ledger=story.state.exports,
                    quarantine=story.state.quarantine,
                    files=Sounds(),
                    clock=SystemClock(),
                )
            )
            while not is_time():
                assert not exporting.done(), exporting.result()
                await asyncio.sleep(0.01)
            exporting.cancel()
            await asyncio.gather(exporting, return_exceptions=True)

    asyncio.run(run())


def jobs_in_ledger(story: Office) -> set[str | None]:
    return {row.job_id for row in story.state.exports.get("zendesk", story.activities).values()}


def test_every_request_was_held_to_zendesks_description(tmp_path: Path) -> None:
    assert definition_of("zendesk")
    with zendesk(tmp_path, people=people(range(4))) as story:
        story.take(*(engagement(number) for number in range(15)))
        story.export()
        story.take(with_note(engagement(1), "late"))
        story.export()
        assert story.crm["violations"] == []


def test_a_run_that_dies_between_a_job_and_its_results_makes_no_ticket_twice(tmp_path: Path) -> None:
    with zendesk(tmp_path) as story:
        story.take(*(engagement(number) for number in range(8)))
        story.control("hold-jobs", is_held=True)
        killed_once(story, lambda: jobs_in_ledger(story) not in (set(), {None}))
        assert story.statuses() == {IN_FLIGHT: 8}
        story.control("hold-jobs", is_held=False)
        assert story.export().counts == {Status.UPDATED: 8}
        assert story.problems() == []


def test_a_run_that_dies_before_it_heard_of_its_job_waits_for_the_accounts_jobs(tmp_path: Path) -> None:
    with zendesk(tmp_path, faults=Faults(hold_write=1, hold_when="after"), settings={"job_seconds": 1.0}) as story:
        story.take(*(engagement(number) for number in range(5)))
        killed_once(story, lambda: story.running.standin.held)
        assert story.statuses() == {IN_FLIGHT: 5}
        assert jobs_in_ledger(story) == {None}
        story.control("release")
        assert tickets(story) == []
        assert story.export().counts == {Status.UPDATED: 5}
        assert story.problems() == []


def test_a_job_that_takes_longer_than_anybody_waits_is_asked_for_in_the_next_run(tmp_path: Path) -> None:
    with zendesk(tmp_path, tuned={"job_wait_seconds": 0.1}) as story:
        story.take(*(engagement(number) for number in range(3)))
        story.control("hold-jobs", is_held=True)
        report = story.export()
        assert report.counts == {Status.UNKNOWN: 3}
        assert not report.is_complete
        story.control("hold-jobs", is_held=False)
        assert story.export().counts == {Status.UPDATED: 3}
        assert story.problems() == []


def test_what_a_failed_job_had_done_already_is_found_and_the_rest_comes_again(tmp_path: Path) -> None:
    with zendesk(tmp_path) as story:
        story.take(*(engagement(number) for number in range(10)))
        story.control("fail-jobs", jobs=1)
        assert story.export().counts == {Status.CREATED: 5, Status.FAILED_RETRYABLE: 5}
        assert story.export().counts == {Status.UNCHANGED: 5, Status.CREATED: 5}
        assert story.problems() == []


def test_a_failed_update_job_appends_no_note_twice(tmp_path: Path) -> None:
    with zendesk(tmp_path) as story:
        story.take(*(engagement(number) for number in range(6)))
        story.export()
        story.take(*(with_note(engagement(number), f"late {number}") for number in range(6)))
        story.control("fail-jobs", jobs=1)
        assert story.export().counts == {Status.UNKNOWN: 6}
        assert story.export().counts == {Status.UPDATED: 6}
        assert story.problems() == []


def test_tickets_that_carry_the_engagement_id_already_are_adopted_and_no_other_is_made(tmp_path: Path) -> None:
    with zendesk(tmp_path) as story:
        row = {"subject": "by a flow script", "external_id": "eng-00001", "comment": {"body": "x"}, "tags": ["theirs"]}
        for _ in range(2):
            by_hand(story, "POST", "/api/v2/tickets", json={"ticket": row})
        story.take(*(engagement(number) for number in range(3)))
        assert story.export().counts == {Status.CREATED: 2, Status.UPDATED: 1}
        older, newer = [each for each in tickets(story) if each["external_id"] == "eng-00001"]
        assert older["subject"] == engagement(1).subject
        assert older["tags"] == ["theirs", "zoom_contact_center", "zoom_messaging"]
        assert [key.split(":")[0] for key, _ in said(older)] == ["", "body", "note", "transcript"]
        assert newer["subject"] == "by a flow script"
        writes = story.crm["writes"]
        assert story.export().counts == {Status.UNCHANGED: 3}
        assert story.crm["writes"] == writes


def test_a_lost_ledger_makes_no_ticket_and_no_comment_twice(tmp_path: Path) -> None:
    with zendesk(tmp_path) as story:
        story.take(*(engagement(number) for number in range(12)))
        story.export()
        before = tickets(story)
        another = Office(story.adapter, story.running, tmp_path / "elsewhere", story.mapping)
        another.take(*story.activities.values())
        assert another.export().counts == {Status.UPDATED: 12}
        another.state.close()
        assert tickets(story) == before


@pytest.mark.parametrize("names_index", [True, False])
def test_refused_rows_keep_zendesks_words_wherever_they_stand_in_a_job(tmp_path: Path, names_index: bool) -> None:
    faults = Faults(refuse_keys=("eng-00000", "eng-00007"))
    with zendesk(tmp_path, faults=faults, settings={"failed_rows_name_index": names_index}) as story:
        story.take(*(engagement(number) for number in range(9)))
        assert story.export().counts == {Status.CREATED: 7, Status.FAILED_PERMANENT: 2}
        assert {item.record_id for item in story.held()} == {"eng-00000", "eng-00007"}
        assert all("breaks a rule" in item.detail for item in story.held())
        assert [tickets(story)[0]["external_id"], len(tickets(story))] == ["eng-00001", 7]


def test_a_list_that_is_refused_as_a_whole_costs_only_the_row_that_it_is_about(tmp_path: Path) -> None:
    shipped = read_mapping("zendesk", None)
    target = shipped.section.targets["ticket"]
    rule = FieldRule.model_validate({"from": "engagement_id", "map": {"eng-00004": "whatever"}})
    wrong = target.model_copy(update={"fields": target.fields | {"priority": rule}})
    mapping = varied(shipped, targets=shipped.section.targets | {"ticket": wrong})
    with zendesk(tmp_path, mapping=mapping) as story:
        story.take(*(engagement(number) for number in range(12)))
        assert story.export().counts == {Status.CREATED: 11, Status.FAILED_PERMANENT: 1}
        assert story.held()[0].record_id == "eng-00004"
        assert len(tickets(story)) == 11


def calls_for(story: Office, number: int) -> int:
    story.take(*(engagement(each, customer_email=None, customer_phone=None) for each in range(number)))
    before = story.crm["api_calls"]
    assert story.export().counts == {Status.CREATED: number}
    return int(story.crm["api_calls"]) - before


@pytest.mark.slow
def test_a_day_costs_hardly_more_calls_than_its_batches(tmp_path: Path) -> None:
    number = 2_000
    with zendesk(tmp_path, settings={"job_seconds": 0.0}) as story:
        calls = calls_for(story, number)
        batches = math.ceil(number / 100)
        fewest = batches + batches + math.ceil(batches / 5)  # look-ups, jobs, and one question for five jobs
        assert calls <= fewest * 1.1 + 10, calls  # ticket fields, an agent or two, and the first ticket for itself
        assert story.problems() == []


@pytest.mark.slow
def test_where_ids_are_not_taken_as_lists_each_is_looked_up_and_nothing_is_made_twice(tmp_path: Path) -> None:
    with zendesk(tmp_path, settings={"lists_external_ids": False, "job_seconds": 0.0}) as story:
        assert calls_for(story, 120) > 120
        another = Office(story.adapter, story.running, tmp_path / "elsewhere", story.mapping)
        another.take(*story.activities.values())
        another.export()
        another.state.close()
        assert story.problems() == []


def test_an_agents_token_may_not_import_and_no_record_is_blamed_for_it(tmp_path: Path) -> None:
    with zendesk(tmp_path, settings={"is_admin": False}) as story:
        story.take(engagement(0))
        with pytest.raises(ConfigurationError, match="administrator"):
            story.export()
        assert story.held() == []


def test_a_closed_ticket_is_reported_with_the_note_that_it_would_not_take(tmp_path: Path) -> None:
    with zendesk(tmp_path) as story:
        story.take(engagement(0), engagement(1))
        story.export()
        story.control("set-status", ticket_id=ticket_of(story, "eng-00000")["id"], status="closed")
        story.take(with_note(engagement(0), "too late"), with_note(engagement(1), "in time"))
        report = story.export()
        assert report.counts == {Status.UPDATED: 1, Status.FAILED_PERMANENT: 1}
        assert report.codes == {"ticket_closed": 1}
        assert "closed" in story.held()[0].detail


def test_a_ticket_that_people_deleted_is_not_made_again_until_somebody_says_so(tmp_path: Path) -> None:
    with zendesk(tmp_path) as story:
        story.take(engagement(0))
        story.export()
        del story.running.standin.tickets.by_id[ticket_of(story, "eng-00000")["id"]]  # type: ignore[attr-defined]
        story.take(with_note(engagement(0), "late"))
        assert story.export().codes == {"not_found": 1}
        assert tickets(story) == []
        assert story.state.exports.offer_again("zendesk", "eng-00000")
        assert story.export().counts == {Status.CREATED: 1}
        assert story.problems() == []


def test_what_people_did_to_a_ticket_stays(tmp_path: Path) -> None:
    with zendesk(tmp_path) as story:
        story.take(engagement(0))
        story.export()
        ticket = ticket_of(story, "eng-00000")
        row = {"status": "open", "tags": ["vip"], "priority": "high"}
        by_hand(story, "PUT", f"/api/v2/tickets/{ticket['id']}", json={"ticket": row})
        story.take(changed(with_note(engagement(0), "late"), subject="Another"))
        story.export()
        now = ticket_of(story, "eng-00000")
        assert (now["subject"], now["status"], now["priority"]) == ("Another", "open", "high")
        assert now["tags"][0] == "vip"


def test_a_customer_who_is_known_later_becomes_the_requester_of_a_ticket_that_had_none(tmp_path: Path) -> None:
    with zendesk(tmp_path) as story:
        story.take(engagement(1))
        story.export()
        assert story.remote()["eng-00001"].customer is None
        story.control("people", people=[{"name": "Ada", "email": email(1)}])
        story.take(changed(engagement(1), subject="Once more"))
        story.export()
        assert story.remote()["eng-00001"].customer == email(1)
        story.control("people", people=[{"name": "Bea", "email": "bea@people.example"}])
        story.take(changed(engagement(1), customer_email="bea@people.example", customer_phone=None))
        story.export()
        assert story.remote()["eng-00001"].customer == email(1)


def test_deletion_at_source_is_told_once_and_the_tag_is_added(tmp_path: Path) -> None:
    with zendesk(tmp_path) as story:
        story.take(engagement(0))
        story.export()
        gone = changed(engagement(0), is_deleted_at_source=True, summary="It has been deleted in Zoom.")
        story.take(gone)
        story.export()
        story.take(changed(gone, subject="Changed again"))
        story.export()
        keys = [key for key, _ in said(ticket_of(story, "eng-00000"))]
        assert keys.count("deleted") == 1
        assert len([key for key in keys if key.startswith("body:")]) == 1
        assert "zoom_deleted" in ticket_of(story, "eng-00000")["tags"]


def test_every_comment_is_private_and_says_when_and_by_whom(tmp_path: Path) -> None:
    with zendesk(tmp_path, people=people([0])) as story:
        note = replace(engagement(0).note_versions[0], author_email="alma.reyes@centre.example")
        story.take(changed(engagement(0), note_versions=(note,)))
        story.export()
        ticket = ticket_of(story, "eng-00000")
        agents = {each["id"]: each for each in story.running.standin.records()["users"] if each["role"] == "agent"}
        assert {comment["public"] for comment in ticket["comments"]} == {False}
        assert ticket["comments"][1]["created_at"] == "2026-11-03T08:01:00Z"
        assert agents[ticket["comments"][1]["author_id"]]["email"] == "alma.reyes@centre.example"
        assert agents[ticket["assignee_id"]]["email"] == "alma.reyes@centre.example"
        assert ticket["created_at"] == "2026-11-02T08:00:00Z"


def test_files_are_attached_once_with_the_ticket_and_later(tmp_path: Path) -> None:
    mapping = varied(read_mapping("zendesk", None), recordings="attach")
    with zendesk(tmp_path, mapping=mapping) as story:
        first = engagement(0)
        story.take(first)
        story.export()
        assert story.remote()["eng-00000"].attachments == ("recording-rec-eng-00000.mp3",)
        story.take(changed(first, recordings=(*first.recordings, recording("eng-other"))))
        story.export()
        story.take(changed(first, recordings=(*first.recordings, recording("eng-other")), subject="x"))
        story.export()
        assert len(story.remote()["eng-00000"].attachments) == 2
        assert story.problems() == []


def test_a_transcript_of_any_length_is_split_over_comments_where_the_mapping_lets_it(tmp_path: Path) -> None:
    mapping = with_options(read_mapping("zendesk", None), "ticket", comment_bytes=5_000)
    text = "\n".join(f"Agent: sentence number {number} of this talk." for number in range(900))
    with zendesk(tmp_path, mapping=mapping) as story:
        story.take(engagement(0, transcript_text=text))
        story.export()
        parts = [key for key, _ in said(ticket_of(story, "eng-00000")) if key.startswith("transcript:")]
        assert len(parts) > 5
        assert text in (story.remote()["eng-00000"].transcript or "")


@pytest.mark.slow
def test_thirty_jobs_of_others_are_waited_for(tmp_path: Path) -> None:
    with zendesk(tmp_path) as story:
        story.control("hold-jobs", is_held=True)
        row = {"subject": "x", "comment": {"body": "x"}}
        for _ in range(30):
            by_hand(story, "POST", "/api/v2/tickets/create_many", json={"tickets": [row]})
        story.take(engagement(0))
        helper = threading.Thread(target=_let_go_after, args=(story, 0.5))
        helper.start()
        assert story.export().counts == {Status.CREATED: 1}
        helper.join()
        assert story.problems(without=()) == ["None is there"]


def _let_go_after(story: Office, seconds: float) -> None:
    time.sleep(seconds)
    story.control("hold-jobs", is_held=False)


# One by one


@pytest.mark.parametrize("fault", ["timeout_after_commit", "timeout_before_commit"])
def test_live_tickets_are_made_once_within_the_same_run(tmp_path: Path, fault: str) -> None:
    mapping = with_options(read_mapping("zendesk", None), "ticket", create="live")
    with zendesk(tmp_path, mapping=mapping, faults=Faults(**{fault: (1, 2)})) as story:
        story.take(*(engagement(number) for number in range(4)))
        assert story.export().counts == {Status.CREATED: 4}
        assert story.problems() == []
        assert story.crm["unanswered"] == 2


@pytest.mark.parametrize("fault", ["timeout_after_commit", "timeout_before_commit"])
def test_a_call_becomes_a_voice_ticket_once(tmp_path: Path, fault: str) -> None:
    mapping = routed("call", link_url="https://files.example.com/{path}")
    with zendesk(tmp_path, mapping=mapping, faults=Faults(**{fault: (1,)})) as story:
        story.take(*(engagement(number) for number in (0, 3)))
        story.export_until_done()
        assert story.problems() == []
        inbound, outbound = ticket_of(story, "eng-00000"), ticket_of(story, "eng-00003")
        assert [inbound["via"]["channel"], outbound["via"]["channel"]] == ["phone_call_inbound", "phone_call_outbound"]
        voice = inbound["comments"][0]["data"]
        assert (voice["from"], voice["to"], voice["call_duration"]) == ("+41446680000", "+14155550100", 250)
        assert voice["recording_url"].startswith("https://files.example.com/recording/")
        assert outbound["comments"][0]["data"]["from"] == "+14155550100"
        assert [key.split(":")[0] for key, _ in said(inbound)] == ["", "body", "note", "transcript"]


# People


@pytest.mark.parametrize("widens", [True, False])
def test_people_are_found_by_any_of_their_addresses_and_any_spelling(tmp_path: Path, widens: bool) -> None:
    known = (
        *(Person(f"P{number}", email(number)) for number in range(25)),
        Person("Ada", phone="+41 (0)44 668 00 31"),
        Person("Bea", phone="044 668 00 32"),
        Person("Longer", phone="+41 44 668 00 33 7"),
    )
    with zendesk(tmp_path, people=known, settings={"search_widens": widens}) as story:
        first = story.running.standin.users.by_id[2]  # type: ignore[attr-defined]
        first.other_emails.append("second@people.example")
        wanted = [CustomerKeys(email(number), None) for number in range(25)]
        wanted += [CustomerKeys("second@people.example", None), CustomerKeys("nobody@people.example", "+41446680031")]
        wanted += [CustomerKeys(None, "+41446680032"), CustomerKeys(None, "+41446680033"), CustomerKeys("*", None)]
        found = asked(story, lambda destination: destination.find_customers(wanted))
        assert [len(found[keys]) for keys in wanted] == [1] * 28 + [0, 0]
        assert found[wanted[25]] == found[wanted[0]]
        calls = story.crm["by_route"]["GET /api/v2/search"]
        assert calls < 12 if widens else calls > 25


def test_new_customers_are_verified_end_users_and_made_once_though_search_lags(tmp_path: Path) -> None:
    mapping = varied(read_mapping("zendesk", None), customer={"on_none": "create"})
    with zendesk(tmp_path, mapping=mapping) as story:
        by_phone = {"customer_email": None, "customer_phone": "+41446689999", "customer_name": None}
        story.take(engagement(0, **by_phone))
        story.export()
        story.take(engagement(1, **by_phone))
        story.export()
        made = [each for each in story.running.standin.records()["users"] if each["role"] == "end-user"]
        assert [(each["name"], each["external_id"]) for each in made] == [("Caller: 41446689999", "zcc:+41446689999")]
        assert {ticket["requester_id"] for ticket in tickets(story)} == {made[0]["id"]}


def test_a_customer_whom_zendesk_refuses_holds_the_record_with_its_words(tmp_path: Path) -> None:
    mapping = varied(read_mapping("zendesk", None), customer={"on_none": "create"})
    with zendesk(tmp_path, mapping=mapping, faults=Faults(refuse_keys=(email(1),))) as story:
        story.take(engagement(0), engagement(1))
        report = story.export()
        assert report.codes == {"customer_refused": 1}
        assert "Record validation errors" in story.held()[0].detail
        assert [each["external_id"] for each in tickets(story)] == ["eng-00000"]


# Beside the connector


def test_a_look_up_that_zendesk_does_not_have_is_named(tmp_path: Path) -> None:
    lookup = {"object": "tasks", "field": "subject"}
    given = {"queues": {"*": "enrich"}, "lookup": lookup, "enrich_fields": {"created_at": "started_at"}}
    mapping = varied(read_mapping("zendesk", None), coexistence=Coexistence.model_validate(given))
    with zendesk(tmp_path, mapping=mapping) as story:
        problems = asked(story, lambda destination: destination.validate())
    assert [problem.where[1:] for problem in problems] == [
        ("lookup", "object"), ("lookup", "field"), ("enrich_fields", "created_at"),
    ]  # fmt: skip


@pytest.mark.parametrize("rule", ["skip", "enrich"])
def test_tickets_of_the_connector_are_left_alone_or_enriched(tmp_path: Path, rule: str) -> None:
    coexistence = Coexistence.model_validate(
        {
            "queues": {"*": rule},
            "lookup": {"object": "ticket", "field": "external_id"},
            "enrich_fields": {"custom_fields.9001": "queue_name", "tags": {"value": "enriched"}},
        }
    )
    with zendesk(tmp_path, mapping=varied(read_mapping("zendesk", None), coexistence=coexistence)) as story:
        row = {"subject": "by the connector", "external_id": "eng-00000", "comment": {"body": "x"}}
        by_hand(story, "POST", "/api/v2/tickets", json={"ticket": row})
        story.take(engagement(0), engagement(1))
        status = Status.SKIPPED if rule == "skip" else Status.UPDATED
        assert story.export().counts == {status: 1, Status.CREATED: 1}
        theirs = ticket_of(story, "eng-00000")
        assert theirs["subject"] == "by the connector"
        assert len(theirs["comments"]) == 1
        enriched = {"tags": ["enriched"], "custom_fields": [{"id": 9001, "value": "Support"}]}
        assert {name: theirs[name] for name in enriched} == (
            enriched if rule == "enrich" else {"tags": [], "custom_fields": []}
        )


def test_tickets_of_the_connector_are_found_by_a_custom_field_that_holds_exactly_the_id(tmp_path: Path) -> None:
    given = {"queues": {"*": "skip"}, "lookup": {"object": "ticket", "field": "custom_fields.9001"}}
    mapping = varied(read_mapping("zendesk", None), coexistence=Coexistence.model_validate(given))
    with zendesk(tmp_path, mapping=mapping, settings={"search_delay_seconds": 0}) as story:
        for value in ("eng-00000", "see eng-00001 too"):
            row = {"subject": "x", "comment": {"body": "x"}, "custom_fields": [{"id": 9001, "value": value}]}
            by_hand(story, "POST", "/api/v2/tickets", json={"ticket": row})
        story.take(engagement(0), engagement(1))
        assert story.export().counts == {Status.SKIPPED: 1, Status.CREATED: 1}


def test_the_preview_is_a_request_that_zendesk_takes(tmp_path: Path) -> None:
    with zendesk(tmp_path) as story:
        story.take(engagement(0))
        report = story.export(is_dry_run=True)
        assert [each.method for each in report.preview] == ["GET", "POST"]
        assert tickets(story) == []
        shown = report.preview[1]
        path = httpx.URL(shown.url).raw_path.decode()
        answer = by_hand(story, "POST", path, json=json.loads(shown.body))
        assert answer["job_status"]["total"] == 1
        time.sleep(0.1)
        made = ticket_of(story, "eng-00000")
        story.export()
        assert ticket_of(story, "eng-00000") == made
