"""Settings of the CRMs: one group each, and what has to come together.

A CRM is configured as soon as one of its settings is there; then the others that it cannot do without are asked for, by
name and in the moment in which that CRM is needed: a half-entered CRM never keeps data from being read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from zcc_pipeline.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from zcc_pipeline.pipeline.crms import CrmAccess

ADDRESS = r"^https?://[^/\s]+"


class CrmSettings(BaseSettings):
    """What is needed to write into the five CRMs, and the mapping that they share."""

    crm_mapping: Path | None = Field(
        None,
        description="File that says which record becomes what in which CRM; default is the one that comes along",
        examples=["/etc/zcc/crm_mapping.yml"],
    )
    export_budget_seconds: float | None = Field(
        None,
        gt=0,
        description="Longest time of one export, waits for rate limits included, after which the next goes on; "
        "default is an hour",
        examples=["14400"],
    )

    salesforce_url: str | None = Field(
        None,
        pattern=ADDRESS,
        description="Address of the org's My Domain",
        examples=["https://example.my.salesforce.com"],
    )
    salesforce_client_id: str | None = Field(
        None, description="Consumer key of the External Client App", examples=["3MVG9AbCdEf"]
    )
    salesforce_client_secret: SecretStr | None = Field(
        None,
        description="Consumer secret of the External Client App, for the client credentials flow",
        examples=["(from the app's OAuth settings)"],
    )
    salesforce_username: str | None = Field(
        None,
        description="User that the pipeline acts as, for the JWT bearer flow",
        examples=["integration@example.com"],
    )
    salesforce_private_key: SecretStr | None = Field(
        None,
        description="Private key (PEM, RSA) whose certificate the app knows, for the JWT bearer flow",
        examples=["(content of the key file; simpler as ZCC_SALESFORCE_PRIVATE_KEY_FILE)"],
    )
    salesforce_audience: str | None = Field(
        None,
        pattern=ADDRESS,
        description="Audience of the JWT bearer flow; a sandbox has another one",
        examples=["https://test.salesforce.com"],
    )
    salesforce_token_url: str | None = Field(
        None,
        pattern=ADDRESS,
        description="Where tokens come from; default is /services/oauth2/token of ZCC_SALESFORCE_URL",
        examples=["https://example.my.salesforce.com/services/oauth2/token"],
    )
    salesforce_api_version: str = Field(
        "68.0", pattern=r"^\d+\.0$", description="Version of the REST API in every path", examples=["68.0"]
    )

    zendesk_url: str | None = Field(
        None, pattern=ADDRESS, description="Address of the account", examples=["https://example.zendesk.com"]
    )
    zendesk_client_id: str | None = Field(
        None, description="Unique identifier of the confidential OAuth client", examples=["zcc_pipeline"]
    )
    zendesk_client_secret: SecretStr | None = Field(
        None, description="Secret of the OAuth client", examples=["(shown once when the client is made)"]
    )
    zendesk_token_url: str | None = Field(
        None,
        pattern=ADDRESS,
        description="Where tokens come from; default is /oauth/tokens of ZCC_ZENDESK_URL",
        examples=["https://example.zendesk.com/oauth/tokens"],
    )
    zendesk_email: str | None = Field(
        None,
        description="Administrator to whom the API token belongs; only where OAuth cannot be used yet",
        examples=["admin@example.com"],
    )
    zendesk_api_token: SecretStr | None = Field(
        None,
        description="API token instead of OAuth; Zendesk ends all of them on 30 April 2027",
        examples=["(an existing token; new ones cannot be made)"],
    )

    servicenow_url: str | None = Field(
        None, pattern=ADDRESS, description="Address of the instance", examples=["https://example.service-now.com"]
    )
    servicenow_client_id: str | None = Field(
        None, description="Client id of the OAuth API endpoint", examples=["0123456789abcdef0123456789abcdef"]
    )
    servicenow_client_secret: SecretStr | None = Field(
        None, description="Client secret of the OAuth API endpoint", examples=["(from the application registry)"]
    )
    servicenow_username: str | None = Field(
        None,
        description="User of the password grant, where client credentials are not switched on; alone, of Basic",
        examples=["zcc.integration"],
    )
    servicenow_password: SecretStr | None = Field(
        None, description="Password of that user", examples=["(from your secret store)"]
    )
    servicenow_token_url: str | None = Field(
        None,
        pattern=ADDRESS,
        description="Where tokens come from; default is /oauth_token.do of ZCC_SERVICENOW_URL",
        examples=["https://example.service-now.com/oauth_token.do"],
    )

    dynamics_url: str | None = Field(
        None, pattern=ADDRESS, description="Address of the environment", examples=["https://example.crm4.dynamics.com"]
    )
    dynamics_client_id: str | None = Field(
        None,
        description="Application (client) id of the Entra app registration",
        examples=["00000000-0000-0000-0000-000000000001"],
    )
    dynamics_client_secret: SecretStr | None = Field(
        None, description="Client secret of the app registration", examples=["(from Certificates & secrets)"]
    )
    dynamics_tenant_id: str | None = Field(
        None, description="Entra tenant of the environment", examples=["00000000-0000-0000-0000-000000000002"]
    )
    dynamics_token_url: str | None = Field(
        None,
        pattern=ADDRESS,
        description="Where tokens come from; default is the tenant's at login.microsoftonline.com",
        examples=["https://login.microsoftonline.com/example.com/oauth2/v2.0/token"],
    )

    hubspot_access_token: SecretStr | None = Field(
        None, description="Service key (or access token) of the account", examples=["(from Settings, Service keys)"]
    )
    hubspot_url: str = Field(
        "https://api.hubapi.com", pattern=ADDRESS, description="Address of the API", examples=["https://api.hubapi.com"]
    )
    hubspot_api_version: str = Field(
        "2026-09",
        pattern=r"^\d{4}-\d{2}(-beta)?$",
        description="Dated version in every path",
        examples=["2026-03"],
    )

    @field_validator("crm_mapping")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path.expanduser().absolute() if path else path


@dataclass(frozen=True, slots=True)
class _Needs:
    """What belongs together: all of ``always``, and one way of proving who we are in full."""

    always: tuple[str, ...]
    ways: tuple[tuple[str, ...], ...] = ((),)
    optional: tuple[str, ...] = ()

    def names(self) -> Iterator[str]:
        for group in (self.always, *self.ways, self.optional):
            yield from group


NEEDS: Mapping[str, _Needs] = {
    "salesforce": _Needs(
        ("url", "client_id"),
        (("client_secret",), ("username", "private_key")),
        ("audience", "token_url", "api_version"),
    ),
    "zendesk": _Needs(("url",), (("client_id", "client_secret"), ("email", "api_token")), ("token_url",)),
    "servicenow": _Needs(("url",), (("client_id", "client_secret"), ("username", "password")), ("token_url",)),
    "dynamics": _Needs(("url", "client_id", "client_secret"), (("tenant_id",), ("token_url",))),
    "hubspot": _Needs(("access_token",), optional=("url", "api_version")),
}


def configured_crms(settings: CrmSettings) -> tuple[str, ...]:
    """Names of those of which something is set."""
    return tuple(
        crm
        for crm, needs in NEEDS.items()
        if any(f"{crm}_{name}" in settings.model_fields_set for name in needs.names())
    )


def crm_access(settings: CrmSettings) -> dict[str, CrmAccess]:
    """Each CRM of which something is set, with its values or with what is missing."""
    from zcc_pipeline.pipeline.crms import CrmAccess

    found = {}
    for crm in configured_crms(settings):
        needs = NEEDS[crm]
        values = {name: _plain(getattr(settings, f"{crm}_{name}")) for name in needs.names()}
        there = {name: value for name, value in values.items() if value is not None}
        found[crm] = CrmAccess(crm, there, _what_is_missing(crm, needs, there), settings.export_budget_seconds)
    return found


def _plain(value: str | SecretStr | None) -> str | None:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _what_is_missing(crm: str, needs: _Needs, there: Mapping[str, str]) -> ConfigurationError | None:
    missing = [name for name in needs.always if name not in there]
    begun = [way for way in needs.ways if any(name in there for name in way)]
    if not begun:
        # () among the ways: none is needed beside what is always needed
        begun = [] if () in needs.ways else [needs.ways[0]]
    missing += [name for way in begun for name in way if name not in there]
    if not missing:
        return None
    first, *others = (_explained(crm, name) for name in missing)
    others += _other_ways(crm, needs, missing)
    first.args = ("\n".join(str(each) for each in (first, *others)),)
    return first


def _explained(crm: str, name: str) -> ConfigurationError:
    field = CrmSettings.model_fields[f"{crm}_{name}"]
    return ConfigurationError(
        _variable(crm, name),
        f"is missing; other settings of {crm} are there",
        purpose=field.description or "",
        example=str((field.examples or [""])[0]),
    )


def _other_ways(crm: str, needs: _Needs, missing: list[str]) -> list[ConfigurationError]:
    """That a way out exists is worth a line where a whole way of signing in is missing."""
    if needs.ways[0] and set(needs.ways[0]) <= set(missing):
        others = [" and ".join(_variable(crm, name) for name in way) for way in needs.ways[1:]]
        if others:
            instead = " and ".join(_variable(crm, name) for name in needs.ways[0])
            return [ConfigurationError(" or ".join(others), f"would do as well, instead of {instead}")]
    return []


def _variable(crm: str, name: str) -> str:
    return f"ZCC_{crm}_{name}".upper()
