"""One session for five CRMs: limits, tokens, retries, and what nobody can know."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from zcc_pipeline.domain.errors import ConfigurationError, NotFound, PermanentError, QuotaExhausted, TransientError
from zcc_pipeline.exports.outcomes import RemoteRef, Status
from zcc_pipeline.exports.session import (
    Call,
    CrmRefused,
    CrmSession,
    DailyLimit,
    NotThere,
    OutcomeUnknown,
    Pace,
    Refused,
    Retry,
    Safety,
    SessionConfig,
    TimeSpent,
    TokenExpired,
    Trouble,
    failed,
)
from zcc_pipeline.exports.tokens import StaticToken
from zcc_pipeline.transport import MalformedAnswer, RetryPolicy, Timeouts, parse_retry_after
from zcc_pipeline_tests.integration.exports.scripted_server import (
    HANGS_UP,
    Answer,
    FastClock,
    ScriptedServer,
    in_loop,
    scripted_server,
)

pytestmark = pytest.mark.integration

READ = Call("GET", "things", "read things", Safety.READ)
UPSERT = Call("PATCH", "things/1", "upsert a thing", Safety.REPEATABLE, json={"a": 1})
CREATE = Call("POST", "things", "create a thing", Safety.ONCE, json={"a": 1})
FINE = Answer(200, {"ok": True})
SECRET = "s3cret-t0ken"
POLICY = RetryPolicy(attempts=4, total_seconds=600.0, first_wait_seconds=0.5, longest_wait_seconds=8.0)


def classify(response: httpx.Response, now: datetime) -> Trouble:
    after = parse_retry_after(response.headers.get("retry-after"), now=now)
    match response.status_code:
        case 401:
            return TokenExpired()
        case 404:
            return NotThere("GONE")
        case 429 if "day" in response.headers:
            return DailyLimit(after)
        case 429:
            return Retry(after, pause_all="all" in response.headers)
        case status if status >= 500:
            return Retry(after, was_not_done="not-done" in response.headers)
        case _:
            return Refused("INVALID", f"'Jane Doe' is not allowed: {response.text}", {"field": "x"})


def session(server: ScriptedServer | str, clock: FastClock, **changes: Any) -> CrmSession:
    tokens = changes.pop("tokens", StaticToken(SECRET, setting="ZCC_ACME_CLIENT_SECRET"))
    url = server if isinstance(server, str) else server.url
    config = SessionConfig(
        name="acme",
        base_url=f"{url}/base/",
        url_setting="ZCC_ACME_URL",
        **{"retry": POLICY, "timeouts": Timeouts(connect=30, read=30, request=30), **changes},
    )
    return CrmSession(config, tokens=tokens, classify=classify, clock=clock)


@in_loop
async def test_a_call_goes_below_the_configured_address_with_the_token() -> None:
    async with scripted_server([FINE]) as server, session(server, FastClock()) as crm:
        found = await crm.fetch_json(
            Call("POST", "/things", "make", Safety.ONCE, params={"q": "a b"}, json={"n": "ü"}, headers={"X-A": "1"})
        )

    (asked,) = server.asked
    assert found == {"ok": True}
    assert (asked.method, asked.target, asked.json) == ("POST", "/base/things?q=a+b", {"n": "ü"})
    assert (asked.headers["authorization"], asked.headers["x-a"]) == (f"Bearer {SECRET}", "1")
    assert crm.api_calls == 1


@pytest.mark.parametrize("call", [READ, UPSERT, CREATE])
@in_loop
async def test_a_refusal_for_a_while_is_waited_out_and_the_call_repeated(call: Call) -> None:
    clock = FastClock()
    async with (
        scripted_server([Answer(429, headers={"Retry-After": "7"}), FINE]) as server,
        session(server, clock) as crm,
    ):
        assert (await crm.send(call)).status_code == 200

    assert len(server.asked) == 2
    assert 7 <= clock.seconds < 9
    assert crm.waited_seconds == pytest.approx(clock.seconds)


@in_loop
async def test_where_the_crm_says_so_everybody_waits() -> None:
    clock = FastClock()
    script = [FINE, Answer(429, headers={"Retry-After": "60", "all": "1"}), FINE]
    async with scripted_server(script) as server, session(server, clock, concurrency=1) as crm:
        await crm.send(READ)
        first, second = await asyncio.gather(crm.send(READ), crm.send(READ))

    assert (first.status_code, second.status_code) == (200, 200)
    assert len(server.asked) == 4
    assert clock.waits == [pytest.approx(60, abs=1)]
    assert crm.waited_seconds == pytest.approx(60, abs=1)


@in_loop
async def test_a_pause_for_all_keeps_even_a_new_call_from_being_sent() -> None:
    clock = FastClock()
    script = [Answer(429, headers={"Retry-After": "100", "all": "1"}), FINE]
    async with (
        scripted_server(script) as server,
        session(server, clock, retry=RetryPolicy(attempts=1)) as crm,
    ):
        with pytest.raises(TransientError):
            await crm.send(READ)
        await crm.send(READ)

    assert clock.seconds >= 100


@in_loop
async def test_a_used_up_day_ends_it_at_once() -> None:
    clock = FastClock()
    async with (
        scripted_server([Answer(429, headers={"day": "1", "Retry-After": "3600"})]) as server,
        session(server, clock) as crm,
    ):
        with pytest.raises(QuotaExhausted) as caught:
            await crm.send(CREATE)

    assert (len(server.asked), clock.waits, caught.value.retry_after_seconds) == (1, [], 3600)


@in_loop
async def test_what_the_crm_refuses_is_not_repeated_and_its_words_are_kept_from_the_error_text() -> None:
    async with scripted_server([Answer(422, "no")]) as server, session(server, FastClock()) as crm:
        with pytest.raises(CrmRefused) as caught:
            await crm.send(UPSERT)

    assert len(server.asked) == 1
    assert str(caught.value) == "upsert a thing: 422 INVALID"
    assert (caught.value.status, caught.value.code, caught.value.details) == (422, "INVALID", {"field": "x"})
    assert "Jane Doe" in caught.value.message


@in_loop
async def test_what_does_not_exist_is_not_found() -> None:
    async with scripted_server([Answer(404)]) as server, session(server, FastClock()) as crm:
        with pytest.raises(NotFound, match="read things: 404 GONE"):
            await crm.send(READ)
        assert (await crm.send(Call("GET", "x", "look", Safety.READ, expect=frozenset({404})))).status_code == 404


@pytest.mark.parametrize("call", [READ, UPSERT])
@in_loop
async def test_what_may_be_repeated_is_repeated_after_a_broken_connection(call: Call) -> None:
    async with scripted_server([HANGS_UP, FINE]) as server, session(server, FastClock()) as crm:
        assert (await crm.send(call)).status_code == 200

    assert len(server.asked) == 2


@in_loop
async def test_what_must_not_be_repeated_is_unknown_after_a_broken_connection() -> None:
    async with scripted_server([HANGS_UP, FINE]) as server, session(server, FastClock()) as crm:
        with pytest.raises(OutcomeUnknown):
            await crm.send(CREATE)

    assert len(server.asked) == 1


@in_loop
async def test_a_write_that_is_not_answered_in_time_is_unknown() -> None:
    async with (
        scripted_server(lambda _: asyncio.get_running_loop().create_future()) as server,
        session(server, FastClock(), timeouts=Timeouts(connect=30, read=1, request=30)) as crm,
    ):
        with pytest.raises(OutcomeUnknown):
            await crm.send(CREATE)

    assert len(server.asked) == 1


@in_loop
async def test_a_repeatable_write_is_unknown_once_its_retries_are_used_up() -> None:
    async with scripted_server([HANGS_UP]) as server, session(server, FastClock()) as crm:
        with pytest.raises(OutcomeUnknown):
            await crm.send(UPSERT)

    assert len(server.asked) == POLICY.attempts


@in_loop
async def test_a_read_that_never_succeeds_is_only_a_passing_error() -> None:
    async with scripted_server([HANGS_UP]) as server, session(server, FastClock()) as crm:
        with pytest.raises(TransientError) as caught:
            await crm.send(READ)

    assert not isinstance(caught.value, OutcomeUnknown)


@in_loop
async def test_one_time_out_among_clear_refusals_leaves_a_write_unknown() -> None:
    async with scripted_server([HANGS_UP, Answer(429)]) as server, session(server, FastClock()) as crm:
        with pytest.raises(OutcomeUnknown):
            await crm.send(UPSERT)


@in_loop
async def test_clear_refusals_leave_a_write_certainly_not_done() -> None:
    async with scripted_server([Answer(429)]) as server, session(server, FastClock()) as crm:
        with pytest.raises(TransientError) as caught:
            await crm.send(CREATE)

    assert not isinstance(caught.value, OutcomeUnknown)
    assert len(server.asked) == POLICY.attempts


@in_loop
async def test_a_server_error_leaves_a_write_that_must_not_be_repeated_unknown() -> None:
    async with scripted_server([Answer(500), FINE]) as server, session(server, FastClock()) as crm:
        with pytest.raises(OutcomeUnknown):
            await crm.send(CREATE)

    assert len(server.asked) == 1


@pytest.mark.parametrize("answer", [Answer(503, headers={"Retry-After": "1"}), Answer(500, headers={"not-done": "1"})])
@in_loop
async def test_a_server_error_that_says_nothing_was_done_is_waited_out(answer: Answer) -> None:
    async with scripted_server([answer, FINE]) as server, session(server, FastClock()) as crm:
        assert (await crm.send(CREATE)).status_code == 200


@in_loop
async def test_a_host_that_does_not_answer_has_certainly_not_done_it() -> None:
    async with scripted_server([FINE]) as server:
        url = server.url
    async with session(url, FastClock()) as crm:
        with pytest.raises(TransientError) as caught:
            await crm.send(CREATE)

    assert not isinstance(caught.value, OutcomeUnknown)
    assert crm.api_calls == POLICY.attempts


@in_loop
async def test_another_address_is_never_followed() -> None:
    async with (
        scripted_server([Answer(302, headers={"Location": "http://evil.example/"})]) as server,
        session(server, FastClock()) as crm,
    ):
        with pytest.raises(ConfigurationError, match="ZCC_ACME_URL"):
            await crm.send(READ)
        with pytest.raises(PermanentError, match="another host"):
            await crm.send(Call("GET", "http://127.0.0.1:1/next", "next page", Safety.READ))

    assert len(server.asked) == 1


@in_loop
async def test_a_link_to_the_next_page_on_the_same_host_is_taken_as_it_is() -> None:
    async with scripted_server([FINE]) as server, session(server, FastClock()) as crm:
        await crm.send(Call("GET", f"{server.url}/next?after=a%20b", "next page", Safety.READ))

    assert server.asked[0].target == "/next?after=a%20b"


@in_loop
async def test_a_run_waits_no_longer_than_it_was_given() -> None:
    clock = FastClock()
    async with (
        scripted_server([Answer(429, headers={"Retry-After": "50"})]) as server,
        session(server, clock, budget_seconds=120) as crm,
    ):
        with pytest.raises(TimeSpent):
            await crm.send(UPSERT)
        clock.seconds = 200
        with pytest.raises(TimeSpent):
            await crm.send(UPSERT)

    assert sum(clock.waits) < 120
    assert len(server.asked) == 3


@in_loop
async def test_no_more_calls_run_at_once_than_allowed() -> None:
    async with scripted_server([FINE]) as server, session(server, FastClock(), concurrency=3) as crm:
        await asyncio.gather(*(crm.send(READ) for _ in range(20)))

    assert server.most_at_once == 3


@in_loop
async def test_calls_keep_the_pace_of_all_and_that_of_their_own_lane() -> None:
    clock = FastClock()
    paces = {"all": Pace(10, 1.0), "search": Pace(1, 5.0)}
    async with scripted_server([FINE]) as server, session(server, clock, paces=paces, concurrency=1) as crm:
        for _ in range(20):
            await crm.send(READ)
        assert clock.seconds == pytest.approx(1.0)
        for _ in range(3):
            await crm.send(Call("GET", "search", "search", Safety.READ, lane="search"))
        assert clock.seconds >= 11.0


@in_loop
async def test_no_cookie_ties_the_calls_to_one_server() -> None:
    script = [Answer(200, {}, {"Set-Cookie": "ARRAffinity=abc; Path=/"})]
    async with scripted_server(script) as server, session(server, FastClock()) as crm:
        await crm.send(READ)
        await crm.send(READ)

    assert all("cookie" not in asked.headers for asked in server.asked)


@in_loop
async def test_a_streamed_body_begins_anew_with_every_attempt() -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 1000

    upload = Call(
        "PUT",
        "file",
        "upload",
        Safety.REPEATABLE,
        content=body,
        headers={"Content-Type": "text/csv", "Content-Length": "3000"},
    )
    async with scripted_server([Answer(429), FINE]) as server, session(server, FastClock()) as crm:
        await crm.send(upload)

    assert [asked.body for asked in server.asked] == [b"x" * 3000] * 2
    assert all("transfer-encoding" not in asked.headers for asked in server.asked)


@in_loop
async def test_a_success_without_json_is_a_passing_error_for_a_read_and_unknown_for_a_write() -> None:
    async with scripted_server([Answer(200, b"<html>")]) as server, session(server, FastClock()) as crm:
        with pytest.raises(MalformedAnswer):
            await crm.fetch_json(READ)
        with pytest.raises(OutcomeUnknown):
            await crm.fetch_json(UPSERT)


@pytest.mark.parametrize("answer", [Answer(400, {"error": SECRET}), Answer(500, {"a": SECRET}), Answer(401), HANGS_UP])
@in_loop
async def test_no_error_and_no_description_holds_a_secret_or_what_was_sent(answer: Answer) -> None:
    call = Call("POST", "people/jane@example.com", "create", Safety.ONCE, json={"phone": "+4930123456"})
    async with scripted_server([answer]) as server, session(server, FastClock()) as crm:
        with pytest.raises(Exception, match="create") as caught:
            await crm.send(call)

    said = f"{caught.value} {caught.value!r} {call!r} {crm.config!r}"
    assert not [word for word in (SECRET, "+4930123456") if word in said]


@in_loop
async def test_the_crm_is_shown_every_answer_for_its_quota_headers() -> None:
    seen: list[str] = []
    async with scripted_server([Answer(429, headers={"X-Left": "0"}), Answer(200, {}, {"X-Left": "9"})]) as server:
        crm = CrmSession(
            SessionConfig("acme", server.url, "ZCC_ACME_URL", retry=POLICY),
            tokens=None,
            classify=classify,
            clock=FastClock(),
            observe=lambda response: seen.append(response.headers["x-left"]),
        )
        async with crm:
            await crm.send(READ)

    assert seen == ["0", "9"]
    assert "authorization" not in server.asked[0].headers


@in_loop
async def test_a_token_that_nobody_takes_names_the_setting() -> None:
    async with scripted_server([Answer(401)]) as server, session(server, FastClock()) as crm:
        with pytest.raises(ConfigurationError, match="ZCC_ACME_CLIENT_SECRET"):
            await crm.send(READ)

    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OutcomeUnknown("x"), Status.UNKNOWN, "no_answer"),
        (CrmRefused("x", status=422, code="BAD", message="words"), Status.FAILED_PERMANENT, "BAD"),
        (CrmRefused("x", status=400, code="a sentence about Jane"), Status.FAILED_PERMANENT, "http_400"),
        (NotFound("x", http_status=404), Status.FAILED_PERMANENT, "not_found"),
        (TransientError("x"), Status.FAILED_RETRYABLE, "no_success"),
    ],
)
def test_each_failure_of_a_record_is_an_outcome(error: Any, status: Status, code: str) -> None:
    outcome = failed("e1", error, remote=RemoteRef("ticket", "1"))

    assert (outcome.status, outcome.code, outcome.remote) == (status, code, RemoteRef("ticket", "1"))


@pytest.mark.parametrize("error", [QuotaExhausted("x"), TimeSpent("x"), PermanentError("x")])
def test_what_ends_the_run_for_all_is_no_outcome_of_one_record(error: Any) -> None:
    with pytest.raises(type(error)):
        failed("e1", error)
