"""Every record of a batch gets exactly one result, however HubSpot answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zcc_pipeline.domain.errors import NotFound, QuotaExhausted, TransientError
from zcc_pipeline.exports.hubspot.batches import BatchWriter, Input, NotWritten, Result, Written
from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.exports.session import CrmRefused, OutcomeUnknown
from zcc_pipeline_tests.examples import of_all

KEY = "zcc_engagement_id"
STYLES = ("whole", "named_by_id", "named_by_trace", "not_named", "left_out")


class Scripted:
    """Answers batches in one of HubSpot's ways; ``refused`` are keys that it will not have."""

    def __init__(self, refused: frozenset[str], style: str) -> None:
        self.refused, self.style = refused, style
        self.sent: list[list[str]] = []
        self.taken: list[str] = []

    async def __call__(self, inputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
        keys = [each["id"] for each in inputs]
        self.sent.append(keys)
        bad = [key for key in keys if key in self.refused]
        if bad and self.style == "whole":
            raise CrmRefused("upsert calls", status=400, code="VALIDATION_ERROR", message="not so")
        good = [key for key in keys if key not in self.refused]
        self.taken += good
        context = {"named_by_id": "ids", "named_by_trace": "objectWriteTraceId"}.get(self.style)
        errors = [
            {"category": "VALIDATION_ERROR", "message": "not so", "context": {context: [key]} if context else {}}
            for key in bad
            if self.style != "left_out"
        ]
        results = [{"id": f"r-{key}", "new": True, "properties": {KEY: key}} for key in reversed(good)]
        return {"results": results, "errors": errors, "status": "COMPLETE"}


def write(send: Any, keys: Sequence[str], *, suspects: frozenset[str] = frozenset()) -> dict[str, Result]:
    writer = BatchWriter(send, id_property=KEY, wanted=frozenset(keys))
    inputs = [Input(key, key, {KEY: key}, key in suspects) for key in keys]
    return dict(asyncio.run(writer.write(inputs)))


@settings(max_examples=of_all(150))
@given(
    st.lists(st.text(min_size=1, max_size=6), unique=True, min_size=1, max_size=40).flatmap(
        lambda keys: st.tuples(
            st.just(keys), st.frozensets(st.sampled_from(keys)), st.frozensets(st.sampled_from(keys))
        )
    ),
    st.sampled_from(STYLES),
)
def test_each_record_has_one_result_and_no_other_suffers(
    case: tuple[list[str], frozenset[str], frozenset[str]], style: str
) -> None:
    keys, refused, suspects = case
    send = Scripted(refused, style)
    results = write(send, keys, suspects=suspects)
    assert set(results) == set(keys)
    for key, result in results.items():
        if key not in refused:
            assert result == Written(f"r-{key}", is_new=True)
        elif style == "left_out":
            assert result == NotWritten(Status.UNKNOWN, "not_mentioned")
        else:
            assert result == NotWritten(Status.FAILED_PERMANENT, "VALIDATION_ERROR", "not so")
    assert sorted(send.taken) == sorted(set(keys) - refused), "what was taken was not sent again"


def test_a_clean_batch_is_one_request_and_one_refused_of_a_hundred_costs_fourteen_more() -> None:
    keys = [f"e{number}" for number in range(100)]
    clean, one = Scripted(frozenset(), "whole"), Scripted(frozenset({"e42"}), "whole")
    write(clean, keys)
    write(one, keys)
    assert (len(clean.sent), len(one.sent)) == (1, 15)


def test_a_suspect_goes_alone_and_a_wrong_suspicion_lets_the_others_go_together() -> None:
    keys = [f"e{number}" for number in range(100)]
    send = Scripted(frozenset(), "whole")
    write(send, keys, suspects=frozenset(keys[:60]))
    assert [len(part) for part in send.sent] == [40, 1, 59]


def test_a_result_that_belongs_to_nobody_is_not_believed() -> None:
    async def send(inputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return {"results": [{"id": "1", "new": True, "properties": {KEY: "another"}}, "rubbish", {"id": 7}]}

    assert write(send, ["e1"]) == {"e1": NotWritten(Status.UNKNOWN, "not_mentioned")}


def test_the_trace_id_tells_whose_a_result_is_where_the_property_is_missing() -> None:
    async def send(inputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return {"results": [{"id": "1", "new": False, "properties": {}, "objectWriteTraceId": "e1"}]}

    assert write(send, ["e1"]) == {"e1": Written("1", is_new=False)}


@pytest.mark.parametrize(
    ("error", "status"),
    [(OutcomeUnknown("upsert"), Status.UNKNOWN), (TransientError("upsert"), Status.FAILED_RETRYABLE)],
)
def test_no_answer_is_unknown_and_a_certain_failure_comes_again(error: Exception, status: Status) -> None:
    async def send(inputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
        raise error

    assert {result.status for result in write(send, ["e1", "e2"]).values() if isinstance(result, NotWritten)} == {
        status
    }


@pytest.mark.parametrize(
    "error",
    [
        QuotaExhausted("upsert"),
        CrmRefused("upsert", status=400, code="PROPERTY_DOESNT_EXIST"),
        CrmRefused("upsert", status=400, code="VALIDATION_ERROR", message="Unable … by non-unique calls property x"),
    ],
)
def test_what_concerns_all_ends_the_run_with_one_request(error: Exception) -> None:
    sent = []

    async def send(inputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
        sent.append(inputs)
        raise error

    with pytest.raises(type(error)):
        write(send, ["e1", "e2"])
    assert len(sent) == 1


def test_a_record_that_is_gone_does_not_stop_the_others() -> None:
    async def send(inputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
        if any(each["id"] == "gone" for each in inputs):
            raise NotFound("update calls: 404", http_status=404)
        return {"results": [{"id": each["id"], "new": False, "properties": {KEY: each["id"]}} for each in inputs]}

    results = write(send, ["e1", "gone", "e2"])
    assert results.pop("gone") == NotWritten(Status.FAILED_PERMANENT, "not_found")
    assert set(results.values()) == {Written("e1", is_new=False), Written("e2", is_new=False)}


def test_a_passing_trouble_of_one_row_comes_again() -> None:
    async def send(inputs: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return {"results": [], "errors": [{"category": "RATE_LIMITS", "message": "m", "context": {"ids": ["e1"]}}]}

    assert write(send, ["e1"]) == {"e1": NotWritten(Status.FAILED_RETRYABLE, "RATE_LIMITS", "m")}
