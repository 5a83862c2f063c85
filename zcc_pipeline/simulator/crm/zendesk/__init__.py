"""Zendesk Support's stand-in: tickets without a unique key, jobs that may fail by the row, search that lags behind."""

from zcc_pipeline.simulator.crm.zendesk.standin import ZendeskStandIn, make

__all__ = ["ZendeskStandIn", "make"]
