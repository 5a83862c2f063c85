"""Webhooks and flow events over HTTP."""
