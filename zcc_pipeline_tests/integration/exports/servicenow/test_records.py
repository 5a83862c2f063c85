"""Records into an instance: by import set, by several rows at once, and without any."""

from __future__ import annotations

from typing import Any

import pytest

from zcc_pipeline.domain.errors import ConfigurationError, PermanentError, QuotaExhausted
from zcc_pipeline.exports.destination import InFlight
from zcc_pipeline.exports.outcomes import Outcome, Status
from zcc_pipeline.simulator.crm.base import Faults, Limit
from zcc_pipeline.simulator.crm.servicenow import Setup
from zcc_pipeline_tests.integration.exports.servicenow.adapter import KEY, instance_of
from zcc_pipeline_tests.integration.exports.servicenow.desk import (
    IMPORT_SETS,
    TABLE,
    Customer,
    Log,
    RemoteRef,
    changed,
    insert,
    instance,
    note,
    notes_of,
    record,
    rows,
    run,
    write,
)

pytestmark = pytest.mark.integration

BY_NAMES = Setup(insert_multiple="asynchronous_names")
AT_ONCE = Setup(insert_multiple="synchronous_names")


def calls(served: Any) -> dict[str, int]:
    """Calls by route, without those that sign in or read metadata."""
    return {
        name: count
        for name, count in served.standin.counters.by_route.items()
        if not name.startswith(("inner", "POST /oauth"))
    }


def test_a_batch_of_rows_is_one_call_and_says_of_each_what_became_of_it() -> None:
    with instance() as served:
        outcomes = write(served, [record(f"e{number}") for number in range(100)])
        assert {outcome.status for outcome in outcomes.values()} == {Status.CREATED}
        assert served.standin.counters.writes == 1
        by_key = {row[KEY]: row for row in rows(served)}
        assert outcomes["e7"].remote == RemoteRef("interaction", by_key["e7"]["sys_id"])
        assert by_key["e7"]["opened_at"] == "2026-11-22 10:00:00"
        again = write(served, [record("e7"), record("e8", fields={"short_description": "Other"})])
        assert [again["e7"].status, again["e8"].status] == [Status.UNCHANGED, Status.UPDATED]
        assert again["e7"].remote == outcomes["e7"].remote


def test_one_row_alone_is_imported_without_a_batch() -> None:
    with instance() as served:
        write(served, [record("e1")])
        assert served.standin.counters.by_route["POST /api/now/import/{staging}"] == 1


def test_an_instance_that_refuses_batches_gets_every_row_and_note_by_itself() -> None:
    with instance(settings={"has_batches": False}) as served:
        outcomes = write(served, [record(f"e{number}", entries=(note(1),)) for number in range(5)])
        assert {outcome.status for outcome in outcomes.values()} == {Status.CREATED}
        assert all(notes_of(served, outcome) == ["Note 1"] for outcome in outcomes.values())
        found = run(served, lambda destination: destination.examine())
        assert [check.verdict for check in found if check.topic == "servicenow Batch API"] == ["warning"]


def test_a_row_that_the_transform_refuses_is_refused_in_its_words_and_the_others_arrive() -> None:
    with instance(faults=Faults(refuse_keys=("e1",))) as served:
        outcomes = write(served, [record("e0"), record("e1"), record("e2")])
        assert [outcomes[key].status for key in ("e0", "e2")] == [Status.CREATED, Status.CREATED]
        assert outcomes["e1"] == Outcome(
            "e1", Status.FAILED_PERMANENT, code="import_error", message="Row transform rejected by onBefore script"
        )


def test_rows_that_a_batch_did_not_get_to_are_sent_again_in_smaller_batches() -> None:
    with instance(settings={"batch_seconds_each": 2}) as served:
        outcomes = write(served, [record(f"e{number}") for number in range(40)])
        assert {outcome.status for outcome in outcomes.values()} == {Status.CREATED}
        assert len(rows(served)) == 40
        assert served.standin.counters.writes == 3


