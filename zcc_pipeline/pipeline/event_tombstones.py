"""Deletions that the source announces: a tombstone for each shape in which the lake holds the record.

The event names a recording, and nothing else, or a voicemail. Where the ledger of files knows it, its day and its
record are at hand; otherwise the tombstone stands alone under the event's own day until something else speaks of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.datasets import DATASETS, Dataset
from zcc_pipeline.domain.event_catalogue import RACE
from zcc_pipeline.domain.ports import ArtefactRow, WantedRefresh
from zcc_pipeline.domain.records import RecordChunk
from zcc_pipeline.pipeline.event_facts import Tombstone
from zcc_pipeline.pipeline.lake_facts import API_SHAPES
from zcc_pipeline.pipeline.runtime import Runtime

_KINDS = {"zoom/recordings": ArtefactKind.RECORDING, "zoom/voicemails": ArtefactKind.VOICEMAIL}


@dataclass(slots=True)
class LandedTombstones:
    """Days written, and the engagements to be looked at again by record."""

    days: set[date] = field(default_factory=set)
    refreshes: dict[str, WantedRefresh] = field(default_factory=dict)


def land_tombstones(runtime: Runtime, tombstones: Sequence[Tombstone]) -> LandedTombstones:
    """Land them and say which engagements they concern."""
    landed = LandedTombstones()
    by_dataset: dict[str, list[Tombstone]] = defaultdict(list)
    for each in tombstones:
        by_dataset[each.dataset].append(each)
    for dataset, of_dataset in by_dataset.items():
        _land(runtime, DATASETS[dataset], of_dataset, landed)
    return landed


def _land(runtime: Runtime, dataset: Dataset, tombstones: Sequence[Tombstone], landed: LandedTombstones) -> None:
    known = runtime.state.artefacts.get(_KINDS[dataset.name], {each.record_id for each in tombstones})
    by_day: dict[date, list[Tombstone]] = defaultdict(list)
    chunks = []
    batch_id = runtime.new_id()
    for each in tombstones:
        row = known.get(each.record_id)
        if row is None:
            chunks.append(_chunk(each, each.shape, each.payload, None, None, batch_id))
            continue
        by_day[row.day].append(each)
        if row.engagement_id:
            landed.refreshes[each.record_id] = WantedRefresh(
                row.engagement_id, each.said_at + RACE, row.day, each.shape
            )
    for day, of_day in by_day.items():
        chunks += _of_day(runtime, dataset, day, of_day, known, batch_id)
    with runtime.lake.writer(dataset) as writer:
        for chunk in chunks:
            writer.add(chunk)
        landed.days |= {date.fromisoformat(day) for day in writer.commit().days}


def _of_day(
    runtime: Runtime,
    dataset: Dataset,
    day: date,
    tombstones: Sequence[Tombstone],
    known: dict[str, ArtefactRow],
    batch_id: str,
) -> list[RecordChunk]:
    """With the record as it was last listed, so that the tombstone still says what was deleted."""
    table = runtime.lake.latest(
        dataset.name, day, day, shapes=API_SHAPES, with_deleted=True, columns=["record_id", "shape", "payload"]
    )
    wanted = {each.record_id for each in tombstones}
    held: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
    for row in table.to_pylist():
        if row["record_id"] in wanted:
            held[row["record_id"]].append((row["shape"], row["payload"].encode()))
    return [
        _chunk(each, shape, payload, known[each.record_id].engagement_id, known[each.record_id], batch_id)
        for each in tombstones
        for shape, payload in held[each.record_id] or [(each.shape, each.payload)]
    ]


def _chunk(
    tombstone: Tombstone,
    shape: str,
    payload: bytes,
    engagement_id: str | None,
    row: ArtefactRow | None,
    batch_id: str,
) -> RecordChunk:
    occurred_at = row.occurred_at if row is not None else tombstone.said_at
    return RecordChunk(
        dataset=tombstone.dataset,
        shape=shape,
        route="webhook",
        as_of=tombstone.said_at,
        batch_id=batch_id,
        record_ids=[tombstone.record_id],
        payloads=[payload],
        engagement_ids=[engagement_id],
        occurred_at=[occurred_at.isoformat()],
        is_deleted=True,
    )
