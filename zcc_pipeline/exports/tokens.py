"""Credentials of a CRM: a token that lasts, or one that is fetched, kept and renewed; never seen in a message.

None of the five hands out refresh tokens for these grants: one asks again. Lifetimes differ and Salesforce states none,
so a token is renewed ahead of its end where that is known, and once after the CRM has refused it where it is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import httpx

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import ConfigurationError, TransientError
from zcc_pipeline.transport import RetryPolicy, network_error, parse_retry_after, retry
from zcc_pipeline.transport.oauth import known_error, read_token

_WHAT = "token request"
_AHEAD = timedelta(minutes=5)
_LONGEST = timedelta(days=2)
_LONGEST_REQUEST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Token:
    """What goes into ``Authorization``. ``expires_at`` is None where the CRM does not say."""

    value: str = field(repr=False)
    expires_at: datetime | None = None
    scheme: str = "Bearer"


class TokenSource(Protocol):
    """Where a session gets its token from. ``client`` is the session's own, for those who have to ask somebody."""

    setting: str
    """The setting that holds the credentials, named where the CRM refuses them."""

    async def current(self, client: httpx.AsyncClient) -> Token:
        """A token that is good for a while yet; ``ConfigurationError`` where the credentials are refused."""
        ...

    async def replace(self, client: httpx.AsyncClient, refused: Token) -> Token:
        """Another token than the one that was refused; the same one where there is no other."""
        ...


class StaticToken:
    """A token that somebody made by hand: a service key, or a name and password (``scheme`` Basic)."""

    def __init__(self, value: str, *, setting: str, scheme: str = "Bearer") -> None:
        self.setting = setting
        self._token = Token(value, scheme=scheme)

    async def current(self, client: httpx.AsyncClient) -> Token:  # noqa: ARG002 - nobody has to be asked
        """Always the same."""
        return self._token

    async def replace(self, client: httpx.AsyncClient, refused: Token) -> Token:  # noqa: ARG002
        """There is no other."""
        return self._token


class TokenCache:
    """Keeps one token. Single flight: a hundred callers who need a new one at once cause one request."""

    def __init__(
        self, fetch: Callable[[httpx.AsyncClient, datetime], Awaitable[Token]], *, setting: str, clock: Clock
    ) -> None:
        self.setting = setting
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._renew_at: datetime | None = None

    async def current(self, client: httpx.AsyncClient) -> Token:
        """The token at hand, renewed five minutes (or half of its life) before its end."""
        token = self._token
        # While somebody fetches the next one ahead of time, the others go on with this one.
        if token is not None and (not self._is_due() or (self._lock.locked() and not self._is_dead(token))):
            return token
        async with self._lock:
            if self._token is None or self._is_due():
                now = self._clock.now()
                self._token = await self._fetch(client, now)
                self._renew_at = _renewal(self._token, now)
            return self._token

    async def replace(self, client: httpx.AsyncClient, refused: Token) -> Token:
        """A new token, unless somebody has fetched one since the refused one was handed out."""
        if self._token is refused:
            self._token = None
        return await self.current(client)

    def _is_due(self) -> bool:
        return self._renew_at is not None and self._clock.now() >= self._renew_at

    def _is_dead(self, token: Token) -> bool:
        return token.expires_at is not None and self._clock.now() >= token.expires_at


def _renewal(token: Token, now: datetime) -> datetime | None:
    if token.expires_at is None:
        return None
    return token.expires_at - min(_AHEAD, (token.expires_at - now) / 2)


@dataclass(frozen=True, slots=True)
class OAuthGrant:
    """One request to an OAuth token endpoint, as ``TokenCache`` takes it. ``form`` makes the fields anew each time
    (an assertion holds the time), ``as_json`` sends them as JSON (Zendesk) and not as a form."""

    url: str
    form: Callable[[datetime], Mapping[str, str | int]] = field(repr=False)
    setting: str
    clock: Clock
    purpose: str = ""
    as_json: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    retry: RetryPolicy = field(default_factory=lambda: RetryPolicy(attempts=5, total_seconds=60.0))

    async def __call__(self, client: httpx.AsyncClient, now: datetime) -> Token:
        """Fetch one; ``ConfigurationError`` where the credentials are refused, ``TransientError`` where the endpoint
        does not answer. The addresses that an answer carries (``instance_url``, ``api_url``) are not looked at."""
        return await retry(lambda: self._ask(client, now), policy=self.retry, clock=self.clock)

    async def _ask(self, client: httpx.AsyncClient, now: datetime) -> Token:
        fields = dict(self.form(now))
        body: dict[str, Any] = {"json": fields} if self.as_json else {"data": fields}
        try:
            async with asyncio.timeout(_LONGEST_REQUEST_SECONDS):
                response = await client.post(self.url, headers=dict(self.headers), **body)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise network_error(error, _WHAT) from None
        if response.status_code in (200, 201):
            return _read(response.content, now)
        raise self._refusal(response)

    def _refusal(self, response: httpx.Response) -> Exception:
        status = response.status_code
        if status >= 500 or status in (408, 429):
            wait = parse_retry_after(response.headers.get("retry-after"), now=self.clock.now())
            return TransientError(f"{_WHAT}: {status}", retry_after_seconds=wait)
        return ConfigurationError(
            self.setting,
            f"the credentials are refused ({_WHAT}: {status}{known_error(response.content)})",
            purpose=self.purpose,
        )


def _read(body: bytes, now: datetime) -> Token:
    value, answer = read_token(body, _WHAT)
    return Token(value, _expiry(answer.get("expires_in"), now))


def _expiry(seconds: object, now: datetime) -> datetime | None:
    """Entra's older endpoint gives the number as text."""
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit() and len(seconds) < 10:
        seconds = int(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < 1e9:
        return None
    return now + min(timedelta(seconds=float(seconds)), _LONGEST)
