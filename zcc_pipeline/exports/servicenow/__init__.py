"""ServiceNow: engagements as interactions, through an import set that coalesces on the engagement's id."""

from zcc_pipeline.exports.servicenow.config import ServiceNowConfig
from zcc_pipeline.exports.servicenow.destination import ServiceNowDestination

__all__ = ["ServiceNowConfig", "ServiceNowDestination"]
