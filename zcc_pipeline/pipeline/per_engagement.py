"""Reads that take one call for each engagement: its events or detail, its survey, its e-mail messages.

An engagement is read when it is new, when its list row changed since the last read, and while it is settling where the
answer may still grow. A survey that nobody answered yet is asked for again by each pull of its day (the nightly
look-back and the weekly deep one), once a day at most: no listing tells when a customer answers. What each read found
is kept in the ``reads`` ledger: "not found" is evidence, not an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from zcc_pipeline.domain.datasets import DATASETS, ENGAGEMENT_DETAIL, Dataset
from zcc_pipeline.domain.errors import NotFound, PermanentError, ScopeMissing, TransientError
from zcc_pipeline.domain.ports import ReadOutcome, ReadRow
from zcc_pipeline.domain.records import SHAPE_DETAIL, SHAPE_LIST, RecordChunk
from zcc_pipeline.pipeline.concurrency import for_each
from zcc_pipeline.pipeline.lake_facts import EngagementFields, Landed, engagements_of
from zcc_pipeline.pipeline.loop import run
from zcc_pipeline.pipeline.polling import Landing
from zcc_pipeline.pipeline.reports import DatasetReport, DayReport
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.reconciliation import is_due
from zcc_pipeline.sources.zoom_api import ZoomApi, split_page, split_record
from zcc_pipeline.sources.zoom_api.split import Reject

CONCURRENT_READS = 8
ENGAGEMENTS = DATASETS["zoom/engagements"]
EVENTS = DATASETS["zoom/engagement_events"]
SURVEYS = DATASETS["zoom/surveys"]
EMAILS = DATASETS["zoom/email_messages"]
REFRESHED = ENGAGEMENTS.name
"""Name under which a refresh of the engagement itself is kept in the ledger of reads."""
SPOKEN = frozenset({"voice", "video"})
ASKED_AGAIN = timedelta(hours=20)
"""For so long the answer that a survey has none is left at that: a look-back runs every night."""
GROWING = {SURVEYS.name, EMAILS.name}
"""Datasets whose answer may still come after the engagement's own record has stopped changing."""


@dataclass(frozen=True, slots=True)
class _Target:
    engagement_id: str
    start_time: str
    ended_at: datetime | None
    day: date
    channels: frozenset[str]


def channels_of(fields: EngagementFields) -> frozenset[str]:
    """The channels an engagement used."""
    return frozenset(entry.channel for entry in fields.channels or () if entry.channel)


def read_each(
    runtime: Runtime, dataset: Dataset, days: Iterable[date], *, only: frozenset[str] | None = None
) -> DatasetReport:
    """Read the dataset for the engagements of those days that need it (or for ``only`` those, needed or not)."""
    return run(_read_days(runtime, dataset, sorted(days), only))


async def _read_days(
    runtime: Runtime, dataset: Dataset, days: Sequence[date], only: frozenset[str] | None
) -> DatasetReport:
    report = DatasetReport(dataset.name)
    async with runtime.zoom(live=only is not None) as api:
        for day in days:
            targets = _targets(runtime, dataset, day, only)
            erased = runtime.state.suppression.filter(target.engagement_id for target in targets)
            targets = [target for target in targets if target.engagement_id not in erased]
            row = await _read_day(runtime, api, dataset, day, targets)
            row.suppressed += len(erased)
            report.days.append(row)
    return report


def _targets(runtime: Runtime, dataset: Dataset, day: date, only: frozenset[str] | None) -> list[_Target]:
    landed = {key: value for key, value in engagements_of(runtime.lake, day).items() if _applies(dataset, value.fields)}
    if only is not None:
        return [_target(value) for key, value in landed.items() if key in only]
    reads = runtime.state.reads.get(dataset.name, landed)
    now, patience = runtime.clock.now(), timedelta(days=runtime.config.deep_lookback_days)
    return [
        _target(value) for key, value in landed.items() if _needs_read(dataset, value, reads.get(key), now, patience)
    ]


def _needs_read(
    dataset: Dataset, landed: Landed[EngagementFields], read: ReadRow | None, now: datetime, patience: timedelta
) -> bool:
    if read is None or read.outcome in {"failed", "scope_missing"} or read.read_at < landed.as_of:
        return True
    if dataset.name not in GROWING or landed.ended_at is None:
        return False
    ended_at = landed.ended_at
    may_be_answered = read.outcome == "no_answer" and ended_at + patience >= now
    return is_due(ended_at, read.read_at, now) or (may_be_answered and read.read_at + ASKED_AGAIN <= now)


