"""Work notes and files: each once, whatever happens."""

from __future__ import annotations

import pytest

from zcc_pipeline.domain.errors import QuotaExhausted
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.simulator.crm.base import Faults
from zcc_pipeline_tests.integration.exports.servicenow.adapter import instance_of
from zcc_pipeline_tests.integration.exports.servicenow.desk import (
    Gone,
    Log,
    file,
    files_of,
    instance,
    note,
    notes_of,
    record,
    rows,
    write,
)

pytestmark = pytest.mark.integration


def test_every_note_version_is_one_work_note_and_a_known_one_is_not_sent_again() -> None:
    with instance() as served:
        log = Log()
        first = write(served, [record("e1", entries=(note(1), note(2)))], log)["e1"]
        assert first.status is Status.CREATED
        assert notes_of(served, first) == ["Note 1", "Note 2"]
        keys = [("e1", "note:n1:1"), ("e1", "note:n2:1")]
        assert log.begun_keys == log.done_keys == keys
        known = frozenset({"note:n1:1", "note:n2:1"})
        later = record("e1", entries=(note(1), note(2), note(3)), remote=first.remote, written=known)
        assert write(served, [later])["e1"].status is Status.UPDATED
        assert notes_of(served, first) == ["Note 1", "Note 2", "Note 3"]


def test_notes_of_many_records_go_in_one_call() -> None:
    with instance() as served:
        write(served, [record(f"e{number}", entries=(note(1),)) for number in range(50)])
        assert served.standin.counters.writes == 2


def test_a_note_whose_answer_never_came_is_looked_for_and_not_written_twice() -> None:
    with instance(faults=Faults(timeout_after_commit=(2,))) as served:
        log = Log()
        sent = record("e1", entries=(note(1), note(2)))
        assert write(served, [sent], log)["e1"].status is Status.UNKNOWN
        assert log.begun_keys == [("e1", "note:n1:1"), ("e1", "note:n2:1")]
        assert log.done_keys == []
        unsure = frozenset(key for _, key in log.begun_keys)
        outcome = write(served, [record("e1", entries=(note(1), note(2), note(3)), unsure=unsure)], log)["e1"]
        assert notes_of(served, outcome) == ["Note 1", "Note 2", "Note 3"]
        assert {key for _, key in log.done_keys} == {"note:n1:1", "note:n2:1", "note:n3:1"}


def test_a_note_that_was_lost_on_its_way_is_written_after_it_was_looked_for() -> None:
    with instance(faults=Faults(timeout_before_commit=(2,))) as served:
        assert write(served, [record("e1", entries=(note(1),))])["e1"].status is Status.UNKNOWN
        outcome = write(served, [record("e1", entries=(note(1),), unsure=frozenset({"note:n1:1"}))])["e1"]
        assert notes_of(served, outcome) == ["Note 1"]


def test_a_ledger_that_was_lost_doubles_no_note() -> None:
    with instance() as served:
        one = record("e1", entries=(note(1), note(2)), attachments=(file("a.mp3", b"sound"),))
        write(served, [one])
        log = Log()
        outcome = write(served, [one], log)["e1"]
        assert notes_of(served, outcome) == ["Note 1", "Note 2"]
        assert files_of(served, outcome) == ["a.mp3"]
        assert len(log.done_keys) == 3


def test_notes_that_a_batch_did_not_get_to_are_looked_for_and_sent_in_the_same_run() -> None:
    with instance(settings={"batch_seconds_each": 4}) as served:
        batch = [record(f"e{number}", entries=(note(1), note(2))) for number in range(12)]
        outcomes = write(served, batch)
        assert {outcome.status for outcome in outcomes.values()} == {Status.CREATED}
        assert all(notes_of(served, outcome) == ["Note 1", "Note 2"] for outcome in outcomes.values())


def test_a_record_that_was_made_again_gets_all_of_its_notes_and_files() -> None:
    with instance() as served:
        sound = file("a.mp3", b"sound")
        first = write(served, [record("e1", entries=(note(1),), attachments=(sound,))])["e1"]
        assert first.remote is not None
        standin = instance_of(served)
        row = standin.instance.get("interaction", first.remote.id)
        assert row is not None
        standin.instance.update(row, {"u_zcc_engagement_id": "moved away"})
        known = frozenset({"note:n1:1", sound.key})
        again = write(
            served, [record("e1", entries=(note(1),), attachments=(sound,), remote=first.remote, written=known)]
        )["e1"]
        assert again.remote != first.remote
        assert (notes_of(served, again), files_of(served, again)) == (["Note 1"], ["a.mp3"])


