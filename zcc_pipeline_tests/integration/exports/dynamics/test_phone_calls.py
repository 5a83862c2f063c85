"""Phone calls in their order: open, written, given notes, closed; and opened again to be changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from zcc_pipeline.exports.destination import CustomerKeys
from zcc_pipeline.exports.dynamics.queries import row_id
from zcc_pipeline.exports.outcomes import RemoteRef, Status
from zcc_pipeline.simulator.crm.base import Faults, Person
from zcc_pipeline.simulator.crm.dynamics.values import Values
from zcc_pipeline_tests.integration.exports.dynamics.environment import (
    Log,
    agent,
    annotations,
    attachment,
    changed,
    contact,
    entry,
    organisation,
    record,
    rows,
    run,
    with_phone_calls,
    write,
)

pytestmark = pytest.mark.integration

ADA = Person("Ada Byron", "ada@example.com", "+49 30 901820")
BEN = Person("Ben Agent", "ben@example.com", kind="agent")
COMPLETED = 1
MADE, RECEIVED = 2, 4


def call(engagement_id: str, *, is_outgoing: bool = False, **changes):
    fields = {"directioncode": is_outgoing, "phonenumber": "+4930901820", **changes.pop("fields", {})}
    return record(engagement_id, target="call", fields=fields, **changes)


def write_calls(served, batch, log=None):
    return write(served, batch, log, mapping=with_phone_calls())


def state(served, key: str) -> tuple[int, int]:
    row = rows(served, "phonecall")[key]
    return row["statecode"], row["statuscode"]


def test_calls_are_completed_as_made_or_received_in_one_request():
    with organisation() as served:
        outcomes = write_calls(served, [call("in"), call("out", is_outgoing=True)])
        assert {outcome.status for outcome in outcomes.values()} == {Status.CREATED}
        assert state(served, "in") == (COMPLETED, RECEIVED)
        assert state(served, "out") == (COMPLETED, MADE)
        assert served.standin.counters.api_calls == 1
        assert outcomes["in"].remote == RemoteRef("phonecalls", row_id("in"))


def test_a_completed_call_is_opened_changed_and_completed_again():
    with organisation() as served:
        first = write_calls(served, [call("e1")])["e1"]
        changed_call = call("e1", fields={"subject": "Changed"}, remote=first.remote)
        assert write_calls(served, [changed_call])["e1"].status is Status.UPDATED
        assert rows(served, "phonecall")["e1"]["subject"] == "Changed"
        assert state(served, "e1") == (COMPLETED, RECEIVED)


def test_a_call_that_is_completed_although_the_ledger_knows_nothing_is_found_out_and_changed():
    with organisation() as served:
        write_calls(served, [call("e1")])
        assert write_calls(served, [call("e1", fields={"subject": "Changed"})])["e1"].status is Status.CREATED
        assert rows(served, "phonecall")["e1"]["subject"] == "Changed"
        assert state(served, "e1") == (COMPLETED, RECEIVED)
        assert len(rows(served, "phonecall")) == 1


def test_a_change_that_is_refused_leaves_the_call_completed():
    with organisation() as served:
        first = write_calls(served, [call("e1"), call("e2")])
        bad = call("e1", fields={"category": "x" * 251}, remote=first["e1"].remote)
        good = call("e2", fields={"subject": "Good"}, remote=first["e2"].remote)
        outcomes = write_calls(served, [bad, good])
        assert outcomes["e1"].status is Status.FAILED_PERMANENT
        assert outcomes["e2"].status is Status.UPDATED
        assert state(served, "e1") == state(served, "e2") == (COMPLETED, RECEIVED)
        served.standin.violations.clear()


def test_a_call_that_somebody_deleted_is_made_again():
    with organisation() as served:
        first = write_calls(served, [call("e1")])["e1"]
        table = served.standin.tables["phonecall"]
        served.standin.rows.remove(table, row_id("e1"))
        assert write_calls(served, [call("e1", remote=first.remote)])["e1"].status is Status.UPDATED
        assert state(served, "e1") == (COMPLETED, RECEIVED)


def test_notes_and_files_hang_on_the_call_before_it_is_completed():
    with organisation() as served:
        log = Log()
        one = call("e1", entries=(entry(1), entry(2)), attachments=(attachment(1, b"x" * 5_000_000),))
        assert write_calls(served, [one], log)["e1"].status is Status.CREATED
        assert state(served, "e1") == (COMPLETED, RECEIVED)
        assert [note["objectid"] for note in annotations(served)] == [row_id("e1")] * 3
        assert sum(1 for said, *_ in log.said if said == "done") == 3


def test_who_called_whom_is_said_by_the_parties():
    with organisation(people=(ADA, BEN)) as served:
        known = {"customer": contact(served), "owner_id": agent(served)}
        stranger = CustomerKeys(None, "+15550100")
        write_calls(served, [call("in", **known), call("out", is_outgoing=True, **known), call("x", keys=stranger)])
        found = rows(served, "phonecall")
        customer, user = {"partyid": contact(served).id}, {"partyid": agent(served)}
        parties = "phonecall_activity_parties"
        sender, receiver = {"participationtypemask": 1}, {"participationtypemask": 2}
        assert found["in"][parties] == [sender | customer, receiver | user]
        assert found["out"][parties] == [sender | user, receiver | customer]
        assert found["x"][parties] == [sender | {"addressused": "+15550100"}]
        assert found["in"]["regardingobjectid"] == contact(served).id


def test_an_engagement_that_is_in_another_table_already_is_not_there_twice():
    with organisation() as served:
        remote = RemoteRef("zcc_engagements", "zcc_zoomengagementid='e1'")
        outcome = write_calls(served, [call("e1", remote=remote)])["e1"]
        assert (outcome.status, outcome.code, outcome.remote) == (Status.FAILED_PERMANENT, "other_object", remote)
        assert rows(served, "phonecall") == {}


def test_a_call_of_another_program_is_found_enriched_and_left_in_its_state():
    lookup = """
  coexistence:
    queues: {"*": enrich}
    lookup: {object: phonecall, field: subcategory, from: engagement_id}
    enrich_fields: {category: queue_name}
