"""Dagster's front door: ``dagster dev -m zcc_pipeline.definitions``.

Importing this module does nothing; Dagster calls ``defs`` when it loads the code location.
"""

from __future__ import annotations

import dagster as dg

from zcc_pipeline.orchestration.build import build_defs


@dg.definitions
def defs() -> dg.Definitions:
    """The graph as the settings of the environment have it; every setting has a default."""
    return build_defs()
