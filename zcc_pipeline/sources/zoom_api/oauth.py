"""The bearer token: one at a time for the whole process, fetched ahead of its end, never seen in a message.

Zoom: https://developers.zoom.us/docs/internal-apps/s2s-oauth/ (``account_credentials``) and
https://developers.zoom.us/docs/internal-apps/oauth/ (``client_credentials``). There is no refresh token: one asks
again.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import ConfigurationError, TransientError
from zcc_pipeline.sources.zoom_api.config import ZoomApiConfig, ZoomCredentials
from zcc_pipeline.transport import network_error, parse_retry_after, retry
from zcc_pipeline.transport.oauth import known_error, read_token

_WHAT = "POST oauth token"
_DEFAULT_LIFETIME = 3600.0
_SHORTEST_LIFETIME = 60.0
_AHEAD_SECONDS = 300.0
_YOUNG_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token and when it was born and dies, on the monotonic clock."""

    value: str = field(repr=False)
    scopes: frozenset[str]
    born: float
    dies: float


class TokenSource:
    """Hands out the current token. Single flight: whoever comes while it is being fetched gets the same new one."""

    def __init__(
        self,
        config: ZoomApiConfig,
        credentials: ZoomCredentials,
        *,
        client: httpx.AsyncClient,
        clock: Clock,
        on_call: Callable[[], None] = lambda: None,
    ) -> None:
        self._config = config
        self._credentials = credentials
        self._client = client
        self._clock = clock
        self._on_call = on_call
        self._lock = asyncio.Lock()
        self._token: AccessToken | None = None

    async def current(self) -> AccessToken:
        """A token that is good for a while yet; ``ConfigurationError`` where Zoom refuses the app."""
        token = self._token
        if token is not None:
            left = token.dies - self._clock.monotonic()
            # While somebody fetches the next one ahead of time, the others go on with this one.
            if left > _ahead(token) or (left > 0 and self._lock.locked()):
                return token
        async with self._lock:
            token = self._token
            if token is None or token.dies - self._clock.monotonic() <= _ahead(token):
                token = self._token = await retry(self._fetch, policy=self._config.retries, clock=self._clock)
            return token

    async def replace(self, refused: AccessToken, *, even_young: bool = True) -> AccessToken:
        """A token other than the one that was refused; a hundred callers refused at once cause one fetch.

        With ``even_young`` off, a token fetched a moment ago is handed back: a new one would be no wiser
        about its scopes.
        """
        if self._token is refused and (even_young or self._clock.monotonic() - refused.born > _YOUNG_SECONDS):
            self._token = None
        return await self.current()

    async def _fetch(self) -> AccessToken:
        basic = f"{self._credentials.client_id}:{self._credentials.client_secret}".encode()
        form: dict[str, str] = {"grant_type": self._credentials.grant_type}
        if self._credentials.grant_type == "account_credentials":
            form["account_id"] = self._credentials.account_id
        asked_at = self._clock.monotonic()
        self._on_call()
        try:
            async with asyncio.timeout(self._config.timeouts.request):
                response = await self._client.post(
                    self._config.oauth_url,
                    data=form,
                    headers={"Authorization": "Basic " + base64.b64encode(basic).decode()},
                )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise network_error(error, _WHAT) from None
        if response.status_code == 200:
            return _read(response.content, asked_at)
        raise self._refusal(response)

    def _refusal(self, response: httpx.Response) -> Exception:
        status = response.status_code
        if status >= 500 or status in (408, 429):
            wait = parse_retry_after(response.headers.get("retry-after"), now=self._clock.now())
            return TransientError(f"{_WHAT}: {status}", retry_after_seconds=wait)
        return ConfigurationError(
            "ZCC_ZOOM_CLIENT_SECRET",
            f"Zoom refuses these credentials ({_WHAT}: {status}{known_error(response.content)}); check "
            "ZCC_ZOOM_ACCOUNT_ID and ZCC_ZOOM_CLIENT_ID too, and that the app is activated",
            purpose="credentials of the server-to-server OAuth app that reads Contact Center",
        )


def _ahead(token: AccessToken) -> float:
    return min(_AHEAD_SECONDS, (token.dies - token.born) / 2)


def _read(body: bytes, asked_at: float) -> AccessToken:
    value, found = read_token(body, _WHAT)
    lifetime = found.get("expires_in")
    if isinstance(lifetime, bool) or not isinstance(lifetime, (int, float)):
        lifetime = _DEFAULT_LIFETIME
    lifetime = min(max(float(lifetime), _SHORTEST_LIFETIME), 86_400.0)
    scope = found.get("scope")
    scopes = frozenset(scope.replace(",", " ").split()) if isinstance(scope, str) else frozenset()
    return AccessToken(value, scopes, asked_at, asked_at + lifetime)
