"""Rows written into Dynamics' stand-in, with every way that Dataverse has of refusing them."""

from __future__ import annotations

import pytest

from zcc_pipeline.domain.errors import ConfigurationError, PermanentError, QuotaExhausted
from zcc_pipeline.exports.destination import Customer, InFlight
from zcc_pipeline.exports.dynamics.queries import row_id
from zcc_pipeline.exports.outcomes import RemoteRef, Status
from zcc_pipeline.simulator.crm.base import Credentials, Faults, Person
from zcc_pipeline_tests.integration.exports.dynamics.environment import (
    agent,
    calls,
    changed,
    contact,
    organisation,
    record,
    rows,
    run,
    write,
)

pytestmark = pytest.mark.integration

ADA = Person("Ada Byron", "ada@example.com", "+49 30 901820")
BEN = Person("Ben Agent", "ben@example.com", kind="agent")


def test_records_are_created_then_updated_in_one_request_for_all():
    with organisation() as served:
        first = write(served, [record(f"e{number}") for number in range(200)])
        assert {outcome.status for outcome in first.values()} == {Status.CREATED}
        assert served.standin.counters.api_calls == 1
        again = record("e1", fields={"zcc_name": "New"}, remote=first["e1"].remote)
        assert write(served, [again])["e1"].status is Status.UPDATED
        assert len(rows(served)) == 200
        assert rows(served)["e1"]["zcc_name"] == "New"


def test_a_refused_record_keeps_nobody_else_out_and_has_the_words_of_dataverse():
    with organisation(faults=Faults(refuse_keys=("e2",))) as served:
        outcomes = write(served, [record("e1"), record("e2"), record("e3", fields={"zcc_name": "x" * 301})])
        assert [outcomes[key].status for key in ("e1", "e2", "e3")] == [
            Status.CREATED,
            Status.FAILED_PERMANENT,
            Status.FAILED_PERMANENT,
        ]
        assert outcomes["e2"].code == "0x80040265"
        assert "not welcome" in outcomes["e2"].message
        assert outcomes["e3"].code == "0x80044331"
        assert set(rows(served)) == {"e1"}
        assert served.standin.counters.api_calls == 2, "once for all, then a batch with a status each"


def test_a_table_without_upsert_multiple_is_not_asked_for_it_twice():
    with organisation(settings={"takes_bulk": False}) as served:

        async def twice(destination):
            log = None
            await destination.write([record("e1")], log)
            return await destination.write([record("e2")], log)

        assert [outcome.status for outcome in run(served, twice)] == [Status.CREATED]
        assert calls(served, "UpsertMultiple") == 1
        assert calls(served, "$batch") == 2


@pytest.mark.parametrize("engagement_id", ["aB/c+d==", "what?", "50%", "a:b&c", "back\\slash", "<tag>", "a*b"])
def test_an_id_that_no_alternate_key_can_hold_goes_by_a_primary_key_made_of_it(engagement_id):
    with organisation() as served:
        first = write(served, [record(engagement_id)])[engagement_id]
        second = write(served, [record(engagement_id, remote=first.remote)])[engagement_id]
        assert (first.status, second.status) == (Status.CREATED, Status.UPDATED)
        assert first.remote == RemoteRef("zcc_engagements", row_id(engagement_id))
        assert rows(served)[engagement_id]["zcc_engagementid"] == row_id(engagement_id)


def test_quotes_in_an_id_stay_inside_it():
    with organisation() as served:
        hostile = "e1') or (zcc_name eq 'x"
        assert write(served, [record(hostile)])[hostile].status is Status.CREATED
        assert set(rows(served)) == {hostile}


def test_without_an_alternate_key_the_primary_key_serves():
    with organisation(settings={"index_seconds": 3600}) as served:
        mapping = changed({"identify_by: key": "identify_by: id"})
        outcomes = write(served, [record("e1")], mapping=mapping)
        again = write(served, [record("e1", remote=outcomes["e1"].remote)], mapping=mapping)
        assert again["e1"].status is Status.UPDATED
        assert rows(served)["e1"]["zcc_engagementid"] == row_id("e1")


def test_a_row_made_by_another_key_is_not_made_twice_when_the_mapping_changes():
    with organisation() as served:
        first = write(served, [record("e1")])["e1"]
        mapping = changed({"identify_by: key": "identify_by: id"})
        assert write(served, [record("e1", remote=first.remote)], mapping=mapping)["e1"].status is Status.UPDATED
        assert len(rows(served)) == 1


def test_rows_are_linked_to_customer_and_owner():
    with organisation(people=(ADA, BEN)) as served:
        write(served, [record("e1", customer=contact(served), owner_id=agent(served))])
        row = rows(served)["e1"]
        assert row["zcc_contactid"] == contact(served).id
        assert row["ownerid"] == agent(served)


def test_a_link_to_somebody_who_is_gone_refuses_that_record_alone():
    with organisation(people=(ADA,)) as served:
        gone = Customer("contact", "00000000-0000-4000-8000-000000000000")
        outcomes = write(served, [record("e1", customer=gone), record("e2", customer=contact(served))])
        assert (outcomes["e1"].status, outcomes["e1"].code) == (Status.FAILED_PERMANENT, "0x80040217")
        assert outcomes["e2"].status is Status.CREATED


