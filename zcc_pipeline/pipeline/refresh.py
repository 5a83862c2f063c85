"""Refresh: look at named engagements again, whatever told us to (settling, the late-closer pass, an event).

Detail, recordings, voicemails and voice calls are read by engagement; then everything that hangs off them follows the
same steps as in a pull, for those engagements only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import msgspec

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.datasets import DATASETS, ENGAGEMENT_DETAIL
from zcc_pipeline.domain.errors import NotFound, PermanentError, ScopeMissing, TransientError
from zcc_pipeline.domain.ports import ReadRow
from zcc_pipeline.domain.records import SHAPE_DETAIL, RecordChunk
from zcc_pipeline.domain.window import day_of, day_window, iter_days, time_or_none
from zcc_pipeline.pipeline.artefacts import fetch_files
from zcc_pipeline.pipeline.by_engagement import BELONGINGS, list_for_engagement
from zcc_pipeline.pipeline.completeness import judge
from zcc_pipeline.pipeline.concurrency import for_each
from zcc_pipeline.pipeline.lake_facts import EngagementFields, parts_of
from zcc_pipeline.pipeline.late_closers import close_passes, find_late_closers, long_running
from zcc_pipeline.pipeline.loop import run
from zcc_pipeline.pipeline.per_engagement import REFRESHED, SPOKEN, channels_of, read_each
from zcc_pipeline.pipeline.pull import DAILY, pull
from zcc_pipeline.pipeline.rejects import quarantine_into
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.pipeline.settling import due_engagements
from zcc_pipeline.sources.zoom_api import ZoomApi, split_record

CONCURRENT_REFRESHES = 8
ENGAGEMENTS = DATASETS["zoom/engagements"]


@dataclass(frozen=True, slots=True)
class EngagementRead:
    """What one read of an engagement, begun at ``begun_at``, says of its notes and dispositions."""

    day: date
    begun_at: datetime
    parts: Mapping[str, frozenset[str]]
    """By dataset, the ids (of dispositions also the names) in the engagement's array."""


@dataclass(slots=True)
class RefreshReport:
    """What a refresh found."""

    refreshed: int = 0
    not_found: int = 0
    failed: int = 0
    late_closers: int = 0
    not_verified: dict[date, str] = field(default_factory=dict)
    days_touched: set[date] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)
    """Engagements that the source does not know, with its answer."""
    unread: dict[str, str] = field(default_factory=dict)
    """Engagements that could not be read, and why."""
    reads: dict[str, EngagementRead] = field(default_factory=dict)
    """Engagements that were read, and what a pushed part is compared with."""
    suppressed: int = 0
    """Engagements that were not asked for, because they were erased."""

    def add(self, other: RefreshReport) -> None:
        """Sum up."""
        self.refreshed += other.refreshed
        self.not_found += other.not_found
        self.failed += other.failed
        self.late_closers += other.late_closers
        self.not_verified |= other.not_verified
        self.days_touched |= other.days_touched
        self.problems += other.problems
        self.unknown |= other.unknown
        self.unread |= other.unread
        self.reads |= other.reads
        self.suppressed += other.suppressed


@dataclass(frozen=True, slots=True)
class _Seen:
    engagement_id: str
    day: date
    ended_at: datetime | None
    read: EngagementRead


def refresh(runtime: Runtime, engagement_ids: Iterable[str]) -> RefreshReport:
    """Read those engagements and all that belongs to them again; those that were erased are not asked for."""
    wanted = set(engagement_ids)
    erased = runtime.state.suppression.filter(wanted)
    ids = sorted(wanted - erased)
    report = RefreshReport(suppressed=len(erased))
    if not ids:
        return report
    seen = run(_read_all(runtime, ids, report))
    by_day: dict[date, set[str]] = {}
    for entry in seen:
        by_day.setdefault(entry.day, set()).add(entry.engagement_id)
    _follow(runtime, by_day, {entry.engagement_id: entry.read.begun_at for entry in seen})
    now = runtime.clock.now()
    runtime.state.reads.record_all(
        ReadRow(entry.engagement_id, REFRESHED, "found", "", entry.day, entry.ended_at, now) for entry in seen
    )
    report.refreshed = len(seen)
    report.reads = {entry.engagement_id: entry.read for entry in seen}
    report.days_touched |= set(by_day)
    return report


def _follow(runtime: Runtime, by_day: Mapping[date, set[str]], read_at: Mapping[str, datetime]) -> None:
    """What hangs off the engagements that were refreshed at those times, and their proof."""
    for day, ids in by_day.items():
        only = frozenset(ids)
        for name in ("zoom/engagement_events", "zoom/surveys", "zoom/email_messages"):
            read_each(runtime, DATASETS[name], [day], only=only)
        following = list(iter_days(day, day_of_next(day)))
        for kind in (
            ArtefactKind.VOICEMAIL,
            ArtefactKind.VOICEMAIL_TRANSCRIPT,
            ArtefactKind.RECORDING,
            ArtefactKind.RECORDING_TRANSCRIPT,
        ):
            fetch_files(runtime, kind, following, only=only)
        fetch_files(runtime, ArtefactKind.MESSAGING_TRANSCRIPT, [day], only=only)
    judge(runtime, sorted(by_day), read_at=read_at)


