"""Webhooks and flow events over HTTP."""

from zcc_pipeline.sources.receiver.config import ReceiverConfig

__all__ = ["ReceiverConfig"]
