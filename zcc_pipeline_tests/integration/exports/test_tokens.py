"""Tokens: fetched once for all, renewed ahead of their end and after a refusal, never told to anybody."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from zcc_pipeline.domain.errors import ConfigurationError, TransientError
from zcc_pipeline.exports.session import Call, CrmSession, Refused, Safety, SessionConfig, TokenExpired, Trouble
from zcc_pipeline.exports.tokens import OAuthGrant, TokenCache
from zcc_pipeline.transport import MalformedAnswer
from zcc_pipeline_tests.integration.exports.scripted_server import (
    Answer,
    Asked,
    FastClock,
    ScriptedServer,
    in_loop,
    scripted_server,
)

pytestmark = pytest.mark.integration

READ = Call("GET", "things", "read things", Safety.READ)
SETTING = "ZCC_ACME_CLIENT_SECRET"
SECRET = "cl1ent-s3cret"


class Crm:
    """Hands out numbered tokens; ``good`` are those that it takes."""

    def __init__(self, *, expires_in: Any = 3600, **more: Any) -> None:
        self.expires_in, self.more = expires_in, more
        self.given = 0
        self.dead: set[str] = set()
        self.lives, self.next_lives = 10**9, 3

    def __call__(self, asked: Asked) -> Answer:
        if asked.target.endswith("/token"):
            self.given += 1
            lifetime = {"expires_in": self.expires_in} if self.expires_in is not None else {}
            return Answer(200, {"access_token": f"t{self.given}", **lifetime, **self.more})
        token = asked.headers["authorization"].removeprefix("Bearer ")
        if token in self.dead or token != f"t{self.given}":
            return Answer(401)
        self.lives -= 1
        if self.lives <= 0:
            self.dead.add(token)
            self.lives = self.next_lives
        return Answer(200, {"by": token})


def classify(response: httpx.Response, now: datetime) -> Trouble:
    return TokenExpired() if response.status_code == 401 else Refused(str(response.status_code))


def grant(server: ScriptedServer, clock: FastClock, **changes: Any) -> OAuthGrant:
    form = {"grant_type": "client_credentials", "client_secret": SECRET}
    return OAuthGrant(f"{server.url}/token", lambda _: form, SETTING, clock, purpose="to write", **changes)


def session(server: ScriptedServer, clock: FastClock) -> CrmSession:
    tokens = TokenCache(grant(server, clock), setting=SETTING, clock=clock)
    config = SessionConfig("acme", f"{server.url}/api", "ZCC_ACME_URL", concurrency=8, budget_seconds=1e7)
    return CrmSession(config, tokens=tokens, classify=classify, clock=clock)


@in_loop
async def test_many_calls_at_once_cause_one_token_request() -> None:
    crm = Crm()
    async with scripted_server(crm) as server, session(server, FastClock()) as acme:
        await asyncio.gather(*(acme.send(READ) for _ in range(20)))

    assert crm.given == 1
    assert acme.api_calls == 20


@in_loop
async def test_a_token_that_dies_under_many_calls_is_replaced_once_and_nothing_is_lost() -> None:
    crm = Crm()
    async with scripted_server(crm) as server, session(server, FastClock()) as acme:
        await acme.send(READ)
        crm.dead.add("t1")
        answers = await asyncio.gather(*(acme.send(READ) for _ in range(20)))

    assert crm.given == 2
    assert {answer.json()["by"] for answer in answers} == {"t2"}


@in_loop
async def test_tokens_that_die_after_a_few_calls_stop_nobody() -> None:
    crm = Crm()
    crm.lives = 3
    async with scripted_server(crm) as server, session(server, FastClock()) as acme:
        for _ in range(10):
            await acme.send(READ)

    assert crm.given >= 3


@in_loop
async def test_tokens_that_die_after_every_call_stop_none_of_those_that_are_on_their_way_together() -> None:
    crm = Crm()
    crm.lives = crm.next_lives = 1
    async with scripted_server(crm) as server, session(server, FastClock()) as acme:
        answers = await asyncio.gather(*(acme.send(READ) for _ in range(acme.config.concurrency)))

    assert len({answer.json()["by"] for answer in answers}) == acme.config.concurrency


@in_loop
async def test_a_token_is_renewed_ahead_of_its_end() -> None:
    crm, clock = Crm(expires_in="600"), FastClock()
    async with scripted_server(crm) as server, session(server, clock) as acme:
        await acme.send(READ)
        clock.seconds = 290
        await acme.send(READ)
        assert crm.given == 1
        clock.seconds = 301
        await acme.send(READ)
        assert crm.given == 2

    assert not [asked for asked in server.asked if asked.headers.get("authorization") == "Bearer t1"][2:]


@in_loop
async def test_a_token_without_an_end_is_kept_until_it_is_refused() -> None:
    crm, clock = Crm(expires_in=None), FastClock()
    async with scripted_server(crm) as server, session(server, clock) as acme:
        for clock.seconds in (0, 86_400, 864_000):
            await acme.send(READ)

    assert crm.given == 1


@in_loop
async def test_the_address_that_a_token_answer_carries_is_not_looked_at() -> None:
    crm = Crm(instance_url="http://evil.example", api_url="http://evil.example", id="http://evil.example")
    async with scripted_server(crm) as server, session(server, FastClock()) as acme:
        await acme.send(READ)

    assert server.asked[-1].target == "/api/things"


@pytest.mark.parametrize("as_json", [True, False])
@in_loop
async def test_credentials_go_as_a_form_or_as_json(as_json: bool) -> None:
    async with scripted_server([Answer(200, {"access_token": "t"})]) as server, httpx.AsyncClient() as client:
        await grant(server, FastClock(), as_json=as_json)(client, FastClock().now())

    body = server.asked[0].body
    assert (json.loads(body) if as_json else {k: v[0] for k, v in parse_qs(body.decode()).items()}) == {
        "grant_type": "client_credentials",
        "client_secret": SECRET,
    }


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(401, {"error": "invalid_client", "error_description": f"{SECRET} is wrong"}), "401 invalid_client"),
        (Answer(400, {"error": f"bad {SECRET}"}), "400"),
        (Answer(403, b"<html>"), "403"),
    ],
)
@in_loop
async def test_refused_credentials_name_the_setting_and_repeat_nothing_of_it(answer: Answer, said: str) -> None:
    async with scripted_server([answer]) as server, httpx.AsyncClient() as client:
        with pytest.raises(ConfigurationError, match=SETTING) as caught:
            await grant(server, FastClock())(client, FastClock().now())

    assert said in str(caught.value)
    assert SECRET not in f"{caught.value} {grant(server, FastClock())!r}"
    assert len(server.asked) == 1


@in_loop
async def test_an_endpoint_that_is_busy_is_asked_again() -> None:
    clock = FastClock()
    script = [Answer(503), Answer(429, headers={"Retry-After": "3"}), Answer(200, {"access_token": "t"})]
    async with scripted_server(script) as server, httpx.AsyncClient() as client:
        assert (await grant(server, clock)(client, clock.now())).value == "t"

    assert clock.seconds >= 3


@pytest.mark.parametrize("body", [b"", b"<html>", {"token": "t"}, {"access_token": 7}, {"access_token": "a\nb"}, []])
@in_loop
async def test_a_success_without_a_token_is_a_passing_error(body: Any) -> None:
    async with scripted_server([Answer(200, body)]) as server, httpx.AsyncClient() as client:
        with pytest.raises(MalformedAnswer):
            await grant(server, FastClock())(client, FastClock().now())


@in_loop
async def test_an_endpoint_that_is_not_there_is_a_passing_error() -> None:
    async with scripted_server([Answer(200)]) as server:
        asked = grant(server, FastClock())
    async with httpx.AsyncClient() as client:
        with pytest.raises(TransientError):
            await asked(client, FastClock().now())
