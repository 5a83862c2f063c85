"""Zendesk Support: tickets by import jobs, or records of a custom object."""

from zcc_pipeline.exports.zendesk.config import ZendeskConfig
from zcc_pipeline.exports.zendesk.destination import ZendeskDestination

__all__ = ["ZendeskConfig", "ZendeskDestination"]
