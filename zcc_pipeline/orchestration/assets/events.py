"""Received events: landed, and what they say has changed read again. The first step of every run that reads."""

from datetime import timedelta
from typing import Any

import dagster as dg

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.orchestration.assets.raw import OWNERS, key_of
from zcc_pipeline.orchestration.failures import explained
from zcc_pipeline.orchestration.metadata import LAKE_SCHEMA, PROBLEMS, joined_days
from zcc_pipeline.pipeline.event_refresh import EventsReport, refresh_from_events
from zcc_pipeline.pipeline.runtime import Runtime

EVENTS = "zoom/events"
REFRESH = "refresh"
PATIENCE = timedelta(seconds=15)
"""The refresh job waits this long for what is due in a moment, so that an event and the read after it are one run."""

_NAMES_SHOWN = 20
_DESCRIPTION = """\
{description}

Every event in the inbox that is not applied yet is landed, with the facts that it carries itself; then the engagements
that events named are read again, with their files, and the time of every gap in a connection is polled. What is set
aside is shown by `zcc quarantine list`.

Zoom's page: [events]({page})
"""


def build_event_assets() -> list[dg.AssetsDefinition]:
    """One asset without partitions; it says which days it touched."""
    dataset = DATASETS[EVENTS]

    @dg.asset(
        key=key_of(EVENTS),
        group_name=dataset.group,
        kinds={"zoom", "parquet"},
        owners=OWNERS,
        description=_DESCRIPTION.format(description=dataset.description, page=dataset.api_page),
        metadata={
            "dagster/column_schema": LAKE_SCHEMA,
            "lake folder": f"{EVENTS}/date=YYYY-MM-DD/",
            "API page": dg.MetadataValue.url(dataset.api_page),
        },
        op_tags={"dagster/priority": "10"},  # before any listing: what events name is the newest there is
    )
    def events(context: dg.AssetExecutionContext, runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult[Any]:
        is_refresh = context.run.job_name == REFRESH
        with explained():
            report = refresh_from_events(runtime, patience=PATIENCE if is_refresh else timedelta(0))
        return dg.MaterializeResult(metadata=_metadata(report))

    return [events]


def _metadata(report: EventsReport) -> dict[str, Any]:
    applied, refreshed = report.applied, report.refreshed
    found: dict[str, Any] = {
        "events": applied.events,
        "facts": applied.facts,
        "refreshed": refreshed.refreshed,
        "not found": refreshed.not_found,
        "failed": refreshed.failed,
        "days touched": joined_days(list(report.days_touched)),
    }
    seldom = {
        "tombstones": applied.tombstones,
        "quarantined": applied.quarantined,
        "of another account": applied.foreign,
        "of erased engagements": applied.suppressed,
        "gaps polled": report.gaps_closed,
        "gaps still open": report.gaps_open,
        "left to the nightly poll": report.given_up,
        "pushed and not confirmed": report.parts_denied,
    }
    found |= {name: count for name, count in seldom.items() if count}
    if applied.by_route:
        found["by route"] = dg.MetadataValue.json(dict(applied.by_route))
    if applied.unknown_names:
        names = applied.unknown_names.most_common(_NAMES_SHOWN)
        found["unknown events"] = dg.MetadataValue.json({name[:100]: count for name, count in names})
    if report.problems:
        found[PROBLEMS] = dg.MetadataValue.json(report.problems)
    return found
