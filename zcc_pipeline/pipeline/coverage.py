"""Coverage as the lake keeps it: compare both sides for some days, land the comparison, read it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import msgspec

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.records import SHAPE_LIST, RecordChunk
from zcc_pipeline.domain.window import day_window, format_time
from zcc_pipeline.pipeline.coverage_facts import CoverageFacts, read_facts
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.reconciliation import Coverage, Latency, compare
from zcc_pipeline.reconciliation.coverage import ANNOUNCES

DATASET = DATASETS["zoom/coverage"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The lines of some days, and what they were made from."""

    lines: list[Coverage]
    facts: CoverageFacts


def compare_days(runtime: Runtime, days: Sequence[date]) -> Comparison:
    """Compare what the lake has now of both sides; reads nothing from Zoom."""
    facts = read_facts(runtime, days)
    return Comparison(compare(facts.expected, facts.pushed, first_seen=facts.first_seen), facts)


def land_coverage(runtime: Runtime, lines: Sequence[Coverage]) -> None:
    """One record for each day and event; no time of its own in it, so that an unchanged day writes nothing."""
    if not lines:
        return
    with runtime.lake.writer(DATASET) as writer:
        writer.add(
            RecordChunk(
                dataset=DATASET.name,
                shape=SHAPE_LIST,
                route="poll",
                as_of=runtime.clock.now(),
                batch_id=runtime.new_id(),
                record_ids=[f"{line.day}:{line.event}" for line in lines],
                payloads=[_payload(runtime, line) for line in lines],
                engagement_ids=[None] * len(lines),
                occurred_at=[_occurred_at(runtime, line.day) for line in lines],
            )
        )
        writer.commit()


def _occurred_at(runtime: Runtime, day: date) -> str:
    return format_time(day_window(day, runtime.config.timezone).start)


ROUTES = ("webhook", "websocket", "flow")


class LandedCoverage(msgspec.Struct):
    """What a record of ``zoom/coverage`` holds."""

    day: date
    event: str
    occurred_at: str
    expected: int
    pushed: int
    both: int
    only_polled: int
    only_pushed: int
    is_subscribed: bool
    timing: dict[str, Latency | None]
    """By route; all routes are named, for an empty object would tell the warehouse nothing of its type."""

    @property
    def latencies(self) -> dict[str, Latency]:
        """Of the routes by which anything came."""
        return {route: latency for route, latency in self.timing.items() if latency is not None}


def _payload(runtime: Runtime, line: Coverage) -> bytes:
    return msgspec.json.encode(
        LandedCoverage(
            day=line.day,
            event=line.event,
            occurred_at=_occurred_at(runtime, line.day),
            expected=line.expected,
            pushed=line.pushed,
            both=line.both,
            only_polled=len(line.only_polled),
            only_pushed=len(line.only_pushed),
            is_subscribed=line.is_subscribed,
            timing={route: line.latencies.get(route) for route in ROUTES},
        )
    )


def read_coverage(runtime: Runtime, first: date, last: date) -> list[LandedCoverage]:
    """The newest comparison of each day and event, as it was landed, by day and in the order of events."""
    decoder = msgspec.json.Decoder(LandedCoverage)
    order = {event: rank for rank, event in enumerate(ANNOUNCES)}
    found = [
        decoder.decode(payload)
        for _, table in runtime.lake.iter_latest(DATASET.name, first, last, shapes={SHAPE_LIST})
        for payload in table.column("payload").to_pylist()
    ]
    return sorted(found, key=lambda line: (line.day, order.get(line.event, len(order)), line.event))
