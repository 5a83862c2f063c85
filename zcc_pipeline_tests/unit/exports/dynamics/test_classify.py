"""What Dataverse's refusals mean."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from zcc_pipeline.exports.calls import DailyLimit, NotThere, Refused, Retry, TokenExpired
from zcc_pipeline.exports.dynamics.client import classify, is_for_later
from zcc_pipeline.exports.dynamics.multipart import PartAnswer

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def answer(status: int, code: str = "", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"error": {"code": code, "message": "words"}}, headers=named)


@pytest.mark.parametrize("code", ["0x80072322", "0x80072321", "0x80072326"])
def test_each_service_protection_limit_pauses_all_for_as_long_as_asked(code):
    assert classify(answer(429, code, Retry_After="27"), NOW) == Retry(27.0, pause_all=True)


def test_a_429_without_a_time_pauses_all_and_one_of_hours_ends_the_run():
    assert classify(answer(429), NOW) == Retry(None, pause_all=True)
    assert classify(answer(429, Retry_After="86400"), NOW) == DailyLimit(86_400.0)


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_servers_that_cannot_answer_now_are_asked_again(status):
    assert classify(answer(status, Retry_After="3"), NOW) == Retry(3.0)


@pytest.mark.parametrize("code", ["0x80040265", "0x80040224"])
def test_a_plug_in_that_fails_over_a_record_is_not_asked_again(code):
    assert classify(answer(500, code), NOW) == Refused(code, "words")
    assert not is_for_later(PartAnswer(500, {"error": {"code": code, "message": ""}}))


def test_the_rest_is_a_dead_token_something_missing_or_a_refusal():
    assert classify(answer(401), NOW) == TokenExpired()
    assert classify(answer(404, "0x80040217"), NOW) == NotThere("0x80040217")
    assert classify(answer(404, "0x80060888"), NOW) == Refused("0x80060888", "words")
    assert classify(answer(412, "0x80060892"), NOW) == Refused("0x80060892", "words")
    assert classify(httpx.Response(400, content=b"<html>"), NOW) == Refused("", "")
