"""Coverage: every pushed event against what polling found; differences healed and written down once."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.orchestration.assets.events import EVENTS
from zcc_pipeline.orchestration.assets.raw import COMPLETENESS, OWNERS, key_of
from zcc_pipeline.orchestration.failures import explained
from zcc_pipeline.orchestration.metadata import LAKE_SCHEMA, PROBLEMS, joined_days, text_table
from zcc_pipeline.orchestration.partitions import days_of_run
from zcc_pipeline.orchestration.pictures import coverage_picture
from zcc_pipeline.pipeline.coverage import LandedCoverage, read_coverage
from zcc_pipeline.pipeline.reconcile import ReconcileReport, days_to_reconcile, reconcile
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.reconciliation import Outcome

COVERAGE = "zoom/coverage"
RECONCILE = "reconcile"
SUNDAY = 6

_SHOWN = 50
_DESCRIPTION = """\
{description}

Each engagement, note, disposition, recording, voicemail and survey of a day is looked for on both sides. A lost event
is recovered by polling; what only an event knows is read by its engagement's id. Each difference is found once and ends
as recovered, failed or explained, so a second pass finds none. The job `reconcile` polls first; in a run of the whole
graph the days have just been polled.
"""


def build_coverage_assets() -> list[dg.AssetsDefinition]:
    """One asset without partitions; it says which days it compared."""
    dataset = DATASETS[COVERAGE]

    @dg.asset(
        key=key_of(COVERAGE),
        deps=[key_of(EVENTS), key_of(COMPLETENESS)],
        group_name=dataset.group,
        kinds={"parquet"},
        owners=OWNERS,
        description=_DESCRIPTION.format(description=dataset.description),
        metadata={"dagster/column_schema": LAKE_SCHEMA, "lake folder": f"{COVERAGE}/date=YYYY-MM-DD/"},
    )
    def coverage(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult[Any]:
        is_own_job = context.run.job_name == RECONCILE
        with explained():
            days = _days(runtime, days_of_run(context.run.tags))
            report = reconcile(runtime, days, poll=is_own_job)
            lines = read_coverage(runtime, days[0], days[-1]) if days else []
        return dg.MaterializeResult(metadata=_metadata(report, lines))

    return [coverage]


def _days(runtime: Runtime, days_of_the_run: Sequence[date]) -> list[date]:
    """The run's days as far as the deep look-back reaches; without any the look-back, on Sundays the deep one."""
    today = runtime.today()
    if not days_of_the_run:
        return days_to_reconcile(runtime, is_deep=today.weekday() == SUNDAY)
    oldest = today - timedelta(days=runtime.config.deep_lookback_days)
    return [day for day in days_of_the_run if oldest <= day <= today]


def _metadata(report: ReconcileReport, lines: Sequence[LandedCoverage]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "differences detected": len(report.detected),
        **{outcome.value: report.count(outcome) for outcome in Outcome},
        "judged again": len(report.judged_again),
        "may still come": report.waiting,
        "engagements read by id": report.refreshed,
        "days": joined_days(report.days),
    }
    failed = [row for row in (*report.detected, *report.judged_again) if row.outcome == Outcome.FAILED]
    if failed:
        rows = [{"event": row.event, "day": str(row.day), "evidence": row.evidence} for row in failed[:_SHOWN]]
        found["not healed"] = text_table(["event", "day", "evidence"], rows)
    if report.not_subscribed:
        found["never received"] = dg.MetadataValue.json(report.not_subscribed)
    if report.problems:
        found[PROBLEMS] = dg.MetadataValue.json(report.problems)
    if picture := coverage_picture(lines):
        found["picture"] = dg.MetadataValue.md(picture)
    return found
