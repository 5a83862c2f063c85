"""Stand-in for a ServiceNow instance."""

from zcc_pipeline.simulator.crm.servicenow.schema import Setup
from zcc_pipeline.simulator.crm.servicenow.standin import ServiceNowStandIn, make

__all__ = ["ServiceNowStandIn", "Setup", "make"]
