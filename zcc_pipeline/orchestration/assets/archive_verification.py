"""The archive's verification: every byte of it read again, weekly once somebody has switched the schedule on."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from zcc_pipeline.orchestration.assets.raw import OWNERS
from zcc_pipeline.orchestration.failures import explained
from zcc_pipeline.orchestration.metadata import PROBLEMS
from zcc_pipeline.pipeline.archive_verification import (
    VerificationOutcome,
    VerifyOptions,
    last_verification,
    verify_archive,
)
from zcc_pipeline.pipeline.runtime import Runtime

VERIFICATION = dg.AssetKey(["archive_verification"])
VERIFY = "verify_archive"
FRESH_AND_CLEAN = "fresh_and_clean"

_DESCRIPTION = """\
A report about the compliance archive. Objects against their inventories and the ledger, the ledger against its signed
checkpoints, closed days, the index. A run that was broken off goes on with `resume: true` in its config.
"""


class VerificationConfig(dg.Config):
    """How to verify."""

    resume: bool = False
    megabytes_per_second: float | None = None


def build_verification_assets() -> list[dg.AssetsDefinition]:
    """One asset; its value is the report."""

    @dg.asset(key=VERIFICATION, group_name="archive", kinds={"html"}, owners=OWNERS, description=_DESCRIPTION)
    def archive_verification(
        context: dg.AssetExecutionContext, config: VerificationConfig, runtime: dg.ResourceParam[Runtime]
    ) -> dg.MaterializeResult[Any]:
        limit = config.megabytes_per_second
        with explained():
            outcome = verify_archive(
                runtime.archive,
                home=runtime.config.home,
                clock=runtime.clock,
                run_id=context.run.run_id,
                options=VerifyOptions(
                    resume=config.resume, bytes_per_second=None if limit is None else limit * 1_000_000
                ),
            )
        return dg.MaterializeResult(metadata=_metadata(outcome))

    return [archive_verification]


def build_verification_checks() -> list[dg.AssetChecksDefinition]:
    """Was it verified in the last eight days, and was nothing found? The ledger itself says so."""

    @dg.multi_asset_check(
        name="archive_verified",
        specs=[
            dg.AssetCheckSpec(
                FRESH_AND_CLEAN,
                asset=VERIFICATION,
                description="The last verification is at most eight days old and has found nothing.",
            )
        ],
    )
    def archive_verified(runtime: dg.ResourceParam[Runtime]) -> Iterator[dg.AssetCheckResult]:
        with explained():
            last = last_verification(runtime.archive)
        is_fresh = last.is_fresh(runtime.clock.now())
        words = [] if is_fresh else ["not verified in the last eight days"]
        words += [f"{last.findings:,} findings in the last verification"] if last.findings else []
        yield dg.AssetCheckResult(
            check_name=FRESH_AND_CLEAN,
            asset_key=VERIFICATION,
            passed=not words,
            description="; ".join(words) or None,
            metadata={"objects": last.objects, "finished at": str(last.finished_at or "never")},
        )

    return [archive_verified]


def build_verification_job() -> UnresolvedAssetJobDefinition:
    """For the schedule and for people."""
    return dg.define_asset_job(
        VERIFY,
        dg.AssetSelection.assets(VERIFICATION),
        description="Read every byte of the archive again; name what is not as it was.",
    )


def build_verification_schedule(timezone: str) -> dg.ScheduleDefinition:
    """Off until somebody switches it on, as all schedules are."""
    return dg.ScheduleDefinition(
        name="weekly_archive_verification",
        job_name=VERIFY,
        cron_schedule="30 6 * * 0",
        execution_timezone=timezone,
        description="Verify the whole archive every Sunday.",
    )


def _metadata(outcome: VerificationOutcome) -> dict[str, Any]:
    found: dict[str, Any] = {name.replace("_", " "): value for name, value in asdict(outcome.summary.counts).items()}
    found |= {
        "report": dg.MetadataValue.path(str(outcome.report.html_path)),
        "checkpoints from elsewhere": outcome.summary.checkpoints_from_elsewhere,
    }
    if outcome.summary.checkpoint is not None:
        found["root hash"] = outcome.summary.checkpoint.root.hex()
    if outcome.first_findings:
        found[PROBLEMS] = dg.MetadataValue.json([str(finding) for finding in outcome.first_findings])
    return found
