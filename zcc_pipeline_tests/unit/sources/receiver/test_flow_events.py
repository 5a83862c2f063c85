"""Flow events: our own schema, and a sender who is told which field is wrong."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.sources.receiver.flow_events import flow_event, read_flow_event
from zcc_pipeline.sources.receiver.http import Refused
from zcc_pipeline_tests.event_senders import FLOW_TOKEN, JSON_TYPE, flow_body, with_token
from zcc_pipeline_tests.unit.sources.receiver.conftest import NOW, Bench

FLOW = "/flow-events"


def test_a_flow_event_becomes_an_event_with_its_own_identity(bench: Bench) -> None:
    body = flow_body()
    answered = bench.ask(FLOW, with_token(), body)
    assert (answered.status, json.loads(answered.body)) == (200, {"status": "stored"})
    [event] = bench.inbox.events
    assert (event.intake, event.event, event.engagement_id) == ("flow", "flow.disposition_saved", "eng-1")
    assert event.event_ts == datetime(2026, 11, 20, 9, 15, 0, 250_000, tzinfo=UTC)
    assert event.dedupe_key == hashlib.sha256(b"flow\0eng-1:disposition_saved:1").digest()
    assert (event.body, event.received_at) == (body, NOW)
    assert read_flow_event(event.body).disposition == "Sold"


def test_the_same_key_again_is_kept_once_whatever_else_it_says(bench: Bench) -> None:
    bench.ask(FLOW, with_token(), flow_body())
    answered = bench.ask(FLOW, with_token(), flow_body(disposition="Lost"))
    assert (answered.status, json.loads(answered.body)) == (200, {"status": "duplicate"})
    assert len(bench.inbox.events) == 1


def test_either_of_two_tokens_is_good_and_the_scheme_is_spelled_as_they_like(bench: Bench) -> None:
    for number, value in enumerate((f"Bearer {FLOW_TOKEN}", f"bearer  {FLOW_TOKEN}", "BEARER flow-token-0")):
        headers = [JSON_TYPE, (b"authorization", value.encode())]
        assert bench.ask(FLOW, headers, flow_body(idempotency_key=str(number))).status == 200


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([], "missing_header"),
        ([b"Bearer flow-token-1", b"Bearer flow-token-1"], "duplicate_header"),
        ([b"Bearer wrong"], "bad_token"),
        ([b"Bearer "], "bad_token"),
        ([b"Bearer"], "bad_token"),
        ([b"Basic flow-token-1"], "bad_token"),
        ([b"flow-token-1"], "bad_token"),
        (["Bearer flow-token-é".encode()], "bad_token"),
    ],
)
def test_anything_but_one_good_token_is_refused_before_the_body_is_read(
    bench: Bench, headers: list[bytes], reason: str
) -> None:
    answered = bench.ask(FLOW, [JSON_TYPE, *((b"authorization", each) for each in headers)], b"not even JSON")
    assert (answered.status, answered.body, answered.headers[b"www-authenticate"]) == (401, b"", b"Bearer")
    [line] = bench.lines()
    assert (line["intake"], line["reason"]) == ("flow", reason)
    assert "flow-token" not in bench.stream.getvalue().decode()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"schema": ...}, "schema"),
        ({"schema": 2}, "schema"),
        ({"schema": "1"}, "schema"),
        ({"type": "Engagement Closed"}, "type"),
        ({"type": "x" * 65}, "type"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"idempotency_key": "x" * 201}, "idempotency_key"),
        ({"idempotency_key": 5}, "idempotency_key"),
        ({"engagement_id": ...}, "engagement_id"),
        ({"engagement_id": None}, "engagement_id"),
        ({"engagement_id": "a\u0000b"}, "engagement_id"),
        ({"occurred_at": "2026-11-20T10:15:00"}, "occurred_at"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"occurred_at": 1795000000}, "occurred_at"),
        ({"transcript": 7}, "transcript"),
        ({"disposition": True}, "disposition"),
        ({"variable_form": "+4930123456"}, "variable_form"),
        ({"flow_id": ""}, "flow_id"),
    ],
)
def test_a_field_that_is_wrong_is_named_and_its_value_is_not(bench: Bench, change: dict[str, Any], field: str) -> None:
    answered = bench.ask(FLOW, with_token(), flow_body(**change))
    assert (answered.status, json.loads(answered.body)) == (400, {"error": "invalid", "field": field})
    assert bench.inbox.events == []
    [line] = bench.lines()
    assert (line["reason"], line["field"]) == ("invalid", field)
    assert "4930" not in bench.stream.getvalue().decode()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"null", b"[" * 5000])
def test_a_body_that_is_no_object_is_named_as_such(bench: Bench, body: bytes) -> None:
    assert json.loads(bench.ask(FLOW, with_token(), body).body) == {"error": "invalid", "field": "body"}


@pytest.mark.parametrize(
    "change",
    [
        {"disposition": ...},
        {"disposition": None},
        {"disposition": {"dispositionName": "Sold"}},
        {"transcript": [{"text": "hello"}], "transcript_format": "zoom", "variable_form": "json"},
        {"flow_id": "f", "flow_name": "Sales", "channel": "voice", "direction": "inbound", "account_id": "acc"},
        {"something_new": {"of": ["later", "versions"]}},
    ],
)
def test_what_is_optional_may_be_missing_and_what_is_new_is_kept(bench: Bench, change: dict[str, Any]) -> None:
    body = flow_body(**change)
    assert bench.ask(FLOW, with_token(), body).status == 200
    assert bench.inbox.events[0].body == body


@given(st.binary(max_size=200) | st.dictionaries(st.text(max_size=10), st.none() | st.text(), max_size=5).map(
    lambda changes: flow_body(**changes)
))  # fmt: skip
def test_no_body_fails_other_than_by_being_refused(body: bytes) -> None:
    try:
        kept = flow_event(body, received_at=NOW).body
    except Refused as refused:
        status, kept = refused.outcome.status, None
        assert status == 400
    assert kept in {body, None}
