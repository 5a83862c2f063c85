"""Out to the CRMs: one asset for each that is configured, driven by the ledger and not by days."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import dagster as dg

from zcc_pipeline.exports.outcomes import Status
from zcc_pipeline.exports.report import ExportReport
from zcc_pipeline.orchestration.assets.dbt import model_key
from zcc_pipeline.orchestration.assets.publish import ANALYTICS
from zcc_pipeline.orchestration.assets.raw import OWNERS
from zcc_pipeline.orchestration.dbt_project import Project
from zcc_pipeline.orchestration.failures import tried_again
from zcc_pipeline.orchestration.metadata import joined_days, text_table
from zcc_pipeline.pipeline.activities import MART
from zcc_pipeline.pipeline.crms import TITLES
from zcc_pipeline.pipeline.exporting import export
from zcc_pipeline.pipeline.runtime import Runtime

EXPORTS = "exports"

_SHOWN = 50
_DESCRIPTION = """\
Every engagement in {title}: once, complete, kept up to date, linked to the right person.

The ledger says what has left and as what, so late changes to old days go out by themselves, and a run that was killed
is continued. What {title} refuses is held in quarantine (dataset `exports/{crm}`) with its own words; here they are
shown without what they quote. `ZCC_CRM_MAPPING` decides what becomes what.

Page: `docs/crm/{crm}.md`
"""


class ExportDays(dg.Config):
    """Narrows a run down to engagements that started on these days (YYYY-MM-DD, both included)."""

    first_day: str | None = None
    last_day: str | None = None

    def as_days(self) -> tuple[date, date] | None:
        """Both ends, or None for all days. ``dg.Failure`` where a day is none."""
        if self.first_day is None and self.last_day is None:
            return None
        try:
            first = date.fromisoformat(self.first_day) if self.first_day else date.min
            last = date.fromisoformat(self.last_day) if self.last_day else date.max
        except ValueError as error:
            raise dg.Failure(f"first_day and last_day are written YYYY-MM-DD: {error}", allow_retries=False) from None
        return first, last


def export_key(crm: str) -> dg.AssetKey:
    """The asset of a CRM."""
    return dg.AssetKey([EXPORTS, crm])


def build_export_assets(project: Project, crms: Sequence[str]) -> list[dg.AssetsDefinition]:
    """One asset without partitions for each CRM; it says which days it touched."""
    mart = [model_key(model) for model in project.models if model.name == MART]
    return [_build_export(crm, [*mart, ANALYTICS]) for crm in crms]


def _build_export(crm: str, deps: list[dg.AssetKey]) -> dg.AssetsDefinition:
    @dg.asset(
        key=export_key(crm),
        deps=deps,
        group_name=EXPORTS,
        kinds={crm},
        owners=OWNERS,
        description=_DESCRIPTION.format(title=TITLES[crm], crm=crm),
        pool=f"export_{crm}",
    )
    def export_to_crm(config: ExportDays, runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult[Any]:
        with tried_again():
            report = export(runtime, crm, days=config.as_days())
        return dg.MaterializeResult(metadata=export_metadata(report))

    return export_to_crm


def export_metadata(report: ExportReport) -> dict[str, Any]:
    """Counts, what was refused and why, what it cost; nothing of what customers or agents said."""
    usage = report.usage
    found: dict[str, Any] = {status.value.replace("_", " "): report.counts[status] for status in Status}
    found |= {
        "not due": report.not_due,
        "days touched": joined_days(list(report.days)),
        "API calls": usage.api_calls,
        "seconds waited": dg.MetadataValue.float(round(usage.waited_seconds, 3)),
    }
    if report.erased:
        found["erased"] = report.erased
    if usage.quota_used is not None:
        found["quota used"] = usage.quota_used
        if usage.quota_total is not None:
            found["quota left"] = usage.quota_total - usage.quota_used
    if report.codes:
        found["refused by code"] = dg.MetadataValue.json(dict(report.codes))
        rows = [
            {"engagement": one.engagement_id, "day": str(one.day), "code": one.code, "why": one.words}
            for one in report.refused[:_SHOWN]
        ]
        found["refused"] = text_table(["engagement", "day", "code", "why"], rows)
    if report.stopped:
        found["stopped"] = report.stopped
    return found
