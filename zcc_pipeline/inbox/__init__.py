"""The durable queue of received events: what is acknowledged is on disk."""
