"""How to reach a Zendesk account, and as whom."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import date

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.exports.session import BUDGET_SECONDS, PATIENT, SessionConfig
from zcc_pipeline.exports.tokens import OAuthGrant, StaticToken, TokenCache, TokenSource
from zcc_pipeline.transport import RetryPolicy

URL_SETTING = "ZCC_ZENDESK_URL"
CLIENT_SETTING = "ZCC_ZENDESK_CLIENT_SECRET"
API_TOKEN_SETTING = "ZCC_ZENDESK_API_TOKEN"  # noqa: S105 - a name
API_TOKENS_END = date(2027, 4, 30)
"""The last day of every API token; none can be made since 27 October 2026
(https://developer.zendesk.com/documentation/api-basics/authentication/oauth-migration/)."""

TOKEN_SECONDS = 7_200
"""Asked for; Zendesk takes 301 to 172,799."""


@dataclass(frozen=True, slots=True)
class ZendeskConfig:
    """One account. Either an OAuth client, or (until ``API_TOKENS_END``) an e-mail address with an API token."""

    url: str
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    token_url: str | None = None
    email: str | None = None
    api_token: str | None = field(default=None, repr=False)
    concurrency: int = 4
    retry: RetryPolicy = PATIENT
    budget_seconds: float = BUDGET_SECONDS
    first_poll_seconds: float = 0.25
    """Before a job is looked at for the first time; doubled up to ``longest_poll_seconds``."""
    longest_poll_seconds: float = 5.0
    job_wait_seconds: float = 900.0
    """After which a job's rows are left to the next run."""
    jobs_at_once: int = 5
    """Each of a hundred records; Zendesk lets 30 of an account wait or work, whoever started them."""

    @property
    def uses_api_token(self) -> bool:
        """Whether the way that ends is taken: only where there is no OAuth client."""
        return not (self.client_id and self.client_secret)

    def session(self) -> SessionConfig:
        """For the HTTP session."""
        return SessionConfig(
            name="zendesk",
            base_url=self.url,
            url_setting=URL_SETTING,
            concurrency=self.concurrency,
            retry=self.retry,
            budget_seconds=self.budget_seconds,
        )

    def tokens(self, clock: Clock) -> TokenSource:
        """OAuth client credentials; a client of kind *confidential* only."""
        if self.uses_api_token:
            return self._api_token(clock)
        grant = OAuthGrant(
            url=self.token_url or f"{self.url.rstrip('/')}/oauth/tokens",
            form=lambda _now: {
                "grant_type": "client_credentials",
                "client_id": self.client_id or "",
                "client_secret": self.client_secret or "",
                "scope": "read write",
                "expires_in": TOKEN_SECONDS,
            },
            setting=CLIENT_SETTING,
            clock=clock,
            purpose="the OAuth client that writes to Zendesk (Admin Center, Apps and integrations, OAuth clients)",
            as_json=True,
        )
        return TokenCache(grant, setting=CLIENT_SETTING, clock=clock)

    def _api_token(self, clock: Clock) -> TokenSource:
        if not (self.email and self.api_token):
            raise ConfigurationError(
                CLIENT_SETTING,
                "is missing",
                purpose="the OAuth client that writes to Zendesk; ZCC_ZENDESK_CLIENT_ID belongs to it",
            )
        if clock.now().date() > API_TOKENS_END:
            raise ConfigurationError(
                API_TOKEN_SETTING,
                f"Zendesk ended all API tokens on {API_TOKENS_END:%d %B %Y}; make an OAuth client and set "
                f"ZCC_ZENDESK_CLIENT_ID and {CLIENT_SETTING}",
            )
        value = base64.b64encode(f"{self.email}/token:{self.api_token}".encode()).decode()
        return StaticToken(value, setting=API_TOKEN_SETTING, scheme="Basic")


API_TOKEN_WARNING = (
    f"an API token is used. None can be made any more, and Zendesk ends all of them on {API_TOKENS_END:%d %B %Y}"
)