def test_values_arrive_as_text_people_as_references_and_what_is_missing_empties_its_column() -> None:
    with instance() as served:
        person, agent = insert(served, "sys_user", name="Ada"), insert(served, "sys_user", name="Agent")
        fields = {"u_zcc_duration_seconds": 61, "u_zcc_deleted_at_source": True, "u_zcc_queue": "Support"}
        linked = {"customer": Customer("sys_user", person.id), "owner_id": agent.id}
        write(served, [record("e1", fields=fields, **linked)])
        (row,) = rows(served)
        assert (row["u_zcc_duration_seconds"], row["u_zcc_deleted_at_source"]) == ("61", "true")
        assert (row["opened_for"], row["assigned_to"]) == (person.id, agent.id)
        write(served, [record("e1", fields={**fields, "u_zcc_queue": None}, **linked)])
        assert rows(served)[0]["u_zcc_queue"] == ""


def test_a_long_text_is_cut_by_us_and_says_so() -> None:
    with instance() as served:
        write(served, [record("e1", fields={"short_description": "word " * 100})])
        text = rows(served)[0]["short_description"]
        assert len(text) <= 160
        assert text.endswith("…")


def test_several_rows_go_in_one_import_set_where_the_instance_is_set_up_for_it() -> None:
    mapping = changed(IMPORT_SETS)
    for setup, polls in ((AT_ONCE, 0), (BY_NAMES, 2)):
        with instance(settings={"setup": setup, "import_polls": polls}) as served:
            log = Log()
            batch = [record(f"e{number}", mapping=mapping) for number in range(200)]
            assert run(served, _batch_size, mapping=mapping) == 200
            outcomes = write(served, batch, log, mapping=mapping)
            assert {outcome.status for outcome in outcomes.values()} == {Status.CREATED}
            assert {outcome.remote.id for outcome in outcomes.values() if outcome.remote} == {
                row["sys_id"] for row in rows(served)
            }
            assert set(log.jobs) == set(outcomes)
            assert len(set(log.jobs.values())) == 1
            assert served.standin.counters.writes == 1


async def _batch_size(destination: Any) -> int:
    return int(destination.batch_size)


def test_an_import_set_of_which_rows_are_refused_says_which() -> None:
    mapping, faults = changed(IMPORT_SETS), Faults(refuse_keys=("e1",))
    with instance(settings={"setup": AT_ONCE}, faults=faults) as served:
        outcomes = write(served, [record("e0", mapping=mapping), record("e1", mapping=mapping)], mapping=mapping)
        assert [outcomes["e0"].status, outcomes["e1"].status] == [Status.CREATED, Status.FAILED_PERMANENT]
        assert outcomes["e1"].message == "Row transform rejected by onBefore script"


def test_an_import_set_that_is_not_done_in_time_is_asked_for_in_the_next_run() -> None:
    mapping = changed(IMPORT_SETS)
    with instance(settings={"setup": BY_NAMES, "import_polls": 4}) as served:
        log = Log()
        batch = [record("e1", mapping=mapping), record("e2", mapping=mapping)]
        outcomes = write(served, batch, log, mapping=mapping, import_wait_seconds=0.6)
        assert {(each.status, each.code) for each in outcomes.values()} == {(Status.UNKNOWN, "import_running")}
        flights = [InFlight(one.outgoing, one.outgoing.engagement_id, None, log.jobs["e1"]) for one in batch]
        first = run(served, lambda destination: destination.resolve(flights), mapping=mapping)
        assert {each.status for each in first.values()} == {Status.UNKNOWN}
        for _ in range(3):
            last = run(served, lambda destination: destination.resolve(flights), mapping=mapping)
        assert {each.status for each in last.values()} == {Status.CREATED}
        assert {row[KEY] for row in rows(served)} == {"e1", "e2"}


def test_rows_that_arrive_under_labels_name_the_setting_that_is_missing() -> None:
    mapping = changed(IMPORT_SETS)
    with instance(settings={"import_polls": 0}) as served:
        batch = [record("e1", mapping=mapping), record("e2", mapping=mapping)]
        with pytest.raises(ConfigurationError, match="sys_rest_insert_multiple"):
            write(served, batch, mapping=mapping)
        assert rows(served) == []


