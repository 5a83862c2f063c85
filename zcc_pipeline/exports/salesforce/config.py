"""How one Salesforce org is reached, and as whom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.exports.salesforce.assertion import Signer
from zcc_pipeline.exports.session import BUDGET_SECONDS, PATIENT, SessionConfig
from zcc_pipeline.exports.tokens import OAuthGrant, TokenCache
from zcc_pipeline.transport import RetryPolicy, Timeouts

URL_SETTING = "ZCC_SALESFORCE_URL"
SECRET_SETTING = "ZCC_SALESFORCE_CLIENT_SECRET"  # noqa: S105 - a name
KEY_SETTING = "ZCC_SALESFORCE_PRIVATE_KEY"
VERSION_SETTING = "ZCC_SALESFORCE_API_VERSION"

_VERSION = re.compile(r"\d{2,3}\.0", re.ASCII)
_OLDEST_VERSION = 46
"""The first with upserts of collections."""
_PURPOSE = "credentials of the External Client App through which engagements are written into Salesforce"


@dataclass(frozen=True, slots=True)
class SalesforceConfig:
    """One org. Either ``client_secret`` (client credentials flow) or ``username`` and ``private_key`` (JWT bearer)."""

    url: str
    """My Domain: ``https://example.my.salesforce.com``. It wins over the ``instance_url`` of a token."""
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    username: str | None = None
    private_key: str | None = field(default=None, repr=False)
    """PEM, RSA."""
    audience: str | None = None
    """Of the JWT flow; unless told the login host of production or, by the look of the address, of sandboxes."""
    token_url: str | None = None
    api_version: str = "68.0"
    concurrency: int = 4
    """Requests at once. An org takes 25 that last 20 seconds or longer, a trial 5, from all its programs together."""
    bulk_from_rows: int = 2_000
    """From so many rows at once on, the Bulk API is used (Salesforce's own advice)."""
    rows_per_write: int = 5_000
    bulk_wait_seconds: float = 1_800.0
    """How long a job is waited for; afterwards the next run asks for it."""
    retry: RetryPolicy = PATIENT
    budget_seconds: float = BUDGET_SECONDS
    first_look_seconds: float = 2.0
    """Until a job's state is asked for the first time; each later look waits longer, up to half a minute."""

    def __post_init__(self) -> None:
        if not _VERSION.fullmatch(self.api_version) or float(self.api_version) < _OLDEST_VERSION:
            raise ConfigurationError(
                VERSION_SETTING,
                f"{self.api_version!r} is no version from {_OLDEST_VERSION}.0 on",
                purpose="the version in every path of the REST API",
                example="68.0",
            )

    @property
    def data_path(self) -> str:
        """Where the versioned API begins."""
        return f"/services/data/v{self.api_version}"

    def session(self) -> SessionConfig:
        """For the one HTTP session."""
        return SessionConfig(
            name="salesforce",
            base_url=self.url,
            url_setting=URL_SETTING,
            concurrency=self.concurrency,
            retry=self.retry,
            budget_seconds=self.budget_seconds,
            timeouts=Timeouts(read=130.0, request=150.0),  # a call may take Salesforce two minutes before it gives up
        )

    def tokens(self, clock: Clock) -> TokenCache:
        """Fetched by whichever flow there are credentials for; the secret wins where both are there."""
        setting = SECRET_SETTING if self.client_secret is not None else KEY_SETTING
        grant = OAuthGrant(
            url=self.token_url or f"{self.url.rstrip('/')}/services/oauth2/token",
            form=self._secret_form if self.client_secret is not None else self._assertion_form(),
            setting=setting,
            clock=clock,
            purpose=_PURPOSE,
        )
        return TokenCache(grant, setting=setting, clock=clock)

    def _secret_form(self, _now: datetime) -> Mapping[str, str]:
        return {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret or "",
        }

    def _assertion_form(self) -> Signer:
        if self.username is None or self.private_key is None:
            raise ConfigurationError(
                SECRET_SETTING,
                "is missing, and so are ZCC_SALESFORCE_USERNAME and ZCC_SALESFORCE_PRIVATE_KEY, which would do as well",
                purpose=_PURPOSE,
            )
        return Signer(
            client_id=self.client_id,
            username=self.username,
            private_key=self.private_key,
            audience=self.audience or _login_host(self.url),
            setting=KEY_SETTING,
        )


def _login_host(url: str) -> str:
    host = urlsplit(url).hostname or ""
    is_sandbox = host.endswith(".sandbox.my.salesforce.com") or host == "test.salesforce.com"
    return "https://test.salesforce.com" if is_sandbox else "https://login.salesforce.com"