def _applies(dataset: Dataset, fields: EngagementFields) -> bool:
    if dataset is SURVEYS:
        return bool(fields.survey_id)
    if dataset is EMAILS:
        return "email" in channels_of(fields)
    return True


def _target(landed: Landed[EngagementFields]) -> _Target:
    fields = landed.fields
    return _Target(fields.engagement_id, landed.occurred_at, landed.ended_at, landed.day, channels_of(fields))


async def _read_day(
    runtime: Runtime, api: ZoomApi, dataset: Dataset, day: date, targets: Sequence[_Target]
) -> DayReport:
    row, calls_before = DayReport(day), sum(api.api_calls.values())
    if not targets:
        return row
    runtime.progress.start(f"{dataset.key} {day}", len(targets))
    batch_id = runtime.new_id()
    outcomes: list[tuple[_Target, ReadOutcome, str]] = []
    with Landing(runtime, ENGAGEMENTS, None) as details, Landing(runtime, dataset, None) as landing:

        async def read(target: _Target) -> None:
            outcome, evidence, chunks = await _read_one(api, dataset, target, batch_id, landing.reject)
            for chunk in chunks:
                chunk.occurred_at = [target.start_time] * len(chunk)
                (details if chunk.dataset in _DETAIL_DATASETS else landing).sink([chunk])
            outcomes.append((target, outcome, evidence))
            runtime.progress.advance(f"{dataset.key} {day}")

        try:
            await for_each(targets, read, limit=CONCURRENT_READS)
        except ScopeMissing as error:
            row.problem, row.is_complete = str(error), False
            done = {target.engagement_id for target, _, _ in outcomes}
            outcomes.extend((each, "scope_missing", "") for each in targets if each.engagement_id not in done)
        for counts in (landing.commit()[dataset.name], *details.commit().values()):
            row.count(counts)
    _remember(runtime, dataset, row, outcomes)
    row.api_calls = sum(api.api_calls.values()) - calls_before
    runtime.progress.finish(f"{dataset.key} {day}")
    return row


_DETAIL_DATASETS = {"zoom/engagements", "zoom/notes", "zoom/dispositions"}


def _remember(
    runtime: Runtime, dataset: Dataset, row: DayReport, outcomes: Sequence[tuple[_Target, ReadOutcome, str]]
) -> None:
    """After landing: a crash in between only repeats the reads."""
    now = runtime.clock.now()
    runtime.state.reads.record_all(
        ReadRow(target.engagement_id, dataset.name, outcome, evidence, target.day, target.ended_at, now)
        for target, outcome, evidence in outcomes
    )
    row.failed = sum(outcome == "failed" for _, outcome, _ in outcomes)
    if row.failed:
        row.problem = f"{row.failed} of {len(outcomes)} reads failed and will be tried again"
        row.is_complete = False


async def _read_one(
    api: ZoomApi, dataset: Dataset, target: _Target, batch_id: str, reject: Reject
) -> tuple[ReadOutcome, str, Sequence[RecordChunk]]:
    """One engagement: outcome, evidence and what to land. An item's failure never fails the others."""
    try:
        if dataset is EMAILS:
            chunks = await _read_emails(api, target, batch_id, reject)
            return "found", f"messages={sum(map(len, chunks))}", chunks
        with_detail = dataset is EVENTS and not target.channels & SPOKEN
        source, endpoint = (ENGAGEMENTS, ENGAGEMENT_DETAIL) if with_detail else (dataset, dataset.listing)
        reply = await api.fetch(endpoint, path_params={"engagement_id": target.engagement_id})
        shape = SHAPE_DETAIL if with_detail else SHAPE_LIST
        return (
            "found",
            "",
            split_record(
                source,
                reply.body,
                shape=shape,
                as_of=reply.as_of,
                batch_id=batch_id,
                engagement_id=target.engagement_id,
                reject=reject,
            ),
        )
    except NotFound as error:
        outcome: ReadOutcome = "no_answer" if error.http_status == 444 else "not_found"
        return outcome, f"http_status={error.http_status} code={error.code}", []
    except ScopeMissing:
        raise
    except (TransientError, PermanentError) as error:
        return "failed", str(error), []


async def _read_emails(api: ZoomApi, target: _Target, batch_id: str, reject: Reject) -> list[RecordChunk]:
    chunks: list[RecordChunk] = []
    async for page in api.iter_pages(EMAILS.listing, params={"engagement_id": target.engagement_id}):
        chunks.extend(
            split_page(
                EMAILS,
                page.body,
                shape=SHAPE_LIST,
                as_of=page.as_of,
                batch_id=batch_id,
                engagement_id=target.engagement_id,
                reject=reject,
            )
        )
    return chunks
