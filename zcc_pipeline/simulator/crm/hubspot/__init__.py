"""A HubSpot account on loopback: properties, activities, contacts, associations, owners, files and their limits."""

from zcc_pipeline.simulator.crm.base import CrmOptions, CrmStandIn
from zcc_pipeline.simulator.crm.hubspot.standin import HubSpotStandIn

__all__ = ["HubSpotStandIn", "make"]


def make(options: CrmOptions | None = None) -> CrmStandIn:
    """A new account."""
    return HubSpotStandIn(options)
