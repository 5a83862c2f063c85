"""Lets go what was blocked because of card data: the texts stand in the marts again, leave for CRMs and are archived.

Each verdict gets a younger version that says so, in the place where it lies; what was found where stays known.
"""

from __future__ import annotations

import json
from datetime import date

import pyarrow.compute as pc

from zcc_pipeline.domain.ports import QuarantineItem
from zcc_pipeline.pipeline.card_data import BLOCKED_REASON, DATASET, ENGAGEMENTS, RELEASED, STATUS, verdict_chunk
from zcc_pipeline.pipeline.runtime import Runtime


def let_go(runtime: Runtime, item: QuarantineItem) -> int:
    """Release what an item of quarantine holds back, and count the texts; a recording's item holds nothing back.

    The same text is not blocked again. Another text of the engagement is, and then the item is held again.
    """
    released = 0
    if item.reason == BLOCKED_REASON and item.record_id is not None:
        lake = runtime.lake
        for day in lake.days(DATASET.name):
            released += _release_day(runtime, day, item)
    runtime.state.quarantine.mark(item.item_id, "replayed")
    return released


def _release_day(runtime: Runtime, day: date, item: QuarantineItem) -> int:
    table = runtime.lake.latest(DATASET.name, day, day, columns=("record_id", "engagement_id", "payload"))
    if item.dataset == ENGAGEMENTS:
        table = table.filter(pc.equal(table.column("engagement_id"), item.record_id))
    rows = [row | {"said": json.loads(row["payload"])} for row in table.to_pylist()]
    blocked = [row for row in rows if row["said"]["status"] == STATUS["block"] and _is_its(row["said"], item)]
    with runtime.lake.writer(DATASET) as writer:
        for row in blocked:
            said = row["said"] | {"status": RELEASED}
            now = runtime.clock.now()
            writer.add(verdict_chunk(row["record_id"], said, row["engagement_id"], said["occurred_at"], now))
        writer.commit()
    return len(blocked)


def _is_its(said: dict[str, object], item: QuarantineItem) -> bool:
    if item.dataset == ENGAGEMENTS:
        return said["engagement_id"] == item.record_id
    return (said["dataset"], said["record_id"]) == (item.dataset, item.record_id)