def test_without_an_import_set_rows_are_looked_up_then_inserted_or_updated() -> None:
    mapping = changed(TABLE)
    with instance(settings={"setup": Setup(staging=False)}) as served:
        there = insert(served, **{KEY: "e1"})
        batch = [record(f"e{number}", mapping=mapping) for number in range(3)]
        outcomes = write(served, batch, mapping=mapping)
        assert [outcomes[key].status for key in ("e0", "e1", "e2")] == [Status.CREATED, Status.UPDATED, Status.CREATED]
        assert outcomes["e1"].remote == there
        assert sorted(row["short_description"] for row in rows(served)) == ["About e0", "About e1", "About e2"]


def test_a_row_that_was_deleted_on_the_instance_is_made_again() -> None:
    gone = RemoteRef("interaction", "0" * 32)
    for mapping in (changed(TABLE), changed({})):
        with instance() as served:
            outcomes = write(served, [record("e1", mapping=mapping, remote=gone)], mapping=mapping)
            assert outcomes["e1"].status is Status.CREATED
            assert outcomes["e1"].remote == RemoteRef("interaction", rows(served)[0]["sys_id"])


def test_an_insert_that_was_overtaken_becomes_an_update_by_the_unique_index() -> None:
    """The look-up is answered before another writer inserts: the index refuses ours, and the row is updated."""
    mapping = changed(TABLE)
    with instance() as served:
        standin = instance_of(served)
        listed = standin.tables.list_rows

        def and_then_somebody_else(request: Any) -> Any:
            answer = listed(request)
            if request.values["table"] == "interaction" and not rows(served):
                insert(served, **{KEY: "e1"})
            return answer

        standin._router._patterns = [
            (literal, pattern, _with_handler(route, listed, and_then_somebody_else))
            for literal, pattern, route in standin._router._patterns
        ]
        outcomes = write(served, [record("e1", mapping=mapping)], mapping=mapping)
        assert outcomes["e1"].status is Status.UPDATED
        assert [row["short_description"] for row in rows(served)] == ["About e1"]


def _with_handler(route: Any, old: Any, new: Any) -> Any:
    from dataclasses import replace

    return replace(route, handler=new) if route.handler == old else route


def test_another_programs_record_is_enriched_and_nothing_is_hung_on_it() -> None:
    with instance() as served:
        other = insert(served, short_description="By the connector", correlation_id="call-1")
        one = record(
            "e1", remote=other, is_enriching=True, enrich={"u_recording_url": "https://x.example/1"}, entries=(note(1),)
        )
        outcomes = write(served, [one])
        assert (outcomes["e1"].status, outcomes["e1"].remote) == (Status.UPDATED, other)
        (row,) = rows(served)
        assert (row["short_description"], row["u_recording_url"], row[KEY]) == (
            "By the connector",
            "https://x.example/1",
            "",
        )
        assert instance_of(served).work_notes(other.id) == []


def test_another_programs_record_that_is_gone_is_not_made_again() -> None:
    with instance() as served:
        one = record("e1", remote=RemoteRef("interaction", "0" * 32), is_enriching=True, enrich={"state": "x"})
        outcomes = write(served, [one])
        assert outcomes["e1"].status is Status.FAILED_RETRYABLE
        assert rows(served) == []


def test_records_of_other_programs_are_found_by_the_column_that_the_mapping_names() -> None:
    mapping = changed(
        {
            "  notes: entries ": "  coexistence: {queues: {Support: skip}, lookup: {object: interaction, "
            "field: correlation_id}}\n  notes: entries "
        }
    )
    with instance() as served:
        there = insert(served, correlation_id="e1")
        insert(served, correlation_id="E2")
        wanted = [record(key, logged_as=key).outgoing for key in ("e1", "e2", "e3", "e^ORactive=true")]
        found = run(served, lambda destination: destination.find_logged(wanted), mapping=mapping)
        assert found == {"e1": there}


