"""Credentials: an OAuth client; an API token only while Zendesk takes one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from zcc_pipeline.domain.clock import ShiftedClock, SystemClock
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.exports.tokens import StaticToken
from zcc_pipeline.exports.zendesk import ZendeskConfig
from zcc_pipeline.exports.zendesk.config import API_TOKEN_WARNING

URL = "https://example.zendesk.com"


def clock_at(moment: datetime) -> ShiftedClock:
    return ShiftedClock(moment - datetime.now(UTC))


async def fetched(config: ZendeskConfig) -> tuple[httpx.Request, str]:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"access_token": "t1", "expires_in": 7200})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        token = await config.tokens(SystemClock()).current(client)
    return asked[0], f"{token.scheme} {token.value}"


def test_client_credentials_are_asked_for_as_json_with_a_lifetime() -> None:
    import asyncio

    request, token = asyncio.run(fetched(ZendeskConfig(URL, client_id="id", client_secret="secret")))
    assert str(request.url) == f"{URL}/oauth/tokens"
    assert request.headers["content-type"] == "application/json"
    for part in (b"client_credentials", b'"expires_in":7200', b"read write"):
        assert part in request.content
    assert token == "Bearer t1"


def test_an_api_token_is_taken_until_the_last_day_and_never_after() -> None:
    config = ZendeskConfig(URL, email="a@example.org", api_token="key")
    assert config.uses_api_token
    assert isinstance(config.tokens(clock_at(datetime(2027, 4, 30, 12, tzinfo=UTC))), StaticToken)
    with pytest.raises(ConfigurationError, match="30 April 2027"):
        config.tokens(clock_at(datetime(2027, 5, 1, 12, tzinfo=UTC)))
    assert "30 April 2027" in API_TOKEN_WARNING


def test_an_oauth_client_goes_before_an_api_token() -> None:
    config = ZendeskConfig(URL, client_id="id", client_secret="s", email="a@example.org", api_token="key")
    assert not config.uses_api_token
    config.tokens(clock_at(datetime.now(UTC) + timedelta(days=400)))


def test_nothing_at_all_names_the_setting() -> None:
    with pytest.raises(ConfigurationError, match="ZCC_ZENDESK_CLIENT_SECRET"):
        ZendeskConfig(URL).tokens(SystemClock())


def test_no_secret_is_shown() -> None:
    shown = repr(ZendeskConfig(URL, client_id="id", client_secret="hush", email="a@b.c", api_token="quiet"))
    assert "hush" not in shown
    assert "quiet" not in shown