def test_a_time_out_after_the_write_is_repeated_by_key_and_changes_nothing_twice():
    with organisation(faults=Faults(timeout_after_commit=(1,))) as served:
        assert write(served, [record("e1")])["e1"].status is Status.CREATED
        assert len(rows(served)) == 1


def test_where_all_at_once_never_answers_rows_go_singly_for_the_rest_of_the_run():
    with organisation(faults=Faults(timeout_before_commit=tuple(range(1, 7)))) as served:

        async def act(destination):
            first = await destination.write([record("e1"), record("e2")], None)
            return [*first, *await destination.write([record("e3")], None)]

        assert [outcome.status for outcome in run(served, act)] == [Status.CREATED] * 3
        assert calls(served, "UpsertMultiple") == 6
        assert calls(served, "$batch") == 2


def test_where_no_answer_ever_comes_the_outcome_is_unknown_and_the_key_tells():
    with organisation(faults=Faults(timeout_after_commit=tuple(range(1, 50)))) as served:
        outcomes = write(served, [record("e1")])
        assert outcomes["e1"].status is Status.UNKNOWN
        served.standin.set_faults(Faults())
        flights = [InFlight(record(key).outgoing, key, None, None) for key in ("e1", "e2")]
        found = run(served, lambda destination: destination.resolve(flights))
        assert found["e1"].status is Status.CREATED
        assert found["e1"].remote is not None
        assert found["e2"].status is Status.FAILED_RETRYABLE
        assert write(served, [record("e1", remote=found["e1"].remote)])["e1"].status is Status.UPDATED
        assert len(rows(served)) == 1


def test_a_flight_whose_activity_no_longer_leaves_is_looked_for_in_every_table():
    with organisation() as served:
        write(served, [record("e1")])
        flights = [InFlight(None, key, None, None) for key in ("e1", "e2")]
        found = run(served, lambda destination: destination.resolve(flights))
        assert [found[key].status for key in ("e1", "e2")] == [Status.CREATED, Status.FAILED_RETRYABLE]


def test_a_429_pauses_all_and_nothing_is_lost():
    with organisation(faults=Faults(storm_429=3, retry_after_seconds=1)) as served:
        usage = []

        async def act(destination):
            outcomes = await destination.write([record("e1")], None)
            usage.append(destination.usage())
            return outcomes

        assert run(served, act)[0].status is Status.CREATED
        assert usage[0].waited_seconds >= 1
        assert usage[0].api_calls == 4


def test_a_wait_of_hours_ends_the_run():
    with organisation(faults=Faults(daily_cap=0)) as served, pytest.raises(QuotaExhausted):
        write(served, [record("e1")])


def test_a_token_that_dies_in_mid_run_is_replaced():
    with organisation(faults=Faults(token_dies_after=1)) as served:

        async def act(destination):
            return [(await destination.write([record(f"e{number}")], None))[0].status for number in range(4)]

        assert run(served, act) == [Status.CREATED] * 4
        assert served.standin.tokens.issued_count == 4


def test_a_wrong_secret_names_the_setting_and_never_the_secret():
    with (
        organisation(credentials=Credentials("app", "right")) as served,
        pytest.raises(ConfigurationError, match="ZCC_DYNAMICS_CLIENT_SECRET") as raised,
    ):
        write(served, [record("e1")], client_secret="wrong-secret")
    assert "wrong-secret" not in str(raised.value)


def test_a_table_that_is_not_there_ends_the_run_and_refuses_no_record():
    with organisation(settings={"is_provisioned": False}) as served, pytest.raises(ConfigurationError, match="--setup"):
        write(served, [record("e1"), record("e2")])


def test_an_application_user_without_a_role_ends_the_run():
    with organisation(settings={"is_member": False}) as served, pytest.raises(PermanentError):
        write(served, [record("e1"), record("e2")])


def test_the_preview_is_what_is_sent():
    with organisation(people=(ADA, BEN)) as served:
        one = record("e1", customer=contact(served), owner_id=agent(served))
        seen = []

        async def act(destination):
            seen.extend(destination.preview(one))
            return await destination.write([one], None)

        run(served, act)
        (request,) = seen
        assert request.method == "POST"
        assert request.url == f"{served.url}/api/data/v9.2/zcc_engagements/Microsoft.Dynamics.CRM.UpsertMultiple"
        assert "zcc_engagements(zcc_zoomengagementid='e1')" in request.body
        assert f"/contacts({contact(served).id})" in request.body
        assert "Authorization" not in request.headers


def test_no_secret_and_no_text_of_a_record_is_in_an_error():
    with organisation(settings={"is_member": False}) as served:
        with pytest.raises(PermanentError) as raised:
            write(served, [record("e1", fields={"zcc_name": "private words"}), record("e2")])
        for words in ("private", "hidden-secret", "e1"):
            assert words not in str(raised.value)
