"""Refusals by what they mean for the caller, in all shapes that Zendesk has for them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from zcc_pipeline.exports.session import DailyLimit, NotThere, Refused, Retry, TokenExpired
from zcc_pipeline.exports.zendesk.answers import classify, read_error, row_failure
from zcc_pipeline.exports.zendesk.jobs import RowResult, read_rows

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def judged(status: int, body: Any = None, **headers: str) -> Any:
    return classify(httpx.Response(status, json=body, headers=headers), NOW)


def test_a_minutes_limit_stops_everybody_and_a_limit_of_one_kind_stops_that() -> None:
    limit = {"error": "APIRateLimitExceeded", "description": "x"}
    assert judged(429, limit, **{"retry-after": "41"}) == Retry(41.0, pause_all=True)
    assert judged(429, {"error": "TooManyJobs"}, **{"retry-after": "1"}) == Retry(1.0)
    assert judged(429, limit, **{"retry-after": "3600"}) == DailyLimit(3600.0)


def test_conflicts_and_broken_servers_come_again() -> None:
    assert judged(409, {"error": "UpdateConflict"}) == Retry()
    assert judged(503, {"error": {"title": "Service unavailable"}}) == Retry()
    assert judged(502) == Retry()


def test_dead_tokens_missing_records_and_refusals_are_told_apart() -> None:
    assert judged(401, {"error": "invalid_token"}) == TokenExpired()
    assert judged(404, {"error": "RecordNotFound"}) == NotThere("RecordNotFound")
    details = {"subject": [{"description": "Subject: cannot be blank", "error": "BlankValue"}]}
    found = judged(422, {"error": "RecordInvalid", "description": "Record validation errors", "details": details})
    assert found == Refused("RecordInvalid", "Record validation errors Subject: cannot be blank", details)
    assert judged(403, {"error": {"title": "Forbidden", "message": "No"}}) == Refused("Forbidden", "No")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[1]", b"\xff", b"[" * 100_000, b'{"error": null}', b'{"details": 7}']
)
def test_a_body_that_is_anything_is_no_trouble(body: bytes) -> None:
    assert read_error(body)[:2] == ("", "")


def test_a_bare_text_is_what_was_said() -> None:
    assert read_error(b'"from is required"') == ("", "from is required", None)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"error": "RecordInvalid", "details": "Subject: too long"}, ("RecordInvalid", "Subject: too long")),
        ({"error": {"title": "Oops", "message": "No"}}, ("Oops", "No")),
        ({"error": "RecordInvalid", "details": {"base": [{"description": "x"}]}}, ("RecordInvalid", "x")),
        ({"errors": [{"description": "y"}]}, ("row_failed", "y")),
        (
            {"error": "x", "details": "Status: closed prevents ticket update"},
            ("ticket_closed", "Status: closed prevents ticket update"),
        ),
    ],
)
def test_a_failed_row_keeps_zendesks_words(row: dict[str, Any], expected: tuple[str, str]) -> None:
    assert row_failure(row) == expected


def test_rows_are_placed_by_index_or_by_their_place_and_what_cannot_be_placed_is_left_open() -> None:
    failure = {"action": "create", "success": False, "error": "RecordInvalid", "details": "no"}
    bad = RowResult(code="RecordInvalid", message="no")
    assert read_rows({"results": [{"id": 5, "index": 1}, {"id": 4, "index": 0}]}, 2) == [RowResult("4"), RowResult("5")]
    assert read_rows({"results": [{"id": 5, "index": 0}, {"id": 0, **failure}]}, 2) == [RowResult("5"), bad]
    assert read_rows({"results": [{"index": 1, **failure}]}, 3) == [RowResult(), bad, RowResult()]
    assert read_rows({"results": [{"id": 0, **failure}]}, 2) == [RowResult(), RowResult()]
    assert read_rows({"results": None}, 1) == read_rows({"results": {"success": True}}, 1) == [RowResult()]
    assert read_rows(json.loads('{"results": [7, {"index": 9, "id": 1}]}'), 2) == [RowResult(), RowResult()]