def test_what_is_in_flight_is_found_by_its_key_or_certainly_never_arrived() -> None:
    with instance() as served:
        there = insert(served, **{KEY: "e1"})
        flights = [InFlight(record(key).outgoing, key, None, None) for key in ("e1", "e2", "e,3")]
        flights.append(InFlight(None, "e4", None, None))
        found = run(served, lambda destination: destination.resolve(flights))
        assert found["e1"] == Outcome("e1", Status.CREATED, there)
        assert (found["e2"].status, found["e2"].code) == (Status.FAILED_RETRYABLE, "never_arrived")
        assert found["e,3"].code == "never_arrived"
        assert found["e4"].code == "never_arrived"


def test_an_id_that_may_not_stand_in_a_query_goes_through_an_import_set_only() -> None:
    mapping = changed(TABLE)
    with instance() as served:
        for _ in range(2):
            assert write(served, [record("e,3")])["e,3"].remote is not None
        assert len(rows(served)) == 1
        refused = write(served, [record("e,4", mapping=mapping), record("e5", mapping=mapping)], mapping=mapping)
        assert (refused["e,4"].status, refused["e,4"].code) == (Status.FAILED_PERMANENT, "id_not_searchable")
        assert refused["e5"].status is Status.CREATED
        flights = [InFlight(record("e,4", mapping=mapping).outgoing, "e,4", None, None)]
        found = run(served, lambda destination: destination.resolve(flights), mapping=mapping)
        assert found["e,4"].code == "id_not_searchable"


def test_where_nobody_answers_nothing_is_known_of_what_is_in_flight() -> None:
    with instance() as served:
        run(served, lambda destination: destination.validate())
        flights = [InFlight(record("e1").outgoing, "e1", None, None)]
        served.standin.set_faults(Faults(fail_5xx=1000))
        found = run(served, lambda destination: destination.resolve(flights))
        assert found["e1"].status is Status.UNKNOWN


def test_a_condition_that_the_instance_drops_links_to_no_strangers_record() -> None:
    """Without the column the platform answers the look-up with whatever there is."""
    mapping = changed(TABLE)
    with instance(settings={"setup": Setup(columns=False)}) as served:
        insert(served, short_description="A stranger's")
        flights = [InFlight(record("e1", mapping=mapping).outgoing, "e1", None, None)]
        found = run(served, lambda destination: destination.resolve(flights), mapping=mapping)
        assert found["e1"].code == "never_arrived"


def test_a_rate_limit_of_an_hour_ends_the_run() -> None:
    with instance(limits={"api": Limit(6, 3600)}) as served:
        run(served, _until_the_quota_is_used_up)
        assert served.standin.counters.limited == 1


async def _until_the_quota_is_used_up(destination: Any) -> None:
    async def write_many() -> None:
        for number in range(9):
            await destination.write([record(f"e{number}")], Log())

    with pytest.raises(QuotaExhausted):
        await write_many()


def test_a_user_who_may_not_write_ends_the_run_instead_of_refusing_every_record() -> None:
    mapping = changed(TABLE)
    with (
        instance(settings={"hidden": ("interaction",)}) as served,
        pytest.raises(PermanentError, match="403 not_authorized"),
    ):
        write(served, [record("e1", mapping=mapping), record("e2", mapping=mapping)], mapping=mapping)


def test_an_answer_that_never_comes_leaves_records_unknown_and_the_import_makes_none_twice() -> None:
    with instance(faults=Faults(timeout_after_commit=(1, 2, 3, 4, 5, 6))) as served:
        outcomes = write(served, [record("e1"), record("e2")])
        assert {outcome.status for outcome in outcomes.values()} == {Status.UNKNOWN}
        assert len(rows(served)) == 2


def test_without_an_import_set_an_insert_is_not_repeated_when_no_answer_comes() -> None:
    mapping = changed(TABLE)
    with instance(faults=Faults(timeout_after_commit=(2,)), settings={"setup": Setup(unique=False)}) as served:
        outcomes = write(served, [record("e1", mapping=mapping)], mapping=mapping)
        assert outcomes["e1"].status is Status.CREATED
        outcomes = write(served, [record("e2", mapping=mapping)], mapping=mapping)
        assert outcomes["e2"].status is Status.UNKNOWN
        assert sorted(row[KEY] for row in rows(served)) == ["e1", "e2"]
