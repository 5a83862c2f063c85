"""Microsoft Dynamics 365: engagements as rows of Dataverse, in a table of their own or as phone calls."""

from zcc_pipeline.exports.dynamics.config import DynamicsConfig
from zcc_pipeline.exports.dynamics.destination import DynamicsDestination

__all__ = ["DynamicsConfig", "DynamicsDestination"]
