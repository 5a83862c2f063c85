"""What can be started as a whole, by a schedule, by ``zcc run`` or by a person."""

from collections.abc import Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from zcc_pipeline.orchestration.assets.archive import COMPLIANCE_ARCHIVE
from zcc_pipeline.orchestration.assets.archive_verification import VERIFICATION, build_verification_job
from zcc_pipeline.orchestration.assets.coverage import COVERAGE, RECONCILE
from zcc_pipeline.orchestration.assets.events import EVENTS, REFRESH
from zcc_pipeline.orchestration.assets.exports import export_key
from zcc_pipeline.orchestration.assets.publish import ANALYTICS
from zcc_pipeline.orchestration.assets.raw import LATE_CLOSERS, REFERENCE, key_of
from zcc_pipeline.orchestration.failures import explained, tried_again
from zcc_pipeline.orchestration.metadata import joined_days
from zcc_pipeline.pipeline.maintenance import compact
from zcc_pipeline.pipeline.notes_audit import audit_notes
from zcc_pipeline.pipeline.runtime import Runtime

EVERYTHING = "everything"
TODAY = "today"
BUILD_AND_PUBLISH = "build_and_publish"
COMPACTION = "compaction"
NOTES_AUDIT = "notes_audit"
EXPORT = "export"
ARCHIVE = "archive"


def build_jobs(
    dbt_assets: list[dg.AssetsDefinition], crms: Sequence[str] = ()
) -> list[dg.JobDefinition | UnresolvedAssetJobDefinition]:
    """All jobs; asset jobs include the checks of what they materialise."""
    everything = dg.AssetSelection.all() - dg.AssetSelection.assets(VERIFICATION)
    seldom = dg.AssetSelection.assets(*(key_of(name) for name in (*REFERENCE, LATE_CLOSERS, COVERAGE)))
    archived = dg.AssetSelection.assets(COMPLIANCE_ARCHIVE)
    built = dg.AssetSelection.assets(ANALYTICS, *(key for assets in dbt_assets for key in assets.keys))
    exported = dg.AssetSelection.assets(*map(export_key, crms))
    return [
        dg.define_asset_job(
            EVERYTHING,
            everything,
            description="The whole graph for a range of days: pull, settle, proof, build, publish, CRMs, archive.",
        ),
        dg.define_asset_job(
            TODAY,
            everything - seldom - archived,
            description="The graph for the running day, without reference lists, late closers, coverage and archive.",
        ),
        dg.define_asset_job(
            BUILD_AND_PUBLISH, built, description="Load what is new in the lake, rebuild, test, publish."
        ),
        dg.define_asset_job(
            REFRESH,
            built | exported | dg.AssetSelection.assets(key_of(EVENTS)),
            description="What events say has changed: land them, read again what they name, build, publish, export.",
        ),
        dg.define_asset_job(
            RECONCILE,
            built | dg.AssetSelection.assets(key_of(COVERAGE)),
            description="Poll the look-back, compare it with what was pushed, heal, build, publish.",
        ),
        *([_build_export_job(exported)] if crms else []),
        dg.define_asset_job(
            ARCHIVE, archived, description="Bring the compliance archive up to date with what has landed."
        ),
        _build_compaction_job(),
        _build_notes_audit_job(),
        build_verification_job(),
    ]


def _build_export_job(exported: dg.AssetSelection) -> UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        EXPORT,
        exported,
        description="Bring every configured CRM up to date with what is published; days by run config.",
    )


def _build_compaction_job() -> dg.JobDefinition:
    @dg.op(description="Merge each day's small files; remove what was replaced a day ago.")
    def compact_lake(context: dg.OpExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
        with tried_again():
            report = compact(runtime)
        context.add_output_metadata(
            {
                "files merged": report.files_merged,
                "bytes saved": report.bytes_saved,
                "files removed": report.removed,
                "days touched": joined_days(list(report.days_touched)),
            }
        )

    @dg.job(
        name=COMPACTION, description="Keep the lake's files few: a day read every 15 minutes lands many small ones."
    )
    def compaction() -> None:
        compact_lake()

    return compaction


def _build_notes_audit_job() -> dg.JobDefinition:
    @dg.op(description="Read every note of the account; refresh the engagements of those that the lake has otherwise.")
    def audit_all_notes(context: dg.OpExecutionContext, runtime: dg.ResourceParam[Runtime]) -> None:
        with explained():
            audit = audit_notes(runtime)
        context.add_output_metadata(
            {
                "notes listed": audit.notes_listed,
                "notes changed": audit.changed,
                "notes unreadable": audit.unreadable,
                "engagements refreshed": audit.refreshed.refreshed,
                "days touched": joined_days(list(audit.refreshed.days_touched)),
            }
        )
        if not audit.is_complete:
            raise dg.Failure(f"the list of notes was not read to its end: {audit.problem or 'rows are missing'}")

    @dg.job(
        name=NOTES_AUDIT,
        description="Find notes edited after their engagement left every look-back: a call for every 300 notes.",
    )
    def notes_audit() -> None:
        audit_all_notes()

    return notes_audit
