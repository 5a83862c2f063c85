"""The verb ``purge``: engagements whose time is over leave every place, and do not come back.

One module a place; ``purge`` goes through them in an order that may be cut off anywhere. ``deciding`` asks the
archive's ledger whether they may go at all.
"""

from zcc_pipeline.pipeline.purging.deciding import Wish
from zcc_pipeline.pipeline.purging.purge import plan_purge, purge
from zcc_pipeline.pipeline.purging.report import PurgeReport

__all__ = ["PurgeReport", "Wish", "plan_purge", "purge"]
