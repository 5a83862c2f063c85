"""All stand-ins by the CRM's name, and the settings that point the pipeline at one."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from zcc_pipeline.simulator.crm.base.options import CrmOptions

if TYPE_CHECKING:
    from zcc_pipeline.simulator.crm.base.standin import CrmStandIn

CRMS = ("salesforce", "zendesk", "servicenow", "dynamics", "hubspot")

_ANY = "any"


def make(crm: str, options: CrmOptions | None = None) -> CrmStandIn:
    """One CRM, empty but for the people it is told of."""
    standin: CrmStandIn = import_module(f"zcc_pipeline.simulator.crm.{crm}").make(options or CrmOptions())
    return standin


def environment_of(crm: str, url: str, options: CrmOptions | None = None) -> dict[str, str]:
    """By the names of the pipeline's settings; credentials are those agreed on, or any."""
    options = options or CrmOptions()
    prefix = f"ZCC_{crm.upper()}"
    if crm == "hubspot":
        return {f"{prefix}_URL": url, f"{prefix}_ACCESS_TOKEN": options.access_token or _ANY}
    agreed = options.credentials
    found = {
        f"{prefix}_URL": url,
        f"{prefix}_CLIENT_ID": agreed.client_id if agreed else _ANY,
        f"{prefix}_CLIENT_SECRET": agreed.client_secret if agreed else _ANY,
    }
    if crm == "dynamics":
        found[f"{prefix}_TOKEN_URL"] = f"{url}/tenant/oauth2/v2.0/token"
    return found
