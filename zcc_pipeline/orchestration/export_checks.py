"""Checks of the exports: nothing refused, and the ledger against the mart. Neither asks the CRM."""

from collections.abc import Iterator, Sequence

import dagster as dg

from zcc_pipeline.orchestration.assets.exports import export_key
from zcc_pipeline.orchestration.failures import explained
from zcc_pipeline.orchestration.metadata import text_table
from zcc_pipeline.pipeline.crms import TITLES
from zcc_pipeline.pipeline.export_health import ExportHealth, export_health
from zcc_pipeline.pipeline.runtime import Runtime

NOTHING_REFUSED = "nothing_refused"
EVERYTHING_HAS_LEFT = "everything_has_left"
_SHOWN = 50


def build_export_checks(crms: Sequence[str]) -> list[dg.AssetChecksDefinition]:
    """Two for each CRM."""
    return [_build_checks(crm) for crm in crms]


def _build_checks(crm: str) -> dg.AssetChecksDefinition:
    key = export_key(crm)

    @dg.multi_asset_check(
        name=f"checks_of_{crm}",
        specs=[
            dg.AssetCheckSpec(
                NOTHING_REFUSED, asset=key, description=f"{TITLES[crm]} and the mapping have refused no record."
            ),
            dg.AssetCheckSpec(
                EVERYTHING_HAS_LEFT,
                asset=key,
                description="Every engagement that is due is in the ledger as it is in the mart now, and no other.",
            ),
        ],
    )
    def checks(runtime: dg.ResourceParam[Runtime]) -> Iterator[dg.AssetCheckResult]:
        with explained():
            health = export_health(runtime, crm)
        yield _nothing_refused(key, health)
        yield _everything_has_left(key, health)

    return checks


def _nothing_refused(key: dg.AssetKey, health: ExportHealth) -> dg.AssetCheckResult:
    held = health.held.total()
    return dg.AssetCheckResult(
        check_name=NOTHING_REFUSED,
        asset_key=key,
        passed=not held,
        description=f"{held:,} held; `zcc quarantine list` says why" if held else None,
        metadata={"by reason": dg.MetadataValue.json(dict(health.held))} if held else {},
    )


def _everything_has_left(key: dg.AssetKey, health: ExportHealth) -> dg.AssetCheckResult:
    due = health.due.total()
    days = [{"day": str(day), "engagements": count} for day, count in sorted(health.due.items(), reverse=True)]
    text = f"{due:,} due and not there as they are now"
    if health.strays:
        text += f"; {health.strays:,} in the ledger that the mart does not have"
    return dg.AssetCheckResult(
        check_name=EVERYTHING_HAS_LEFT,
        asset_key=key,
        passed=health.is_even,
        description=None if health.is_even else text,
        metadata={
            "engagements": health.engagements,
            "settled": health.settled,
            "refused": health.refused,
            "not due": health.not_due,
            "due": due,
            "without a known outcome": health.open,
            "strays": health.strays,
        }
        | ({"due by day": text_table(["day", "engagements"], days[:_SHOWN])} if days else {}),
    )
