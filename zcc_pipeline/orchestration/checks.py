"""Checks that are not dbt's: was everything read, is everything explained, is it fresh.

A check that fails does not stop the run: data keeps flowing and the red mark stays. Only ``read_to_the_end`` fails the
run as well, as the last thing in it, because somebody has to know that a day was cut short.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg

from zcc_pipeline.domain.completeness import Status
from zcc_pipeline.orchestration.assets.events import EVENTS
from zcc_pipeline.orchestration.assets.raw import ALL, COMPLETENESS, LATE_CLOSERS, SETTLING, key_of
from zcc_pipeline.orchestration.failures import explained
from zcc_pipeline.orchestration.metadata import PROBLEMS, text_table
from zcc_pipeline.orchestration.partitions import days_of_run
from zcc_pipeline.pipeline.freshness import newest_engagement
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.pipeline.status import StatusReport, Unread, status

READ_TO_THE_END = "read_to_the_end"
_SHOWN = 50


def build_checks() -> list[dg.AssetChecksDefinition]:
    """All of them."""
    return [_build_reading_check(), _build_completeness_checks(), _build_freshness_check()]


def _build_reading_check() -> dg.AssetChecksDefinition:
    checked = [*ALL, EVENTS, LATE_CLOSERS, SETTLING]

    @dg.multi_asset_check(
        name=READ_TO_THE_END,
        specs=[
            dg.AssetCheckSpec(
                READ_TO_THE_END,
                asset=key_of(name),
                description="Every day of the run was listed to its end and every file that was due was fetched.",
            )
            for name in checked
        ],
        can_subset=True,
    )
    def read_to_the_end(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        problems = _problems_of_run(context)
        for check in sorted(context.selected_asset_check_keys):
            found = problems.get(check.asset_key, [])
            yield dg.AssetCheckResult(
                check_name=check.name,
                asset_key=check.asset_key,
                passed=not found,
                description="; ".join(found[:3]) or None,
                metadata={PROBLEMS: dg.MetadataValue.json(found[:_SHOWN])} if found else {},
            )
        everything = [problem for found in problems.values() for problem in found]
        if everything:
            more = f"\n… and {len(everything) - _SHOWN} more" if len(everything) > _SHOWN else ""
            raise dg.Failure(
                "What was read has been kept, but not all could be read:\n" + "\n".join(everything[:_SHOWN]) + more
            )

    return read_to_the_end


def _problems_of_run(context: dg.AssetCheckExecutionContext) -> dict[dg.AssetKey, list[str]]:
    """What the steps before said, from their materialisations in this run."""
    found: dict[dg.AssetKey, list[str]] = {}
    logs = context.instance.all_logs(context.run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    for entry in logs:
        materialization = entry.asset_materialization
        problems = materialization.metadata.get(PROBLEMS) if materialization else None
        if materialization is not None and isinstance(problems, dg.JsonMetadataValue):
            found[materialization.asset_key] = [str(problem) for problem in problems.value or []]
    return found


def _build_completeness_checks() -> dg.AssetChecksDefinition:
    asset = key_of(COMPLETENESS)
    descriptions = {
        "everything_explained": "No artefact failed, is overdue, or is absent without evidence of why.",
        "every_day_listed": "Every day was listed completely within a day of its end, in every dataset.",
        "nothing_about_to_expire": "A week before Zoom deletes a file, it is here; of a voicemail its inbox decides.",
        "nothing_in_quarantine": "No record was set aside because it could not be processed.",
    }

    @dg.multi_asset_check(
        name="completeness",
        specs=[dg.AssetCheckSpec(name, asset=asset, description=text) for name, text in descriptions.items()],
    )
    def completeness(
        context: dg.AssetCheckExecutionContext, runtime: dg.ResourceParam[Runtime]
    ) -> Iterator[dg.AssetCheckResult]:
        first, last = _span(runtime, days_of_run(context.run.tags))
        with explained():
            report = status(runtime, first, last)
        for name, result in _judgements(report).items():
            yield dg.AssetCheckResult(check_name=name, asset_key=asset, **result)

    return completeness


def _span(runtime: Runtime, days: Sequence[date]) -> tuple[date, date]:
    """The run's days and the whole deep look-back: judging only the former, one good day would hide a bad one.

    Days before the first that was ever read are nobody's omission.
    """
    first, last = runtime.trailing_days(runtime.config.deep_lookback_days)
    listed = runtime.state.windows.complete_days("zoom/engagements", date.min, last)
    return min([max(first, min(listed, default=last)), *days]), max([last, *days])


def _judgements(report: StatusReport) -> Mapping[str, dict[str, Any]]:
    """Arguments of the results, by check."""
    unexplained, failed = report.count(Status.UNEXPLAINED), report.count(Status.FAILED)
    overdue = sum(report.overdue.values())
    late = [row for row in report.unread if row.is_overdue]
    expiring = [row for row in report.oldest if row.is_alarming]
    return {
        "everything_explained": {
            "passed": not (unexplained or failed or overdue),
            "description": f"{unexplained} unexplained, {failed} failed, {overdue} overdue",
            "metadata": {"by kind": _kinds_table(report)},
        },
        "every_day_listed": {
            "passed": not late,
            "description": f"overdue listings: {len(late)}",
            "metadata": {"overdue": _overdue_table(late[:_SHOWN])} if late else {},
        },
        "nothing_about_to_expire": {
            "passed": not expiring,
            "description": f"kinds of file within a week of their deletion at Zoom: {len(expiring)}",
            "metadata": {str(row.kind): f"{row.age_days} of {row.limit_days} days" for row in report.oldest},
        },
        "nothing_in_quarantine": {
            "passed": not report.quarantined,
            "severity": dg.AssetCheckSeverity.WARN,
            "description": f"set aside: {report.quarantined:,}; zcc quarantine list tells why",
            "metadata": {"records": report.quarantined},
        },
    }


def _overdue_table(rows: Sequence[Unread]) -> dg.TableMetadataValue:
    lines = [{"dataset": row.dataset, "day": str(row.day), "problem": row.problem} for row in rows]
    return text_table(["dataset", "day", "problem"], lines)


def _kinds_table(report: StatusReport) -> dg.TableMetadataValue:
    """Engagements by kind and status over all days of the run."""
    sums: dict[str, dict[str, Any]] = {}
    for line in report.lines:
        row = sums.setdefault(str(line.kind), {"kind": str(line.kind)} | {str(one): 0 for one in Status})
        for one, count in line.by_status.items():
            row[str(one)] += count
    return text_table(["kind", *(str(one) for one in Status)], list(sums.values()))


def _build_freshness_check() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=key_of("zoom/engagements"),
        name="is_fresh",
        description="The newest engagement in the lake, by its own time, is no older than the longest pause of the "
        "last weeks plus a day. (When a day was read says nothing: reading an old day again would turn it green.)",
    )
    def is_fresh(runtime: dg.ResourceParam[Runtime]) -> dg.AssetCheckResult:
        newest = newest_engagement(runtime)
        if newest is None:
            return dg.AssetCheckResult(
                passed=False, severity=dg.AssetCheckSeverity.WARN, description="The lake has no engagement yet."
            )
        age = runtime.clock.now() - newest.started_at
        return dg.AssetCheckResult(
            passed=age <= newest.longest_pause + timedelta(days=1),
            severity=dg.AssetCheckSeverity.WARN,
            description=f"the newest engagement started {age.total_seconds() / 3600:,.0f} hours ago",
            metadata={
                "newest engagement started": dg.MetadataValue.timestamp(newest.started_at),
                "age in hours": round(age.total_seconds() / 3600, 1),
                "longest pause in days": newest.longest_pause.days,
            },
        )

    return is_fresh
