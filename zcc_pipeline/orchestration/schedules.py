"""When things run. Every schedule is off until somebody switches it on: nothing polls Zoom by surprise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from zcc_pipeline.domain.window import trailing_days
from zcc_pipeline.orchestration.assets.archive_verification import build_verification_schedule
from zcc_pipeline.orchestration.assets.coverage import RECONCILE
from zcc_pipeline.orchestration.jobs import COMPACTION, EVERYTHING, NOTES_AUDIT, TODAY
from zcc_pipeline.orchestration.partitions import FIRST_DAY, range_tags
from zcc_pipeline.orchestration.resources import OpenRuntime
from zcc_pipeline.orchestration.run_cleanup import IN_PROGRESS
from zcc_pipeline.pipeline.left_behind import days_left_behind

AFTER_MIDNIGHT = timedelta(hours=2)
"""For this long the day before is read along: what it still held at midnight has only just ended."""

Request = dg.RunRequest | dg.SkipReason


def build_schedules(
    timezone: str, open_runtime: OpenRuntime, *, first_day: date = FIRST_DAY
) -> list[dg.ScheduleDefinition]:
    """The running day every 15 minutes, the look-back nightly, the deep one weekly, reconciling nightly, upkeep."""
    return [
        _build_today(timezone),
        _build_look_back("nightly_look_back", "15 2 * * 1-6", timezone, open_runtime, first_day, is_deep=False),
        _build_look_back("weekly_deep_look_back", "15 2 * * 0", timezone, open_runtime, first_day, is_deep=True),
        dg.ScheduleDefinition(
            name="nightly_reconcile",
            job_name=RECONCILE,
            cron_schedule="45 3 * * *",
            execution_timezone=timezone,
            description="Check pushed events of the look-back (on Sundays of the deep one) against what polling finds.",
        ),
        dg.ScheduleDefinition(
            name="daily_compaction",
            job_name=COMPACTION,
            cron_schedule="45 4 * * *",
            execution_timezone=timezone,
            description="Merge the small files of the days before.",
        ),
        dg.ScheduleDefinition(
            name="monthly_notes_audit",
            job_name=NOTES_AUDIT,
            cron_schedule="30 5 1 * *",
            execution_timezone=timezone,
            description="Read all notes of the account, for edits older than every look-back.",
        ),
        build_verification_schedule(timezone),
    ]


def _build_today(timezone: str) -> dg.ScheduleDefinition:
    @dg.schedule(
        name="today_every_15_minutes",
        job_name=TODAY,
        cron_schedule="*/15 * * * *",
        execution_timezone=timezone,
        description="Pull, settle, build and publish the running day; skipped while the tick before is still at work.",
    )
    def today_every_15_minutes(context: dg.ScheduleEvaluationContext) -> Iterator[Request]:
        running = context.instance.get_runs(
            dg.RunsFilter(job_name=TODAY, statuses=[*IN_PROGRESS, dg.DagsterRunStatus.QUEUED])
        )
        if running:
            yield dg.SkipReason(f"run {running[0].run_id} is still at work")
            return
        now = context.scheduled_execution_time.astimezone(ZoneInfo(timezone))
        yield _request((now - AFTER_MIDNIGHT).date(), now.date())

    return today_every_15_minutes


def _build_look_back(
    name: str, cron: str, timezone: str, open_runtime: OpenRuntime, first_day: date, *, is_deep: bool
) -> dg.ScheduleDefinition:
    setting = "ZCC_DEEP_LOOKBACK_DAYS" if is_deep else "ZCC_LOOKBACK_DAYS"

    @dg.schedule(
        name=name,
        job_name=EVERYTHING,
        cron_schedule=cron,
        execution_timezone=timezone,
        description=f"Read the last {setting} days again, with the late-closer pass: notes are edited and "
        "conversations end long after their day. Besides, some of the older days that were never read to their end.",
    )
    def look_back(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
        today = context.scheduled_execution_time.astimezone(ZoneInfo(timezone)).date()
        with open_runtime() as runtime:
            config = runtime.config
            days = config.deep_lookback_days if is_deep else config.lookback_days
            first, last = trailing_days(today, days, limit=config.look_back_limit)
            older = days_left_behind(runtime, first=first_day, before=first)
        tick = context.scheduled_execution_time.isoformat()
        spans = [(first, last), *_spans(older)]
        return [_request(*span, run_key=f"{tick} {span[0]}") for span in spans]

    return look_back


def _spans(days: Iterable[date]) -> list[tuple[date, date]]:
    """First and last of the days that follow one another; ``days`` in order."""
    spans: list[tuple[date, date]] = []
    for day in days:
        if spans and spans[-1][1] == day - timedelta(days=1):
            spans[-1] = spans[-1][0], day
        else:
            spans.append((day, day))
    return spans


def _request(first: date, last: date, *, run_key: str | None = None) -> dg.RunRequest:
    if first == last:
        return dg.RunRequest(run_key, partition_key=first.isoformat())
    return dg.RunRequest(run_key, tags=range_tags(first, last))
