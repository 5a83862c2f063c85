"""What looks again: engagements that closed late, and engagements that have not settled. Driven by the ledgers."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import dagster as dg

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.window import iter_days
from zcc_pipeline.orchestration.assets.raw import LATE_CLOSERS, OWNERS, SETTLING, api_page, key_of
from zcc_pipeline.orchestration.failures import explained
from zcc_pipeline.orchestration.metadata import PROBLEMS, joined_days
from zcc_pipeline.orchestration.partitions import days_of_run
from zcc_pipeline.pipeline.late_closers import days_within_reach
from zcc_pipeline.pipeline.refresh import RefreshReport, refresh_due, refresh_late_closers
from zcc_pipeline.pipeline.runtime import Runtime

_LATE = """\
Engagements that closed long after they started. Zoom lists an engagement under the day it started, but only once it has
ended, which for a conversation can be weeks later. The engagement log, listed by end time, names them; those the
lake does not know are fetched. Without the log's scope the days are shown as not verified.
"""
_SETTLING = """\
Engagements whose details may still change: read again 2 minutes, 10 minutes, 1, 6 and 24 hours after their end, by the
cheapest cover (a listing of their day, or one by one).
"""


def build_refresh_assets() -> list[dg.AssetsDefinition]:
    """Two assets without partitions; each says which days it touched."""

    @dg.asset(
        key=key_of(LATE_CLOSERS), deps=[key_of("zoom/engagements")], group_name="refresh", kinds={"zoom", "parquet"},
        owners=OWNERS, description=_LATE, metadata=api_page(DATASETS["zoom/engagements"]),
    )  # fmt: skip
    def late_closers(
        context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]
    ) -> dg.MaterializeResult[Any]:
        days = _days_to_list(runtime, days_of_run(context.run.tags))
        with explained():
            report = refresh_late_closers(runtime, days)
        found = _metadata(report) | {"late closers": report.late_closers, "days listed": joined_days(days)}
        if report.not_verified:
            reasons = sorted(set(report.not_verified.values()))
            found["not verified"] = f"{joined_days(list(report.not_verified))}: {'; '.join(reasons)}"
        return dg.MaterializeResult(metadata=found)

    @dg.asset(
        key=key_of(SETTLING), deps=[key_of("zoom/engagements")], group_name="refresh", kinds={"zoom", "parquet"},
        owners=OWNERS, description=_SETTLING, metadata=api_page(DATASETS["zoom/engagements"]),
    )  # fmt: skip
    def settling(runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult[Any]:
        first, last = runtime.trailing_days(runtime.config.deep_lookback_days)
        with explained():
            report = refresh_due(runtime, iter_days(first, last))
        return dg.MaterializeResult(metadata=_metadata(report))

    return [late_closers, settling]


def _days_to_list(runtime: Runtime, days_of_the_run: Sequence[date]) -> list[date]:
    """The run's days, or the look-back where the run has none; as far back as late closers are looked for."""
    days = days_of_the_run or list(iter_days(*runtime.trailing_days(runtime.config.lookback_days)))
    return days_within_reach(runtime, days)


def _metadata(report: RefreshReport) -> dict[str, Any]:
    found: dict[str, Any] = {
        "refreshed": report.refreshed,
        "not found": report.not_found,
        "failed": report.failed,
        "days touched": joined_days(list(report.days_touched)),
    }
    if report.problems:
        found[PROBLEMS] = dg.MetadataValue.json(report.problems)
    return found
