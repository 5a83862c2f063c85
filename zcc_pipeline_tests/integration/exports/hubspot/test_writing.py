"""Records written into HubSpot's stand-in, with every way that HubSpot has of refusing them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from zcc_pipeline.domain.errors import ConfigurationError, PermanentError, QuotaExhausted
from zcc_pipeline.exports.destination import Addressed, Customer, InFlight
from zcc_pipeline.exports.hubspot.attachments import file_name
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef, Status
from zcc_pipeline.simulator.crm.base import Faults, Limit, Person, RunningStandIn
from zcc_pipeline_tests.integration.exports.hubspot.account import (
    KEY,
    Log,
    account,
    attachment,
    by_id,
    calls,
    contact,
    destination,
    record,
    stored,
)

pytestmark = pytest.mark.integration

ADA = Person("Ada Byron", "ada@example.com", "+49 30 901820")


def write(
    served: RunningStandIn, batch: Sequence[Addressed], *, log: Log | None = None, **config: Any
) -> dict[str, Outcome]:
    async def run() -> Sequence[Outcome]:
        async with destination(served, **config) as hub:
            return await hub.write(batch, log or Log())

    return by_id(asyncio.run(run()))


def control(served: RunningStandIn, name: str, **body: Any) -> None:
    assert httpx.post(f"{served.control_url}/{name}", json=body, trust_env=False).status_code == 200


def test_a_record_is_created_then_updated_and_is_there_once() -> None:
    with account() as served:
        first = write(served, [record("e1", fields={"hs_call_title": "First"})])["e1"]
        second = write(served, [record("e1", fields={"hs_call_title": "Second"}, remote=first.remote)])["e1"]
        assert (first.status, second.status) == (Status.CREATED, Status.UPDATED)
        assert first.remote == second.remote
        assert stored(served)["e1"]["hs_call_title"] == "Second"


def test_outcomes_belong_to_their_records_although_results_come_in_another_order() -> None:
    with account() as served:
        outcomes = write(served, [record(f"e{number}") for number in range(100)])
        ids = {each["properties"][KEY]: each["id"] for each in served.standin.records()["calls"]}
        assert {key: outcome.remote and outcome.remote.id for key, outcome in outcomes.items()} == ids
        assert calls(served, "batch/upsert") == 1


def test_values_travel_as_texts_and_none_empties_a_property() -> None:
    with account() as served:
        fields = {"hs_call_duration": 90_000, "zcc_is_deleted_at_source": True, "hs_call_title": "x"}
        remote = write(served, [record("e1", fields=fields)])["e1"].remote
        assert stored(served)["e1"]["hs_call_duration"] == "90000"
        assert stored(served)["e1"]["zcc_is_deleted_at_source"] == "true"
        write(served, [record("e1", fields={"hs_call_title": None}, remote=remote)])
        assert "hs_call_title" not in stored(served)["e1"]


def test_channels_have_their_objects() -> None:
    with account() as served:
        sms = {"hs_communication_channel_type": "SMS", "hs_communication_logged_from": "CRM"}
        batch = [record("e1"), record("e2", "communications", fields=sms), record("e3", "notes")]
        outcomes = write(served, batch)
        assert {key: each.remote and each.remote.object for key, each in outcomes.items()} == {
            "e1": "calls",
            "e2": "communications",
            "e3": "notes",
        }


def test_numbers_are_exchanged_for_calls_that_went_out() -> None:
    with account() as served:
        options = {"numbers_follow_direction": True}
        numbers = {"hs_call_from_number": "customer", "hs_call_to_number": "centre"}
        batch = [
            record("in", fields=numbers | {"hs_call_direction": "INBOUND"}, options=options),
            record("out", fields=numbers | {"hs_call_direction": "OUTBOUND"}, options=options),
        ]
        write(served, batch)
        found = stored(served)
        assert found["in"]["hs_call_from_number"] == "customer"
        assert (found["out"]["hs_call_from_number"], found["out"]["hs_call_to_number"]) == ("centre", "customer")


@pytest.mark.parametrize("multi_status", [True, False])
def test_a_refused_record_keeps_no_other_from_being_written(multi_status: bool) -> None:
    with account(multi_status=multi_status) as served:
        served.standin.set_faults(Faults(refuse_keys=("e3", "e64")))
        outcomes = write(served, [record(f"e{number}") for number in range(100)])
        refused = {key: outcome for key, outcome in outcomes.items() if outcome.status is Status.FAILED_PERMANENT}
        assert set(refused) == {"e3", "e64"}
        assert refused["e3"].code == "VALIDATION_ERROR"
        assert "refused by a rule" in refused["e3"].message
        assert len(stored(served)) == 98
        assert calls(served, "batch/upsert") == (1 if multi_status else 25)


def test_a_value_that_does_not_fit_costs_one_more_request_and_not_a_halving() -> None:
    with account() as served:
        batch = [record(f"e{number}") for number in range(99)] + [record("bad", fields={"hs_call_status": "DONE"})]
        outcomes = write(served, batch)
        assert outcomes["bad"].code == "INVALID_OPTION"
        assert "hs_call_status" in outcomes["bad"].message
        assert sum(outcome.status is Status.CREATED for outcome in outcomes.values()) == 99
        assert calls(served, "batch/upsert") == 2


def test_a_record_without_what_hubspot_requires_goes_alone() -> None:
    with account() as served:
        sms = {"hs_communication_channel_type": "SMS", "hs_communication_logged_from": "CRM"}
        batch = [record(f"e{number}", "communications", fields=sms) for number in range(50)]
        outcomes = write(
            served, [*batch, record("bad", "communications", fields=sms | {"hs_communication_channel_type": None})]
        )
        assert (outcomes["bad"].status, outcomes["bad"].code) == (Status.FAILED_PERMANENT, "REQUIRED")
        assert calls(served, "batch/upsert") == 2


def test_validation_rules_of_the_account_are_permanent_errors_of_their_records() -> None:
    with account() as served:
        control(served, "rules", rules=[{"object_type": "calls", "needs": "hs_call_title", "when": {}}])
        outcomes = write(served, [record("e1"), record("e2", fields={"hs_call_title": "x"})])
        assert outcomes["e1"].status is Status.FAILED_PERMANENT
        assert outcomes["e2"].status is Status.CREATED


def test_a_property_that_vanished_ends_the_run_because_no_record_could_be_written() -> None:
    with account() as served, pytest.raises(PermanentError, match="PROPERTY_DOESNT_EXIST"):
        write(served, [record("e1", fields={"gone": "x"}), record("e2", fields={"gone": "x"})])


def test_a_write_without_an_answer_is_repeated_by_its_key_and_leaves_one_record() -> None:
    with account() as served:
        served.standin.set_faults(Faults(timeout_after_commit=(1,)))
        assert write(served, [record("e1")])["e1"].status is Status.UPDATED
        assert len(served.standin.records()["calls"]) == 1


def test_a_write_that_is_never_answered_is_unknown_and_found_by_its_key_afterwards() -> None:
    with account() as served:
        served.standin.set_faults(Faults(timeout_after_commit=tuple(range(1, 20))))
        assert write(served, [record("e1")])["e1"].status is Status.UNKNOWN
        served.standin.set_faults(Faults())

        async def ask() -> dict[str, Outcome]:
            flights = [InFlight(None, key, None, None) for key in ("e1", "e2")]
            async with destination(served) as hub:
                return dict(await hub.resolve(flights))

        found = asyncio.run(ask())
        assert (found["e1"].status, found["e1"].remote) == (
            Status.CREATED,
            RemoteRef("calls", served.standin.records()["calls"][0]["id"]),
        )
        assert (found["e2"].status, found["e2"].code) == (Status.FAILED_RETRYABLE, "not_there")


@pytest.mark.parametrize("status", [423, 477, 502, 503, 504])
def test_passing_trouble_is_waited_out(status: int) -> None:
    with account() as served:
        control(served, "next-statuses", statuses=[status, status])
        assert write(served, [record("e1")])["e1"].remote is not None


def test_a_storm_of_429_is_waited_out() -> None:
    with account() as served:
        served.standin.set_faults(Faults(storm_429=4))
        assert write(served, [record("e1")])["e1"].status is Status.CREATED


@pytest.mark.parametrize("says_retry_after", [True, False])
def test_an_account_with_lower_limits_is_written_to_as_slowly_as_it_asks(says_retry_after: bool) -> None:
    with account(limits={"api": Limit(3, 0.4)}, says_retry_after=says_retry_after) as served:
        batch = [
            record("e1"),
            record("e2", "notes"),
            *(record(f"x{n}", fields={"hs_call_status": "?"}) for n in range(3)),
        ]
        outcomes = write(served, batch)
        assert sum(outcome.status is Status.CREATED for outcome in outcomes.values()) == 2
        assert served.standin.counters.limited > 0


def test_the_days_limit_ends_the_run_at_once() -> None:
    with account() as served:
        served.standin.set_faults(Faults(daily_cap=0))
        with pytest.raises(QuotaExhausted):
            write(served, [record("e1")])
        assert served.standin.counters.limited == 1


def test_a_revoked_key_ends_the_run_and_names_its_setting() -> None:
    with account() as served:
        served.standin.set_faults(Faults(token_dies_after=1))
        with pytest.raises(ConfigurationError, match="ZCC_HUBSPOT_ACCESS_TOKEN") as caught:
            write(served, [record("e1")])
        assert "pat-eu1" not in str(caught.value)


def test_a_missing_scope_ends_the_run_and_is_named() -> None:
    scopes = ["crm.schemas.contacts.read"]
    with account(scopes=scopes) as served, pytest.raises(ConfigurationError, match=r"crm\.objects\.contacts\.write"):
        write(served, [record("e1")])


def test_a_record_is_linked_to_its_contact_and_gets_its_owner() -> None:
    with account(people=(ADA, Person("Agent One", "one@example.com", kind="agent"))) as served:
        ada, owner = contact(served), served.standin.records()["owners"][0]["id"]
        for _ in range(2):
            write(served, [record("e1", customer=ada, owner_id=owner)])
        found = served.standin.records()["calls"][0]
        assert found["linked"] == {"contacts": [ada.id]}
        assert found["properties"]["hubspot_owner_id"] == owner


def test_a_contact_that_is_gone_is_told_of_the_record_that_was_written() -> None:
    with account(people=(ADA,)) as served:
        batch = [record("e1", customer=contact(served)), record("e2", customer=Customer("contacts", "77"))]
        outcomes = write(served, batch)
        assert outcomes["e1"].status is Status.CREATED
        assert (outcomes["e2"].status, outcomes["e2"].code) == (Status.FAILED_PERMANENT, "link_refused")
        assert outcomes["e2"].remote is not None


def test_an_engagement_that_is_a_call_does_not_become_a_note_beside_it() -> None:
    with account() as served:
        remote = write(served, [record("e1")])["e1"].remote
        moved = write(served, [record("e1", "notes", remote=remote)])["e1"]
        assert (moved.status, moved.code, moved.remote) == (Status.FAILED_PERMANENT, "other_object", remote)
        assert served.standin.records()["notes"] == []


def test_the_record_of_another_program_is_enriched_and_nothing_is_made() -> None:
    with account() as served:
        theirs = served.standin.tables["calls"].create(
            {"hs_timestamp": "2026-11-01T10:00:00Z", "hs_call_title": "Theirs"}
        )  # type: ignore[attr-defined]
        one = record("e1", remote=RemoteRef("calls", theirs.id), is_enriching=True, customer=Customer("contacts", "1"))
        enriched = Addressed(one.outgoing, one.remote, one.customer, "501", {"zcc_notes": "ours"}, is_enriching=True)
        outcome = write(served, [enriched])["e1"]
        assert (outcome.status, outcome.remote) == (Status.UPDATED, RemoteRef("calls", theirs.id))
        (found,) = served.standin.records()["calls"]
        assert found["properties"]["hs_call_title"] == "Theirs"
        assert found["properties"]["zcc_notes"] == "ours"
        assert (found["linked"], "hubspot_owner_id" in found["properties"], KEY in found["properties"]) == (
            {},
            False,
            False,
        )


def test_enriching_a_record_that_was_deleted_is_refused() -> None:
    with account() as served:
        one = record("e1", remote=RemoteRef("calls", "7"), is_enriching=True)
        assert write(served, [one])["e1"].code == "OBJECT_NOT_FOUND"


# Files


def test_a_file_is_private_is_uploaded_once_and_hangs_on_its_record() -> None:
    with account() as served:
        log, file = Log(), attachment("file:recording:r1:aa", b"sound " * 100)
        write(served, [record("e1", attachments=(file,))], log=log)
        (held,) = served.standin.records()["files"]
        assert (held["access"], held["size"]) == ("PRIVATE", 600)
        assert stored(served)["e1"]["hs_attachment_ids"] == held["id"]
        assert log.said == [("begun", "e1", file.key), ("done", "e1", file.key, held["id"])]
        written = frozenset({file.key})
        write(served, [record("e1", attachments=(file,), written=written, remote=RemoteRef("calls", "1"))])
        assert len(served.standin.records()["files"]) == 1
        assert stored(served)["e1"]["hs_attachment_ids"] == held["id"]


def test_a_later_file_takes_nothing_off_the_record() -> None:
    with account() as served:
        first, second = attachment("file:recording:r1:aa", b"one"), attachment("file:recording:r2:bb", b"two")
        remote = write(served, [record("e1", attachments=(first,))])["e1"].remote
        both = record("e1", attachments=(first, second), written=frozenset({first.key}), remote=remote)
        write(served, [both])
        ids = [each["id"] for each in served.standin.records()["files"]]
        assert stored(served)["e1"]["hs_attachment_ids"].split(";") == ids


def test_an_upload_of_unknown_end_is_looked_for_by_its_name_before_it_is_sent_again() -> None:
    with account() as served:
        file, log = attachment("file:recording:r1:aa", b"one"), Log()
        served.standin.set_faults(Faults(timeout_after_commit=(1,)))
        first = write(served, [record("e1", attachments=(file,))], log=log)["e1"]
        assert (first.status, first.code) == (Status.UNKNOWN, "file_unknown")
        assert log.said == [("begun", "e1", file.key)]
        again = record("e1", attachments=(file,), unsure=frozenset({file.key}), remote=first.remote)
        assert write(served, [again], log=log)["e1"].status is Status.UPDATED
        (held,) = served.standin.records()["files"]
        assert stored(served)["e1"]["hs_attachment_ids"] == held["id"]
        assert log.said[-1] == ("done", "e1", file.key, held["id"])


def test_a_file_that_never_arrived_is_sent_again() -> None:
    with account() as served:
        file = attachment("file:recording:r1:aa", b"one")
        served.standin.set_faults(Faults(timeout_before_commit=(1,)))
        first = write(served, [record("e1", attachments=(file,))])["e1"]
        assert first.code == "file_unknown"
        write(served, [record("e1", attachments=(file,), unsure=frozenset({file.key}), remote=first.remote)])
        assert len(served.standin.records()["files"]) == 1


def test_a_refused_file_is_told_and_the_record_is_written_without_it() -> None:
    with account() as served:
        good = attachment("file:recording:r1:aa", b"one")
        bad = attachment("file:recording:r2:bb", b"two", file_name="recording-r2.exe")
        served.standin.set_faults(Faults(refuse_keys=(file_name("e1", bad),)))
        outcome = write(served, [record("e1", attachments=(bad, good))])["e1"]
        assert (outcome.status, outcome.code) == (Status.FAILED_PERMANENT, "file_refused")
        assert outcome.remote is not None
        (held,) = served.standin.records()["files"]
        assert stored(served)["e1"]["hs_attachment_ids"] == held["id"]


# What would be sent


def test_the_preview_shows_the_requests_without_the_key() -> None:
    with account(people=(ADA,)) as served:
        file = attachment("file:recording:r1:aa", b"one")
        one = record("e1", attachments=(file,), customer=contact(served))
        shown = destination(served).preview(one)
        paths = [each.url.removeprefix(served.url) for each in shown]
        assert paths == [
            "/files/2026-09/files",
            "/crm/objects/2026-09/calls/batch/upsert",
            "/crm/associations/2026-09/calls/contacts/batch/associate/default",
        ]
        assert '"idProperty": "zcc_engagement_id"' in shown[1].body
        assert all("pat-eu1" not in str(each) for each in shown)
        assert served.standin.counters.api_calls == 0