def test_a_refused_note_is_the_records_failure_and_says_which_part_it_was() -> None:
    with instance(faults=Faults(refuse_where="forbidden words")) as served:
        outcomes = write(served, [record("e1", entries=(note(1, "forbidden words"), note(2))), record("e2")])
        assert (outcomes["e1"].status, outcomes["e1"].code) == (Status.FAILED_PERMANENT, "note_operation_failed")
        assert "Business Rule" in outcomes["e1"].message
        assert outcomes["e2"].status is Status.CREATED
        assert notes_of(served, outcomes["e1"]) == ["Note 2"]


def test_files_are_attached_once_with_their_own_type_and_bytes() -> None:
    body = bytes(range(256)) * 3000
    with instance() as served:
        log = Log()
        one = record("e1", attachments=(file("a.mp3", body), file("b.mp3", b"other")))
        outcome = write(served, [one], log)["e1"]
        assert sorted(files_of(served, outcome)) == ["a.mp3", "b.mp3"]
        standin = instance_of(served)
        stored = {row["file_name"]: row for row in standin.files(outcome.remote.id if outcome.remote else "")}
        assert standin.attachments.contents[stored["a.mp3"]["sys_id"]] == body
        assert stored["a.mp3"]["content_type"] == "audio/mpeg"
        assert len(log.done_keys) == 2


def test_a_file_whose_answer_never_came_is_looked_for_by_name_and_content() -> None:
    with instance(faults=Faults(timeout_after_commit=(2,))) as served:
        old, new = file("a.mp3", b"first"), file("a.mp3", b"second")
        log = Log()
        assert write(served, [record("e1", attachments=(old,))], log)["e1"].code == "file_no_answer"
        unsure = frozenset(key for _, key in log.begun_keys)
        outcome = write(served, [record("e1", attachments=(old, new), unsure=unsure)], log)["e1"]
        assert files_of(served, outcome) == ["a.mp3", "a.mp3"]
        assert len({row["hash"] for row in rows(served, "sys_attachment")}) == 2


def test_a_file_with_a_long_name_keeps_its_extension_and_is_recognised() -> None:
    with instance() as served:
        one = record("e1", attachments=(file("recording-" + "x" * 120 + ".mp3", b"sound"),))
        for _ in range(2):
            outcome = write(served, [one])["e1"]
        (name,) = files_of(served, outcome)
        assert len(name) == 100
        assert name.endswith(".mp3")


def test_a_quota_that_is_used_up_among_files_ends_the_run_and_leaves_none_unfinished() -> None:
    with instance() as served:
        batch = [record(f"e{number}", attachments=(file("a.mp3", b"sound"),)) for number in range(12)]
        log = Log()
        served.standin.set_faults(Faults(daily_cap=8))
        with pytest.raises(QuotaExhausted):
            write(served, batch, log)
        assert 0 < len(rows(served, "sys_attachment")) == len(log.done_keys) < 12
        served.standin.set_faults(Faults())
        unsure = {engagement_id: frozenset({key}) for engagement_id, key in log.begun_keys}
        again = [
            record(one.outgoing.engagement_id, attachments=one.outgoing.attachments, unsure=unsure[key])
            for one in batch
            if (key := one.outgoing.engagement_id) in unsure
        ]
        write(served, again)
        assert sorted(row["table_sys_id"] for row in rows(served, "sys_attachment")) == sorted(
            {row["table_sys_id"] for row in rows(served, "sys_attachment")}
        )


def test_a_file_of_a_kind_that_is_not_let_in_is_refused_and_the_record_stays() -> None:
    with instance() as served:
        outcome = write(served, [record("e1", attachments=(file("a.exe", b"x"),))])["e1"]
        assert (outcome.status, outcome.code) == (Status.FAILED_PERMANENT, "file_operation_failed")
        assert "not allowed" in outcome.message
        assert len(rows(served)) == 1


def test_a_file_that_the_file_store_lost_is_named_and_the_record_stays() -> None:
    with instance() as served:
        lost = file("a.mp3", b"sound", files=Gone())
        outcomes = write(served, [record("e1", attachments=(lost,)), record("e2")])
        assert (outcomes["e1"].status, outcomes["e1"].code) == (Status.FAILED_PERMANENT, "file_missing")
        assert outcomes["e2"].status is Status.CREATED
        assert files_of(served, outcomes["e1"]) == []
