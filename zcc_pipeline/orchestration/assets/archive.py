"""Into the compliance archive: what has changed since it was archived, whatever day it belongs to."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from zcc_pipeline.orchestration.assets.coverage import COVERAGE
from zcc_pipeline.orchestration.assets.publish import ANALYTICS
from zcc_pipeline.orchestration.assets.raw import OWNERS, key_of
from zcc_pipeline.orchestration.failures import explained, tried_again
from zcc_pipeline.orchestration.metadata import PROBLEMS, joined_days, text_table
from zcc_pipeline.pipeline.archive_days import overdue_days
from zcc_pipeline.pipeline.archive_keeping import SOON_DAYS, Keeping, count_kept
from zcc_pipeline.pipeline.archiving import ArchiveReport, archive_changes
from zcc_pipeline.pipeline.runtime import Runtime

COMPLIANCE_ARCHIVE = dg.AssetKey(["compliance_archive"])
CLOSED_ON_TIME = "window_closed_on_time"

_SHOWN = 50
_DESCRIPTION = """\
Every engagement as Zoom sent it, every later version of it, and a signed ledger of all that was done.

Its own ledger says what is archived and as what, so late changes to old days go out by themselves and a run that was
killed is continued. The same again makes no version. A day is closed when all that the source listed is archived or
explained.

Page: `docs/archive.md`
"""


def build_archive_assets() -> list[dg.AssetsDefinition]:
    """One asset without partitions; it says which days it touched."""

    @dg.asset(
        key=COMPLIANCE_ARCHIVE,
        deps=[ANALYTICS, key_of(COVERAGE)],
        group_name="archive",
        kinds={"ocfl"},
        owners=OWNERS,
        description=_DESCRIPTION,
        pool="archive",
    )
    def compliance_archive(runtime: dg.ResourceParam[Runtime]) -> dg.MaterializeResult[Any]:
        with tried_again():
            report, kept = archive_changes(runtime), count_kept(runtime)
        return dg.MaterializeResult(metadata=archive_metadata(report, kept))

    return [compliance_archive]


def archive_metadata(report: ArchiveReport, kept: Keeping) -> dict[str, Any]:
    """Counts, days and the root hash; nothing that anybody said."""
    found: dict[str, Any] = {
        "objects": report.engagements,
        "objects created": report.created,
        "versions added": report.versions,
        "unchanged": report.unchanged,
        "refused": len(report.refused),
        "archived in all": kept.objects,
        "held": kept.held,
        f"last day within {SOON_DAYS} days": kept.expiring,
        "last day over": kept.expired,
        "bytes written": report.bytes_written,
        "days touched": joined_days(list(report.days_touched)),
        "days closed": joined_days(list(report.days_closed)),
        "days opened again": joined_days(list(report.days_reopened)),
        "ledger entries": report.ledger_size,
        "root hash": report.root_hash,
    }
    if report.worm is not None:
        found["storage"] = f"{'WORM' if report.worm.is_worm else 'not WORM'}: {report.worm.reason}"
    if report.suppressed:
        found["erased, not archived again"] = report.suppressed
    if report.held_back:
        found["held back, card data blocked"] = report.held_back
    if report.healed:
        found["entered into the ledger late"] = report.healed
    if report.refused:
        rows = [{"engagement": one.engagement_id, "day": str(one.day), "why": one.why} for one in report.refused]
        found["what was refused"] = text_table(["engagement", "day", "why"], rows[:_SHOWN])
    problems = [f"no copy of a checkpoint elsewhere: {kind}" for kind in sorted(report.unwitnessed)]
    if report.stamp is not None:
        found["time stamp of the ledger up to entry"] = 0 if report.stamp.why_not else report.stamp.size
        problems += [f"no time stamp: {report.stamp.why_not}"] if report.stamp.why_not else []
    if report.second_copy is not None:
        copied = report.second_copy
        found["objects copied to the second copy"] = copied.objects
        problems += [f"second copy: {copied.problem}"] if copied.problem else []
        problems += [f"second copy: {each}: {why}" for each, why in list(copied.failed.items())[:_SHOWN]]
    if problems:
        found[PROBLEMS] = dg.MetadataValue.json(problems)
    return found


def build_archive_checks() -> list[dg.AssetChecksDefinition]:
    """Is every day closed that should be by now?"""

    @dg.multi_asset_check(
        name="checks_of_the_archive",
        specs=[
            dg.AssetCheckSpec(
                CLOSED_ON_TIME,
                asset=COMPLIANCE_ARCHIVE,
                description="Every day that is more than four days old is closed in every dataset.",
            )
        ],
    )
    def checks(runtime: dg.ResourceParam[Runtime]) -> Iterator[dg.AssetCheckResult]:
        with explained():
            overdue = overdue_days(runtime)
        rows = [{"day": str(day), "open": ", ".join(overdue[day])} for day in sorted(overdue, reverse=True)]
        yield dg.AssetCheckResult(
            check_name=CLOSED_ON_TIME,
            asset_key=COMPLIANCE_ARCHIVE,
            passed=not overdue,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{len(overdue):,} days are open" if overdue else None,
            metadata={"open days": text_table(["day", "open"], rows[:_SHOWN])} if rows else {},
        )

    return [checks]