"""
    with organisation() as served:
        values = {"subject": "Logged by the connector", "subcategory": "O'Hara-1", "statuscode": 2}
        table = served.standin.tables["phonecall"]
        guid = served.standin.rows.create(table, Values(values))
        served.standin.rows.all("phonecall")[guid].update(statecode=1, statuscode=2)
        mapping = changed({"  voicemails: link\n": f"  voicemails: link\n{lookup}"})
        one = call("O'Hara-1")
        wanted = [replace(one.outgoing, logged_as="O'Hara-1"), replace(one.outgoing, engagement_id="x", logged_as="x")]
        found = run(served, lambda destination: destination.find_logged(wanted), mapping=mapping)
        assert found == {"O'Hara-1": RemoteRef("phonecalls", guid)}
        enriching = replace(one, remote=found["O'Hara-1"], fields={"category": "Support"}, is_enriching=True)
        assert write(served, [enriching], mapping=mapping)["O'Hara-1"].status is Status.UPDATED
        row = served.standin.rows.all("phonecall")[guid]
        assert (row["category"], row["subject"]) == ("Support", "Logged by the connector")
        assert (row["statecode"], row["statuscode"]) == (1, 2)
        assert len(served.standin.rows.all("phonecall")) == 1


def test_a_call_that_never_got_an_answer_is_unknown_and_can_be_written_again():
    with organisation(faults=Faults(timeout_after_commit=tuple(range(1, 30)))) as served:
        assert write_calls(served, [call("e1")])["e1"].status is Status.UNKNOWN
        served.standin.set_faults(Faults())
        assert write_calls(served, [call("e1")])["e1"].status is Status.CREATED
        assert state(served, "e1") == (COMPLETED, RECEIVED)


def test_the_preview_shows_the_order():
    with organisation() as served:

        async def act(destination):
            return destination.preview(call("e1", entries=(entry(),), remote=RemoteRef("phonecalls", row_id("e1"))))

        before, notes, after = run(served, act, mapping=with_phone_calls())
        assert before.body.index('"statecode":0') < before.body.index('"subject"')
        assert "annotations(" in notes.body
        assert '"statecode":1' in after.body
