"""Pushed notes and dispositions that an engagement's own record confirms, or denies.

An API read is authoritative for what an engagement has, but a read right after an event has been seen to miss it. So a
pushed part that a read does not show is looked for once more when that time is over, and then marked as gone. The mark
is needed because a read that finds an engagement as it was before lands nothing, and so could deny nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.ports import PushedPart, WantedRefresh
from zcc_pipeline.domain.records import RecordChunk
from zcc_pipeline.pipeline.flow_facts import BY_NAME
from zcc_pipeline.pipeline.refresh import EngagementRead
from zcc_pipeline.pipeline.runtime import Runtime

MISSED_FOR = timedelta(minutes=10)
"""How long after an event a read may miss what it announced; the warehouse's membership rule waits as long."""


def judge_parts(runtime: Runtime, reads: Mapping[str, EngagementRead]) -> int:
    """Compare unconfirmed parts with the reads of their engagements; returns how many are denied."""
    resolved: list[PushedPart] = []
    gone: list[tuple[PushedPart, EngagementRead]] = []
    again: list[WantedRefresh] = []
    for part in runtime.state.events.parts_of(reads):
        read = reads[part.engagement_id]
        is_named = part.part_id.startswith(BY_NAME)
        is_shown = part.part_id.removeprefix(BY_NAME) in read.parts[part.dataset]
        over_at = part.said_at + MISSED_FOR
        if is_shown and not is_named:
            resolved.append(part)
        elif is_shown or read.begun_at >= over_at:  # of one known by name only, the API's own takes the place
            gone.append((part, read))
        else:
            again.append(WantedRefresh(part.engagement_id, over_at, read.day, f"{part.shape}, not shown by a read yet"))
    _land_tombstones(runtime, gone)
    runtime.state.events.resolve([*resolved, *(part for part, _ in gone)])
    runtime.state.events.want(again)
    return len(gone)


def _land_tombstones(runtime: Runtime, gone: Sequence[tuple[PushedPart, EngagementRead]]) -> None:
    """Under the event's shape and day, as of the read that denies it: what the API shows later is younger."""
    batch_id = runtime.new_id()
    for name in sorted({part.dataset for part, _ in gone}):
        with runtime.lake.writer(DATASETS[name]) as writer:
            for part, read in gone:
                if part.dataset == name:
                    writer.add(_tombstone(part, read.begun_at, batch_id))
            writer.commit()


def _tombstone(part: PushedPart, at: datetime, batch_id: str) -> RecordChunk:
    return RecordChunk(
        dataset=part.dataset,
        shape=part.shape,
        route="poll",
        as_of=at,
        batch_id=batch_id,
        record_ids=[part.record_id],
        payloads=[b"{}"],
        engagement_ids=[part.engagement_id],
        occurred_at=[part.said_at.isoformat()],
        is_deleted=True,
    )
