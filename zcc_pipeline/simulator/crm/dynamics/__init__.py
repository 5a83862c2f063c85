"""Stand-in for a Dynamics 365 organisation (Dataverse)."""

from zcc_pipeline.simulator.crm.dynamics.standin import DynamicsStandIn, make

__all__ = ["DynamicsStandIn", "make"]
