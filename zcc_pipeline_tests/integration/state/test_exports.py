"""What is remembered of records that left for a CRM."""

from __future__ import annotations

from datetime import timedelta

import pytest

from zcc_pipeline.domain.export_ledger import ExportBusy, ExportPiece, ExportPlan, ExportResult
from zcc_pipeline.state import StateStore
from zcc_pipeline_tests.integration.state.conftest import DAY, NOW

pytestmark = pytest.mark.integration

LATER = NOW + timedelta(hours=1)


def _plan(engagement_id: str, *, content: str = "c1") -> ExportPlan:
    return ExportPlan(engagement_id, DAY, f"hash of {engagement_id}", "m1", content)


def test_a_record_is_in_flight_until_its_outcome_is_written(store: StateStore) -> None:
    store.exports.begin("zendesk", [_plan("e1"), _plan("e2")], now=NOW)
    assert [row.engagement_id for row in store.exports.unsettled("zendesk")] == ["e1", "e2"]

    store.exports.finish("zendesk", [ExportResult("e1", "created", "", "ticket", "17")], now=LATER)

    (row,) = store.exports.get("zendesk", ["e1", "e3"]).values()
    assert (row.status, row.remote_object, row.remote_id, row.exported_at, row.attempts) == (
        "created",
        "ticket",
        "17",
        LATER,
        0,
    )
    assert [row.engagement_id for row in store.exports.unsettled("zendesk")] == ["e2"]


def test_each_crm_has_a_ledger_of_its_own(store: StateStore) -> None:
    store.exports.begin("zendesk", [_plan("e1")], now=NOW)

    assert store.exports.get("hubspot", ["e1"]) == {}
    assert store.exports.unsettled("hubspot") == []


def test_where_a_record_is_in_the_crm_is_not_forgotten_when_it_is_sent_again(store: StateStore) -> None:
    store.exports.begin("zendesk", [_plan("e1")], now=NOW)
    store.exports.finish("zendesk", [ExportResult("e1", "created", "", "ticket", "17")], now=NOW)

    store.exports.begin("zendesk", [_plan("e1", content="c2")], now=LATER)
    store.exports.finish("zendesk", [ExportResult("e1", "failed_retryable", "no_success")], now=LATER)

    row = store.exports.get("zendesk", ["e1"])["e1"]
    assert (row.remote_id, row.status, row.content_hash, row.exported_at, row.attempts) == (
        "17",
        "failed_retryable",
        "c2",
        NOW,
        1,
    )


def test_the_job_that_carries_a_record_is_known_until_its_outcome_is(store: StateStore) -> None:
    store.exports.begin("zendesk", [_plan("e1"), _plan("e2"), _plan("e3")], now=NOW)
    store.exports.job("zendesk", ["e1", "e2"], "J1")
    store.exports.finish("zendesk", [ExportResult("e1", "unknown", "no_answer")], now=NOW)
    store.exports.finish("zendesk", [ExportResult("e2", "created", "", "ticket", "1")], now=NOW)

    rows = store.exports.get("zendesk", ["e1", "e2", "e3"])
    assert {key: row.job_id for key, row in rows.items()} == {"e1": "J1", "e2": None, "e3": None}

    store.exports.begin("zendesk", [_plan("e1")], now=LATER)
    assert store.exports.get("zendesk", ["e1"])["e1"].job_id is None


def test_how_often_a_record_was_sent_in_vain_is_forgotten_only_when_it_is_taken(store: StateStore) -> None:
    def attempts() -> int:
        return store.exports.get("zendesk", ["e1"])["e1"].attempts

    for expected in (1, 2):
        store.exports.begin("zendesk", [_plan("e1")], now=NOW)
        store.exports.finish("zendesk", [ExportResult("e1", "unknown", "no_answer")], now=NOW)
        found = ExportResult("e1", "failed_retryable", "found", "ticket", "1")
        store.exports.finish("zendesk", [found], now=NOW)
        assert attempts() == expected
    store.exports.finish("zendesk", [ExportResult("e1", "updated")], now=NOW)
    assert attempts() == 0


