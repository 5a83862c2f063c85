"""Webhooks and flow events over HTTP."""

from zcc_pipeline.sources.receiver.config import ReceiverConfig
from zcc_pipeline.sources.receiver.flow_events import FlowEvent, read_flow_event
from zcc_pipeline.sources.receiver.intakes import CHALLENGE_NOTE

__all__ = ["CHALLENGE_NOTE", "FlowEvent", "ReceiverConfig", "read_flow_event"]
