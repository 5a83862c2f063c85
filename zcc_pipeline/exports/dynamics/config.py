"""How one Dynamics 365 environment is reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlsplit

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.exports.session import BUDGET_SECONDS, PATIENT
from zcc_pipeline.exports.tokens import OAuthGrant, TokenCache
from zcc_pipeline.transport import RetryPolicy

URL_SETTING = "ZCC_DYNAMICS_URL"
SECRET_SETTING = "ZCC_DYNAMICS_CLIENT_SECRET"  # noqa: S105 - a name
TENANT_SETTING = "ZCC_DYNAMICS_TENANT_ID"

_AUTHORITY = "https://login.microsoftonline.com"


@dataclass(frozen=True, slots=True)
class DynamicsConfig:
    """One environment and the app registration that writes into it.

    Limits for each user and web server (api-limits, Jan 2023): 6,000 requests, 20 minutes of execution and 52 requests
    at once within five minutes. Requests are few, as each carries a batch; ``concurrency`` stays far below.
    """

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    tenant_id: str | None = None
    token_url: str | None = None
    """Instead of the tenant's endpoint at login.microsoftonline.com (national clouds, stand-ins)."""
    batch_size: int = 200
    """Rows of one UpsertMultiple: Microsoft advises to begin with 100 to 1,000 and to measure (bulk-operations)."""
    concurrency: int = 4
    retry: RetryPolicy = PATIENT
    budget_seconds: float = BUDGET_SECONDS
    customer_email_columns: tuple[str, ...] = ("emailaddress1", "emailaddress2", "emailaddress3")
    customer_phone_columns: tuple[str, ...] = ("telephone1", "mobilephone", "telephone2")

    def __post_init__(self) -> None:
        """The tenant is needed unless tokens come from elsewhere."""
        if self.tenant_id is None and self.token_url is None:
            raise ConfigurationError(
                TENANT_SETTING,
                "is missing",
                purpose="the Entra tenant of the environment, which hands out tokens",
                example="00000000-0000-0000-0000-000000000002",
            )

    @property
    def organization(self) -> str:
        """Scheme and host: what tokens are asked for, and what addresses in the API begin with."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    def tokens(self, clock: Clock) -> TokenCache:
        """Client credentials by Entra: an hour's token, never a refresh token, so the next one is asked for anew."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "scope": f"{self.organization}/.default",
        }

        def fields(now: datetime) -> dict[str, str]:  # noqa: ARG001 - the same at any time
            return form

        grant = OAuthGrant(
            url=self.token_url or f"{_AUTHORITY}/{quote(self.tenant_id or '', safe='')}/oauth2/v2.0/token",
            form=fields,
            setting=SECRET_SETTING,
            clock=clock,
            purpose="the app registration that the pipeline signs in as; its secrets expire",
        )
        return TokenCache(grant, setting=SECRET_SETTING, clock=clock)