def test_an_entry_that_is_there_is_never_taken_back(store: StateStore) -> None:
    store.exports.begun("zendesk", [("e1", "note:n1:1"), ("e1", "note:n2:1"), ("e2", "note:n3:1")], now=NOW)
    store.exports.done("zendesk", [("e1", "note:n1:1", "c7")], now=NOW)
    store.exports.begun("zendesk", [("e1", "note:n1:1")], now=LATER)
    store.exports.done("zendesk", [("e2", "file:a", "f1")], now=LATER)

    found = store.exports.pieces("zendesk", ["e1", "e2"])

    assert sorted(found["e1"], key=lambda piece: piece.key) == [
        ExportPiece("e1", "note:n1:1", is_done=True, remote_id="c7"),
        ExportPiece("e1", "note:n2:1", is_done=False, remote_id=None),
    ]
    assert {piece.key: piece.is_done for piece in found["e2"]} == {"note:n3:1": False, "file:a": True}
    assert store.exports.pieces("hubspot", ["e1"]) == {}


def test_a_decision_without_sending_keeps_what_is_known_of_the_remote_record(store: StateStore) -> None:
    store.exports.begin("zendesk", [_plan("e1")], now=NOW)
    store.exports.finish("zendesk", [ExportResult("e1", "created", "", "ticket", "17")], now=NOW)

    changed = ExportPlan("e1", DAY, "another hash", "m2", "c1")
    store.exports.settle("zendesk", [(changed, ExportResult("e1", "unchanged"))], now=LATER)
    store.exports.settle("zendesk", [(_plan("e2"), ExportResult("e2", "skipped", "queue"))], now=LATER)

    first, second = (store.exports.get("zendesk", ["e1", "e2"])[key] for key in ("e1", "e2"))
    assert (first.activity_hash, first.mapping, first.status, first.remote_id, first.exported_at) == (
        "another hash",
        "m2",
        "unchanged",
        "17",
        NOW,
    )
    assert (second.status, second.code, second.remote_id) == ("skipped", "queue", None)


def test_a_record_of_another_program_stays_known_as_such(store: StateStore) -> None:
    store.exports.begin("salesforce", [_plan("e1")], now=NOW)
    enriched = ExportResult("e1", "updated", "", "Task", "00T1", is_foreign=True)
    store.exports.finish("salesforce", [enriched], now=NOW)
    store.exports.settle("salesforce", [(_plan("e1"), ExportResult("e1", "unchanged"))], now=LATER)

    assert store.exports.get("salesforce", ["e1"])["e1"].is_foreign


def test_a_refused_record_is_offered_again_when_somebody_says_so(store: StateStore) -> None:
    store.exports.begin("zendesk", [_plan("e1"), _plan("e2")], now=NOW)
    refused = ExportResult("e1", "failed_permanent", "RecordInvalid", "ticket", "17")
    store.exports.finish("zendesk", [refused, ExportResult("e2", "created", "", "ticket", "18")], now=NOW)

    assert store.exports.offer_again("zendesk", "e1")
    assert not store.exports.offer_again("zendesk", "e2")
    assert not store.exports.offer_again("zendesk", "e3")

    row = store.exports.get("zendesk", ["e1"])["e1"]
    assert (row.status, row.code, row.remote_id) == ("failed_retryable", "replayed", "17")


def test_a_record_that_the_crm_has_lost_is_offered_again_as_a_new_one(store: StateStore) -> None:
    store.exports.begin("zendesk", [_plan("e1")], now=NOW)
    store.exports.done("zendesk", [("e1", "note:n1:1", "c7")], now=NOW)
    store.exports.finish("zendesk", [ExportResult("e1", "failed_permanent", "not_found", "ticket", "17")], now=NOW)

    assert store.exports.offer_again("zendesk", "e1")

    assert store.exports.get("zendesk", ["e1"])["e1"].remote_id is None
    assert store.exports.pieces("zendesk", ["e1"]) == {}


def test_records_are_counted_by_day_and_status(store: StateStore) -> None:
    store.exports.begin("zendesk", [_plan("e1"), _plan("e2"), _plan("e3")], now=NOW)
    store.exports.finish("zendesk", [ExportResult(key, "created") for key in ("e1", "e2")], now=NOW)

    assert [(count.day, count.status, count.records) for count in store.exports.counts("zendesk")] == [
        (DAY, "created", 2),
        (DAY, "in_flight", 1),
    ]
    assert set(store.exports.on_day("zendesk", DAY)) == {"e1", "e2", "e3"}
    assert store.exports.on_day("zendesk", DAY + timedelta(days=1)) == {}


def test_two_exports_to_one_crm_do_not_run_at_once(store: StateStore, state_url: str) -> None:
    with StateStore.open(state_url) as other:
        with store.exports.exclusive("zendesk"):
            with pytest.raises(ExportBusy, match="zendesk"), other.exports.exclusive("zendesk"):
                pass
            with other.exports.exclusive("hubspot"):
                pass
        with other.exports.exclusive("zendesk"):
            pass