def day_of_next(day: date) -> date:
    """The following day: a recording or voicemail may start after midnight."""
    return date.fromordinal(day.toordinal() + 1)


async def _read_all(runtime: Runtime, ids: list[str], report: RefreshReport) -> list[_Seen]:
    seen: list[_Seen] = []
    chunks: list[RecordChunk] = []
    async with runtime.zoom(live=True) as api:

        async def read(engagement_id: str) -> None:
            try:
                entry, found = await _read_one(runtime, api, engagement_id)
            except NotFound as error:
                report.not_found += 1
                report.unknown[engagement_id] = str(error)
            except (TransientError, PermanentError) as error:
                report.failed += 1
                report.unread[engagement_id] = str(error)
                report.problems.append(str(error))
            except (msgspec.MsgspecError, ValueError) as error:  # an answer that is no engagement stops no other
                report.failed += 1
                report.unread[engagement_id] = f"the answer is no engagement: {type(error).__name__}"
                report.problems.append(report.unread[engagement_id])
            else:
                seen.append(entry)
                chunks.extend(found)

        await for_each(ids, read, limit=CONCURRENT_REFRESHES)
    _land(runtime, chunks)
    return seen


async def _read_one(runtime: Runtime, api: ZoomApi, engagement_id: str) -> tuple[_Seen, list[RecordChunk]]:
    batch_id = runtime.new_id()
    reply = await api.fetch(ENGAGEMENT_DETAIL, path_params={"engagement_id": engagement_id})
    fields = msgspec.json.decode(reply.body, type=EngagementFields, strict=False)
    day = day_of(time_or_none(fields.start_time) or reply.as_of, runtime.config.timezone)
    chunks = list(
        split_record(
            ENGAGEMENTS,
            reply.body,
            shape=SHAPE_DETAIL,
            as_of=reply.as_of,
            batch_id=batch_id,
            engagement_id=engagement_id,
            reject=quarantine_into(runtime, ENGAGEMENTS),
        )
    )
    if channels_of(fields) & SPOKEN:
        around = day_window(day, runtime.config.timezone)
        for dataset in BELONGINGS:
            try:
                chunks += await list_for_engagement(runtime, api, dataset, engagement_id, around, batch_id=batch_id)
            except NotFound:
                continue  # 2805: the engagement has no recordings
            except ScopeMissing:
                continue  # the listing of the day brings it another way, or says which scope is missing
    ended_at = time_or_none(fields.end_time)
    read = EngagementRead(day, reply.as_of, parts_of(fields))
    return _Seen(engagement_id, day, ended_at, read), chunks


def _land(runtime: Runtime, chunks: Iterable[RecordChunk]) -> None:
    by_dataset: dict[str, list[RecordChunk]] = {}
    for chunk in chunks:
        by_dataset.setdefault(chunk.dataset, []).append(chunk)
    for name, parts in by_dataset.items():
        with runtime.lake.writer(DATASETS[name]) as writer:
            for part in parts:
                writer.add(part)
            writer.commit()


def refresh_due(runtime: Runtime, days: Iterable[date]) -> RefreshReport:
    """Settling: read again what is due on those days, by window where that is cheaper."""
    report = RefreshReport()
    by_id: set[str] = set()
    for due in due_engagements(runtime, days):
        if due.by_window:
            pulled = pull(runtime, [due.day], only=DAILY)
            report.refreshed += len(due.engagement_ids)
            report.problems += pulled.problems
            report.days_touched.add(due.day)
        else:
            by_id |= due.engagement_ids
    report.add(refresh(runtime, by_id))
    return report


def refresh_late_closers(runtime: Runtime, days: Iterable[date]) -> RefreshReport:
    """Find what ended on those days and is not in the lake, and fetch it.

    What the engagement log names and a read by id does not find keeps its day from counting as verified. What began
    before those days, ended since and was fetched by an earlier pass is read again, as the days themselves are: no
    listing of them shows it.
    """
    wanted = sorted(days)
    late = find_late_closers(runtime, wanted)
    report = refresh(runtime, (engagement_id for ids in late.unknown.values() for engagement_id in ids))
    report.late_closers = report.refreshed
    report.problems += close_passes(runtime, late, report.unknown | report.unread)
    report.not_verified = late.not_verified
    known = (
        {engagement_id for ids in long_running(runtime, wanted[0]).values() for engagement_id in ids}
        if wanted
        else set()
    )
    report.add(refresh(runtime, known - report.reads.keys()))
    return report
