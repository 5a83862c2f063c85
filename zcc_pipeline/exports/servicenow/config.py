"""How to reach an instance, and what a target of the mapping may say about it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.exports.session import BUDGET_SECONDS, PATIENT, SessionConfig
from zcc_pipeline.exports.tokens import OAuthGrant, StaticToken, TokenCache, TokenSource
from zcc_pipeline.transport import RetryPolicy, Timeouts

NAME = "servicenow"
STAGING_TABLE = "u_zcc_engagement_import"
_SECRET = "ZCC_SERVICENOW_CLIENT_SECRET"  # noqa: S105 - the setting's name
_PASSWORD = "ZCC_SERVICENOW_PASSWORD"  # noqa: S105 - the setting's name


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceNowConfig:
    """One instance. With a user's name and password the password grant is used; without a client id, Basic."""

    url: str
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token_url: str | None = None
    concurrency: int = 4
    """Requests at once: an instance gives one user a handful of sessions, the rest waits in its queue."""
    retry: RetryPolicy = PATIENT
    budget_seconds: float = BUDGET_SECONDS
    timeouts: Timeouts = field(default_factory=lambda: Timeouts(read=90.0, request=120.0))
    import_wait_seconds: float = 120.0
    """How long an asynchronous import set is waited for before it is left to the next run."""

    def session(self) -> SessionConfig:
        """For the one HTTP session."""
        return SessionConfig(
            name=NAME,
            base_url=self.url,
            url_setting="ZCC_SERVICENOW_URL",
            concurrency=self.concurrency,
            retry=self.retry,
            budget_seconds=self.budget_seconds,
            timeouts=self.timeouts,
        )

    def tokens(self, clock: Clock) -> TokenSource:
        """Client credentials; the password grant or Basic where that is what the instance allows."""
        if not self.client_id:
            secret = base64.b64encode(f"{self.username or ''}:{self.password or ''}".encode()).decode()
            return StaticToken(secret, setting=_PASSWORD, scheme="Basic")
        grant = OAuthGrant(
            url=self.token_url or f"{self.url.rstrip('/')}/oauth_token.do",
            form=lambda _now: self._form(),
            setting=_PASSWORD if self.username else _SECRET,
            clock=clock,
            purpose="the OAuth API endpoint for external clients, see docs/crm/servicenow.md",
        )
        return TokenCache(grant, setting=grant.setting, clock=clock)

    def _form(self) -> Mapping[str, str | int]:
        client = {"client_id": self.client_id, "client_secret": self.client_secret}
        if self.username is None:
            return {"grant_type": "client_credentials", **client}
        return {"grant_type": "password", **client, "username": self.username, "password": self.password or ""}


class Options(BaseModel):
    """``options`` of a target in the mapping file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    write: Literal["import_set", "table"] = Field(
        "import_set",
        description="import_set: through a staging table whose transform map coalesces on the key. table: look-up, "
        "then insert or update; needs nothing but a unique key column.",
    )
    staging: str = Field(
        STAGING_TABLE, pattern=r"^[a-z][a-z0-9_]*$", description="The staging table of the import set."
    )
    rows: Literal["batch", "insert_multiple"] = Field(
        "batch",
        description="insert_multiple: needs a sys_rest_insert_multiple record for the staging table with the column "
        "mapping 'Column name'; rows of a batch then go in one import set.",
    )
    notes_column: str = Field("work_notes", pattern=r"^[a-z][a-z0-9_]*$", description="Journal that notes go to.")
    owner_column: str | None = Field("assigned_to", description="Reference to the agent's user; null: none.")
    customer_columns: dict[str, str] = Field(
        default_factory=lambda: {"sys_user": "opened_for", "csm_consumer": "consumer"},
        description="Tables that customers are looked for in, the first that has one wins, and the reference to fill.",
    )
    phone_search: Literal["spellings", "digits"] = Field(
        "spellings",
        description="How customers are looked for by phone: in the usual spellings, or also wherever the digits stand "
        "in a row, for which the instance reads the whole table.",
    )
    create_in: str = Field("csm_consumer", description="Table for new customers, where the mapping creates them.")
