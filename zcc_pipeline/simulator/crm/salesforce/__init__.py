"""Salesforce: an org with contacts, leads, users, tasks, files and the custom object for engagements."""

from zcc_pipeline.simulator.crm.base import CrmOptions
from zcc_pipeline.simulator.crm.salesforce.standin import SalesforceStandIn

__all__ = ["SalesforceStandIn", "make"]


def make(options: CrmOptions) -> SalesforceStandIn:
    """One org, without data but for ``options.people``."""
    return SalesforceStandIn(options)
