"""Runs dbt over the lake, publishes the analysts' copy, reads marts.

What lives here: the lock, the builds, the swap, the notebook API. What does not: SQL (that is ``dbt_project/``) and
settings. DuckDB is imported by the functions that open it: a pull needs this room's configuration and 30 MB less.
"""

from zcc_pipeline.warehouse.build import BuildResult, NodeResult
from zcc_pipeline.warehouse.config import WarehouseConfig, WarehouseS3
from zcc_pipeline.warehouse.lock import WarehouseBusy
from zcc_pipeline.warehouse.marts import Mart, Marts
from zcc_pipeline.warehouse.publish import PublishedView, PublishResult
from zcc_pipeline.warehouse.warehouse import Warehouse
from zcc_pipeline.warehouse.withholding import withholding_tests

__all__ = [
    "BuildResult",
    "Mart",
    "Marts",
    "NodeResult",
    "PublishResult",
    "PublishedView",
    "Warehouse",
    "WarehouseBusy",
    "WarehouseConfig",
    "WarehouseS3",
    "withholding_tests",
]
