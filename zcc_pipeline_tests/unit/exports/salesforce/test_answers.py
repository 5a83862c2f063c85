"""What Salesforce's answers mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.exports.calls import DailyLimit, NotThere, Refused, Retry, TokenExpired, Trouble
from zcc_pipeline.exports.salesforce.answers import Problem, bulk_problem, classify, read_results, read_usage

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def judged(status: int, code: str = "", message: str = "", **headers: str) -> Trouble:
    body = [{"errorCode": code, "message": message, "fields": ["A__c"]}] if code else {"odd": True}
    return classify(httpx.Response(status, json=body, headers=headers), NOW)


def test_a_session_that_has_ended_asks_for_a_new_token() -> None:
    assert judged(401, "INVALID_SESSION_ID") == TokenExpired()


def test_the_days_limit_ends_the_run_and_too_many_at_once_is_waited_for() -> None:
    assert judged(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.") == DailyLimit()
    crowded = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    assert judged(403, "REQUEST_LIMIT_EXCEEDED", crowded) == Retry(pause_all=True)


@pytest.mark.parametrize("status", [400, 500])
def test_a_row_that_is_held_was_not_written(status: int) -> None:
    assert judged(status, "UNABLE_TO_LOCK_ROW") == Retry(was_not_done=True)


def test_a_busy_server_is_asked_again_and_one_that_stumbled_may_have_done_it() -> None:
    assert judged(503, "SERVER_UNAVAILABLE", **{"retry-after": "7"}) == Retry(7.0, was_not_done=True)
    assert judged(500, "UNKNOWN_EXCEPTION") == Retry()
    assert judged(429, **{"retry-after": "3"}) == Retry(3.0, pause_all=True)


def test_a_missing_permission_and_a_wrong_field_are_refusals_with_the_orgs_words() -> None:
    assert judged(403, "INSUFFICIENT_ACCESS", "no") == Refused("INSUFFICIENT_ACCESS", "no", ("A__c",))
    assert judged(400, "INVALID_FIELD", "no") == Refused("INVALID_FIELD", "no", ("A__c",))
    assert judged(404, "NOT_FOUND") == NotThere("NOT_FOUND")


@given(st.binary(max_size=200), st.integers(min_value=300, max_value=599))
def test_whatever_comes_means_something(body: bytes, status: int) -> None:
    assert classify(httpx.Response(status, content=body), NOW) is not None


_NAMES = st.sampled_from(["id", "success", "created", "errors", "statusCode"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.text(), lambda each: st.lists(each) | st.dictionaries(_NAMES, each), max_leaves=8
)


@given(_JSON)
def test_results_are_one_for_each_row_or_none_at_all(content: Any) -> None:
    found = read_results(content, 1)
    assert found is None or len(found) == 1


def test_results_are_read_in_their_order() -> None:
    found = read_results(
        [
            {"id": "a0Z1", "success": True, "created": False, "errors": []},
            {"success": False, "errors": [{"statusCode": "X_Y", "message": "a", "fields": ["F"]}, {"message": "b"}]},
        ],
        2,
    )
    assert found is not None
    assert (found[0].id, found[0].is_created, found[0].problem) == ("a0Z1", False, None)
    assert found[1].problem == Problem("X_Y", "a; b", ("F",))


def test_a_trigger_that_ran_into_a_lock_is_no_fault_of_the_row() -> None:
    assert Problem("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "trigger: UNABLE_TO_LOCK_ROW, …").is_busy
    assert not Problem("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "trigger: null").may_pass_later


def test_a_jobs_error_is_code_words_and_fields() -> None:
    assert bulk_problem("STRING_TOO_LONG:Subject__c: data value too large: a:b (max length=255):Subject__c --") == (
        Problem("STRING_TOO_LONG", "Subject__c: data value too large: a:b (max length=255)", ("Subject__c",))
    )
    assert bulk_problem("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access:--").is_busy
    assert bulk_problem("Something went wrong").code == "UNKNOWN_EXCEPTION"


def test_words_never_show_in_what_a_problem_prints() -> None:
    assert "secret" not in repr(Problem("X", "secret"))


def test_calls_left_stand_on_each_answer() -> None:
    assert read_usage(httpx.Response(200, headers={"Sforce-Limit-Info": "api-usage=25/5000"})) == (25, 5000)
    per_app = "api-usage=25/5000; per-app-api-usage=17/250(appName=zcc)"
    assert read_usage(httpx.Response(200, headers={"Sforce-Limit-Info": per_app})) == (25, 5000)
    assert read_usage(httpx.Response(200)) is None
