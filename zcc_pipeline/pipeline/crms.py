"""The CRMs by name: what the settings say of each, and its destination, ready to be entered.

A CRM's folder is imported when that CRM is used: settings and ``zcc --help`` stay quick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zcc_pipeline.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from zcc_pipeline.domain.clock import Clock
    from zcc_pipeline.exports.destination import Destination
    from zcc_pipeline.exports.mapping import CrmMapping

EXPORTS = "exports"
"""The room of refused records in quarantine: they lack nowhere but in their CRM."""

TITLES: Mapping[str, str] = {
    "salesforce": "Salesforce",
    "zendesk": "Zendesk",
    "servicenow": "ServiceNow",
    "dynamics": "Microsoft Dynamics 365",
    "hubspot": "HubSpot",
}
"""Every CRM there is, and what people call it."""


@dataclass(frozen=True, slots=True)
class CrmAccess:
    """One CRM of which at least one setting is there."""

    name: str
    values: Mapping[str, str] = field(repr=False)
    """By the setting's name without ``ZCC_<CRM>_``: ``url``, ``client_id`` …; holds secrets."""
    problem: ConfigurationError | None = None
    """What is missing, where it is not enough to work with."""
    budget_seconds: float | None = None
    """Longest time for one export, where the settings say it."""

    def require(self) -> Mapping[str, str]:
        """The values, or the ``ConfigurationError`` that names what is missing."""
        if self.problem is not None:
            raise self.problem
        return self.values


def require_access(exports: Mapping[str, CrmAccess], crm: str) -> CrmAccess:
    """What the settings say of that CRM; ``ConfigurationError`` where they say nothing or not enough."""
    access = exports.get(crm)
    if access is None:
        raise ConfigurationError(
            f"ZCC_{crm.upper()}_…",
            f"nothing is set for {TITLES[crm]}",
            purpose=f"address and credentials; docs/crm/{crm}.md says which, and where they come from",
        )
    access.require()
    return access


def make_destination(access: CrmAccess, mapping: CrmMapping, *, clock: Clock) -> Destination:
    """The CRM, to be entered by the caller. The names of the settings are those of its configuration."""
    values: dict[str, Any] = dict(access.require())
    if access.budget_seconds is not None:
        values["budget_seconds"] = access.budget_seconds
    match access.name:
        case "salesforce":
            from zcc_pipeline.exports.salesforce import SalesforceConfig, SalesforceDestination

            return SalesforceDestination(SalesforceConfig(**values), mapping=mapping, clock=clock)
        case "zendesk":
            from zcc_pipeline.exports.zendesk import ZendeskConfig, ZendeskDestination

            return ZendeskDestination(ZendeskConfig(**values), mapping, clock=clock)
        case "servicenow":
            from zcc_pipeline.exports.servicenow import ServiceNowConfig, ServiceNowDestination

            return ServiceNowDestination(ServiceNowConfig(**values), mapping, clock=clock)
        case "dynamics":
            from zcc_pipeline.exports.dynamics import DynamicsConfig, DynamicsDestination

            return DynamicsDestination(DynamicsConfig(**values), mapping, clock=clock)
        case "hubspot":
            from zcc_pipeline.exports.hubspot import HubSpotConfig, HubSpotDestination

            return HubSpotDestination(HubSpotConfig(**values), mapping, clock=clock)
        case other:
            raise ValueError(f"no CRM is called {other!r}")
