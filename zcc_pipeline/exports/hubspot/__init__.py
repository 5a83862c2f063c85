"""HubSpot: calls, communications and notes, upserted by engagement id; contacts, owners, private files."""

from zcc_pipeline.exports.hubspot.checking import HubSpotOptions
from zcc_pipeline.exports.hubspot.config import HubSpotConfig
from zcc_pipeline.exports.hubspot.destination import HubSpotDestination

__all__ = ["HubSpotConfig", "HubSpotDestination", "HubSpotOptions"]
