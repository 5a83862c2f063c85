"""Deleted at source: two complete listings at least a day apart without the record, and a read by engagement.

A record that is merely absent once may be Zoom's own slip (its recordings list once left out today's), so nothing is
concluded from one listing, and nothing at all from an incomplete one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pyarrow as pa

from zcc_pipeline.domain.datasets import ENGAGEMENT_DETAIL, Dataset
from zcc_pipeline.domain.errors import NotFound, PermanentError, TransientError
from zcc_pipeline.domain.records import RecordChunk
from zcc_pipeline.domain.window import day_window
from zcc_pipeline.pipeline.by_engagement import list_for_engagement
from zcc_pipeline.pipeline.lake_facts import API_SHAPES
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.reconciliation import decide_deletions
from zcc_pipeline.sources.zoom_api import SeenIds, ZoomApi

FOLLOWED = {"zoom/engagements", "zoom/recordings", "zoom/voicemails"}


async def note_absences(runtime: Runtime, api: ZoomApi, dataset: Dataset, day: date, *, seen: SeenIds) -> int:
    """Compare a complete listing with what the lake has of that day; returns how many tombstones were landed."""
    if dataset.name not in FOLLOWED:
        return 0
    absences, now = runtime.state.absences, runtime.clock.now()
    pending = absences.pending(dataset.name, day)
    returned = pending.keys() - seen.missing(list(pending))
    decision = decide_deletions(_unseen(runtime, dataset, day, seen), returned, pending, now)
    if decision.newly_absent:
        absences.mark(dataset.name, decision.newly_absent, day=day, at=now)
    if decision.returned:
        absences.clear(dataset.name, decision.returned)
    if not decision.to_confirm:
        return 0
    known, confirmed = runtime.lake.latest(dataset.name, day, day, shapes=API_SHAPES), []
    erased = runtime.suppressed()
    for record_id in sorted(decision.to_confirm):
        row = _row_of(known, record_id)
        if erased.names(row["engagement_id"], record_id):
            continue
        if await _is_gone(runtime, api, dataset, day, record_id, row["engagement_id"]):
            confirmed.append((record_id, row))
    if confirmed:
        _land_tombstones(runtime, dataset, day, confirmed)
        absences.clear(dataset.name, [record_id for record_id, _ in confirmed])
    return len(confirmed)


def _unseen(runtime: Runtime, dataset: Dataset, day: date, seen: SeenIds) -> set[str]:
    """Ids of the day, not known as deleted, that a listing did not show.

    A batch of ids in memory at a time, for a day may hold a million; as a rule the listing has shown them all.
    """
    unseen = runtime.lake.find_ids(dataset.name, day, day, where=seen.missing)
    if not unseen:
        return set()
    known = runtime.lake.latest(dataset.name, day, day, shapes=API_SHAPES, columns=["record_id"]).column("record_id")
    return {record_id for chunk in known.chunks for record_id in chunk.to_pylist() if record_id in unseen}


def _row_of(known: pa.Table, record_id: str) -> Mapping[str, str | None]:
    """The newest listed version, so that the tombstone still says what was deleted."""
    index = known.column("record_id").to_pylist().index(record_id)
    row: Mapping[str, str | None] = known.slice(index, 1).to_pylist()[0]
    return row


async def _is_gone(
    runtime: Runtime, api: ZoomApi, dataset: Dataset, day: date, record_id: str, engagement_id: str | None
) -> bool:
    """Ask for the engagement itself; an error is no evidence."""
    if engagement_id is None:
        return False
    try:
        if dataset.name == "zoom/engagements":
            await api.fetch(ENGAGEMENT_DETAIL, path_params={"engagement_id": engagement_id})
            return False
        return record_id not in await _ids_of_engagement(runtime, api, dataset, day, engagement_id)
    except NotFound:
        return True
    except (TransientError, PermanentError):
        return False


async def _ids_of_engagement(
    runtime: Runtime, api: ZoomApi, dataset: Dataset, day: date, engagement_id: str
) -> set[str]:
    chunks = await list_for_engagement(
        runtime, api, dataset, engagement_id, day_window(day, runtime.config.timezone), batch_id=""
    )
    return {record_id for chunk in chunks for record_id in chunk.record_ids}


def _land_tombstones(
    runtime: Runtime, dataset: Dataset, day: date, confirmed: Sequence[tuple[str, Mapping[str, str | None]]]
) -> None:
    now = runtime.clock.now()
    start = day_window(day, runtime.config.timezone).start.isoformat()
    with runtime.lake.writer(dataset) as writer:
        for shape in sorted({str(row["shape"]) for _, row in confirmed}):
            rows = [(record_id, row) for record_id, row in confirmed if row["shape"] == shape]
            writer.add(
                RecordChunk(
                    dataset=dataset.name,
                    shape=shape,
                    route="poll",
                    as_of=now,
                    batch_id=runtime.new_id(),
                    record_ids=[record_id for record_id, _ in rows],
                    payloads=[str(row["payload"]).encode() for _, row in rows],
                    engagement_ids=[row["engagement_id"] for _, row in rows],
                    occurred_at=[start] * len(rows),
                    is_deleted=True,
                )
            )
        writer.commit()
