"""Batches written into a Salesforce org: collections, jobs, and everything that goes wrong there and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from zcc_pipeline.domain.errors import PermanentError, QuotaExhausted
from zcc_pipeline.exports.destination import Customer
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef, Status
from zcc_pipeline.exports.salesforce import SalesforceDestination
from zcc_pipeline.simulator.crm.base import Faults
from zcc_pipeline_tests.integration.exports.salesforce.org import Org, addressed, log, org, organisation

pytestmark = pytest.mark.integration

__all__ = ["organisation"]


def statuses(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    return {key: each.status.value for key, each in outcomes.items()}


def test_two_hundred_rows_travel_in_a_call_and_their_outcomes_are_their_own(organisation: Org) -> None:
    organisation.faults(refuse_keys=["e7"])
    outcomes = organisation.write([addressed(f"e{number}") for number in range(401)])
    assert outcomes.pop("e7").code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert {each.status for each in outcomes.values()} == {Status.CREATED}
    assert organisation.calls("composite/sobjects") == 3
    held = organisation.engagements()
    assert {key: each.remote.id for key, each in outcomes.items() if each.remote} == {
        key: record["Id"] for key, record in held.items()
    }
    again = organisation.write([addressed("e1", Subject__c="changed")])
    assert statuses(again) == {"e1": "updated"}
    assert organisation.engagements()["e1"]["Subject__c"] == "changed"


def test_a_refused_row_comes_back_in_the_orgs_own_words(organisation: Org) -> None:
    (outcome,) = organisation.write([addressed("e1", Subject__c="x" * 300)]).values()
    assert (outcome.status, outcome.code) == (Status.FAILED_PERMANENT, "STRING_TOO_LONG")
    assert "max length=255" in outcome.message


def test_a_row_that_cannot_be_read_is_found_by_halving_and_the_others_are_written(organisation: Org) -> None:
    batch = [addressed(f"e{number}") for number in range(100)]
    batch[37] = addressed("e37", Started_At__c="yesterday")
    outcomes = organisation.write(batch)
    assert (outcomes["e37"].status, outcomes["e37"].code) == (Status.FAILED_PERMANENT, "JSON_PARSER_ERROR")
    assert len(organisation.engagements()) == 99
    assert organisation.calls("composite/sobjects") <= 15


def test_a_field_that_went_away_during_the_run_ends_it_instead_of_refusing_every_row(organisation: Org) -> None:
    async def story(destination: SalesforceDestination) -> None:
        await destination.write([addressed("e1")], log())
        organisation.command("fields", object="Contact_Center_Engagement__c", remove=["Notes__c"])
        with pytest.raises(PermanentError, match="INVALID_FIELD"):
            await destination.write([addressed("e2", Notes__c="n")], log())

    organisation.tell(story)


def test_a_row_that_somebody_holds_is_sent_again_by_itself(organisation: Org) -> None:
    organisation.command("lock", e1=2, e2=1)
    outcomes = organisation.write([addressed(f"e{number}") for number in range(5)])
    assert set(statuses(outcomes).values()) == {"created"}
    assert organisation.calls("composite/sobjects") == 3


def test_a_row_that_stays_held_is_left_for_the_next_run(organisation: Org) -> None:
    organisation.command("lock", e1=1_000)
    outcomes = organisation.write([addressed("e1"), addressed("e2")])
    assert statuses(outcomes) == {"e1": "failed_retryable", "e2": "created"}
    assert outcomes["e1"].code == "UNABLE_TO_LOCK_ROW"


def test_a_record_that_the_integration_user_cannot_see_is_refused_and_not_tried_for_ever(organisation: Org) -> None:
    organisation.write([addressed("e1")])
    organisation.command("hide", ids=[organisation.engagements()["e1"]["Id"]])
    (outcome,) = organisation.write([addressed("e1")]).values()
    assert (outcome.status, outcome.code) == (Status.FAILED_PERMANENT, "DUPLICATE_VALUE")
    assert organisation.calls("composite/sobjects") == 3


def test_rows_of_one_customer_travel_together_so_that_calls_do_not_lock_each_other_out(organisation: Org) -> None:
    first, second = (organisation.add_contact(name) for name in ("Ada Byron", "Bob Cole"))
    batch = [
        addressed(f"e{number}", customer=Customer("Contact", (first, second)[number % 2])) for number in range(400)
    ]
    organisation.write(batch)
    assert organisation.calls("composite/sobjects") == 2
    held = list(organisation.engagements().values())
    assert len({each["Contact__c"] for each in held[:200]}) == 1


def test_a_call_that_was_carried_out_and_never_answered_is_sent_again_and_nothing_is_there_twice(
    organisation: Org,
) -> None:
    organisation.faults(timeout_after_commit=[1])
    outcomes = organisation.write([addressed("e1"), addressed("e2")])
    assert set(statuses(outcomes).values()) == {"updated"}
    assert organisation.counts("Contact_Center_Engagement__c") == 2


def test_where_no_answer_ever_comes_the_outcome_is_unknown_and_the_next_run_finds_out(organisation: Org) -> None:
    organisation.faults(timeout_after_commit=list(range(1, 50)))
    outcomes = organisation.write([addressed("e1")])
    assert statuses(outcomes) == {"e1": "unknown"}
    organisation.faults()
    resolved = organisation.resolve("e1", "e2")
    assert statuses(resolved) == {"e1": "created", "e2": "failed_retryable"}
    assert resolved["e1"].remote == RemoteRef("Contact_Center_Engagement__c", organisation.engagements()["e1"]["Id"])


def test_keys_that_differ_by_case_alone_are_told_apart_when_they_are_looked_for(organisation: Org) -> None:
    organisation.write([addressed("AbC")])
    assert statuses(organisation.resolve("abc", "AbC")) == {"abc": "failed_retryable", "AbC": "created"}


def test_a_session_that_ends_in_mid_run_is_renewed_once_and_nothing_is_lost(organisation: Org) -> None:
    organisation.faults(token_dies_after=2)
    outcomes = organisation.write([addressed(f"e{number}") for number in range(900)])
    assert set(statuses(outcomes).values()) == {"created"}
    assert organisation.state()["tokens_issued"] > 1


def test_too_many_at_once_is_waited_for(organisation: Org) -> None:
    organisation.faults(storm_429=3)
    assert statuses(organisation.write([addressed("e1")])) == {"e1": "created"}
    assert organisation.state()["limited"] == 3


def test_the_days_limit_ends_the_run_with_the_next_batch_and_forgets_nothing_of_this_one(organisation: Org) -> None:
    async def story(destination: SalesforceDestination) -> None:
        await destination.validate()
        organisation.faults(daily_cap=2)
        outcomes = await destination.write([addressed(f"e{number}") for number in range(1_000)], log())
        done = [each for each in outcomes if each.status is Status.CREATED]
        late = [each for each in outcomes if each.status is Status.FAILED_RETRYABLE]
        assert (len(done), len(late)) == (400, 600)
        assert {each.code for each in late} == {"REQUEST_LIMIT_EXCEEDED"}
        asked = organisation.state()["api_calls"]
        with pytest.raises(QuotaExhausted):
            await destination.write([addressed("later")], log())
        assert organisation.state()["api_calls"] == asked

    organisation.tell(story, concurrency=1)


def test_a_days_limit_that_leaves_nothing_to_do_ends_the_run_at_once(organisation: Org) -> None:
    async def story(destination: SalesforceDestination) -> None:
        await destination.validate()
        organisation.faults(daily_cap=0)
        with pytest.raises(QuotaExhausted):
            await destination.write([addressed("e1")], log())

    organisation.tell(story)


def test_an_owner_or_customer_who_has_left_is_no_fault_of_the_record(organisation: Org) -> None:
    agent = organisation.owner("one@example.com")
    organisation.command("deactivate", email="one@example.com")
    outcomes = organisation.write(
        [addressed("e1", owner_id=agent), addressed("e2", customer=Customer("Contact", "003000000000999AAA"))]
    )
    assert statuses(outcomes) == {"e1": "failed_retryable", "e2": "failed_retryable"}


def test_another_programs_record_is_enriched_and_nothing_is_created(organisation: Org) -> None:
    task = organisation.standin.store.put("Task", {"Subject": "Call", "CallObject": "e1"})
    found = organisation.logged("e1", "E1", "e'2")
    assert found == {"e1": RemoteRef("Task", task)}
    outcomes = organisation.write(
        [addressed("e1", remote=found["e1"], is_enriching=True, only={"CallDisposition": "sold"})]
    )
    assert (outcomes["e1"].status, outcomes["e1"].remote) == (Status.UPDATED, found["e1"])
    assert organisation.standin.store.get("Task", task)["CallDisposition"] == "sold"
    assert organisation.engagements() == {}


def test_nothing_that_a_control_character_or_odd_script_could_break_is_broken(organisation: Org) -> None:
    text = "'); DELETE \\ \u202e \u0000".replace("\u0000", "") + "日本語 עברית 😀 é"
    organisation.write([addressed("e'1\\ö", Subject__c=text)])
    assert organisation.engagements()["e'1\\ö"]["Subject__c"] == text
    assert statuses(organisation.resolve("e'1\\ö")) == {"e'1\\ö": "created"}


class TestJobs:
    """From so many rows on."""

    @pytest.fixture
    def bulk(self, organisation: Org) -> Org:
        organisation.settings |= {"bulk_from_rows": 100}
        return organisation

    def test_many_rows_travel_in_one_job_and_transcripts_beside_it(self, bulk: Org) -> None:
        bulk.write([addressed("e0", Notes__c="old", Queue__c="kept")])
        batch = [addressed(f"e{number}", Notes__c=None, Answered__c=True) for number in range(150)]
        batch += [addressed(f"t{number}", Transcript__c="a word\n" * 9_000) for number in range(3)]
        batch.append(addressed("bad", Subject__c="x" * 300))
        outcomes = bulk.write(batch)
        refused = outcomes.pop("bad")
        assert (refused.status, refused.code) == (Status.FAILED_PERMANENT, "STRING_TOO_LONG")
        assert outcomes.pop("e0").status is Status.UPDATED
        assert {each.status for each in outcomes.values()} == {Status.CREATED}
        assert bulk.calls("jobs/ingest", "POST") == 1
        assert bulk.calls("composite/sobjects") == 2
        held = bulk.engagements()
        assert (held["e0"]["Notes__c"], held["e0"]["Queue__c"], held["e0"]["Answered__c"]) == (None, "kept", True)
        assert len(held["t1"]["Transcript__c"]) == 63_000
        assert all(outcome.remote and outcome.remote.id == held[key]["Id"] for key, outcome in outcomes.items())

    def test_the_ledger_knows_the_job_before_it_may_run(self, bulk: Org) -> None:
        kept = log()
        bulk.write([addressed(f"e{number}") for number in range(120)], kept)
        ((ids, job_id),) = kept.jobs
        assert (len(ids), job_id) == (120, "750000000000001AAA")

    def test_a_row_that_was_held_during_the_job_is_sent_again_by_itself(self, bulk: Org) -> None:
        bulk.command("lock", e5=1)
        outcomes = bulk.write([addressed(f"e{number}") for number in range(100)])
        assert set(statuses(outcomes).values()) == {"created"}

    def test_a_job_that_fails_halfway_leaves_the_rest_for_the_next_run(self, bulk: Org) -> None:
        bulk.command("fail-jobs", after=60)
        outcomes = bulk.write([addressed(f"e{number}") for number in range(100)])
        found = list(statuses(outcomes).values())
        assert (found.count("created"), found.count("failed_retryable")) == (60, 40)

    def test_an_upload_that_breaks_off_is_given_up_and_nothing_of_it_is_done(self, bulk: Org) -> None:
        bulk.faults(timeout_after_commit=[2])
        outcomes = bulk.write([addressed(f"e{number}") for number in range(100)])
        assert set(statuses(outcomes).values()) == {"failed_retryable"}
        assert bulk.engagements() == {}

    def test_a_start_whose_answer_is_lost_is_not_taken_for_a_refusal(self, bulk: Org) -> None:
        bulk.faults(timeout_after_commit=[3])
        outcomes = bulk.write([addressed(f"e{number}") for number in range(100)])
        assert set(statuses(outcomes).values()) == {"created"}

    def test_a_job_that_is_not_done_in_time_is_asked_for_by_the_next_run(self, bulk: Org) -> None:
        bulk.settings |= {"bulk_wait_seconds": 0.0}
        kept = log()
        outcomes = bulk.write([addressed(f"e{number}") for number in range(100)], kept)
        assert set(statuses(outcomes).values()) == {"unknown"}
        bulk.settings |= {"bulk_wait_seconds": 60.0}
        resolved = bulk.resolve(*outcomes, job_id=kept.jobs[0][1])
        assert set(statuses(resolved).values()) == {"created"}
        assert all(each.remote is not None for each in resolved.values())
        assert bulk.calls("query") == 0

    def test_a_job_that_was_never_started_is_given_up_by_the_next_run(self, bulk: Org) -> None:
        async def story(destination: SalesforceDestination) -> None:
            client = destination._client
            job_id = await client.open_job("Contact_Center_Engagement__c", "Engagement_Id__c")
            resolved = await destination.resolve([bulk.flight("e1", job_id)])
            assert resolved["e1"].status is Status.FAILED_RETRYABLE
            assert (await client.job(job_id))["state"] == "Aborted"

        bulk.tell(story)

    def test_a_job_that_salesforce_has_forgotten_is_made_up_for_by_the_key(self, bulk: Org) -> None:
        bulk.write([addressed("e1")])
        resolved = bulk.resolve("e1", "e2", job_id="750000000000099AAA")
        assert statuses(resolved) == {"e1": "created", "e2": "failed_retryable"}


def test_where_nobody_may_run_jobs_collections_carry_everything() -> None:
    with org(without_bulk=True) as organisation:
        organisation.settings |= {"bulk_from_rows": 100}
        outcomes = organisation.write([addressed(f"e{number}") for number in range(250)])
        assert set(statuses(outcomes).values()) == {"created"}
        assert organisation.calls("composite/sobjects") == 2


def test_a_run_of_many_calls_stays_below_the_number_of_calls_at_once() -> None:
    with org(Faults(latency_ms=20)) as organisation:
        organisation.settings |= {"concurrency": 3}
        organisation.write([addressed(f"e{number}") for number in range(1_999)])
        assert organisation.state()["most_at_once"] == 3
        assert organisation.calls("composite/sobjects") == 10
