"""From the inbox to the lake: what was received is landed, and what follows from it is kept as due.

Order of commit: lake, quarantine, then one transaction of the state store that says so. A crash in between repeats the
work, and landing it again writes nothing. All rows that are not applied are taken, whatever their number: in a shared
inbox a lower number may become visible after a higher one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.errors import RecordRejected
from zcc_pipeline.domain.events import ERASED_BODY, InboxRow, Intake, PushedEvent, zoom_event
from zcc_pipeline.domain.parts import in_parts
from zcc_pipeline.domain.ports import EventGap, QuarantineItem, RefusedRecord
from zcc_pipeline.domain.records import RecordChunk
from zcc_pipeline.domain.suppression import SuppressionList
from zcc_pipeline.inbox import InboxReader
from zcc_pipeline.pipeline.card_data import to_be_kept
from zcc_pipeline.pipeline.event_facts import EVENTS, FOREIGN, Reading, read_event
from zcc_pipeline.pipeline.event_tombstones import land_tombstones
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.sources.receiver.flow_events import flow_event
from zcc_pipeline.sources.receiver.http import Refused

ROOM = "events"
"""Name under which the quarantine holds events."""
BATCH = 2_000
"""Rows in one landing and one transaction, unless their bodies are large."""
BATCH_BYTES = 8 << 20
"""Bodies held in memory before they are landed."""
ROWS = 100
"""Rows read at a time."""
PAGE = 5_000
"""Numbers looked at in one query."""

_INTAKE = re.compile(r"intake=(webhook|websocket|flow)")


@dataclass(slots=True)
class AppliedReport:
    """What became of the events received since the last time."""

    events: int = 0
    facts: int = 0
    refreshes: int = 0
    tombstones: int = 0
    gaps: int = 0
    quarantined: int = 0
    foreign: int = 0
    """Of another account; they are among the quarantined."""
    suppressed: int = 0
    """Of engagements that were erased: nothing of them is kept, and nothing follows from them."""
    unknown_names: Counter[str] = field(default_factory=Counter)
    """Events that nobody has published: kept, and without consequence."""
    by_route: Counter[str] = field(default_factory=Counter)
    days_touched: set[date] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a refresh would find to do."""

    inbox_id: str | None
    highest_seq: int
    unapplied: int
    """Of the first ``PAGE`` that are not known to be applied."""
    due: int
    """Engagements and gaps."""
    oldest_at: datetime | None = None
    """When the first of those unapplied was received."""


def apply_inbox(runtime: Runtime, *, limit: int | None = None) -> AppliedReport:
    """Apply every row of the inbox that is not applied yet, or ``limit`` of them."""
    report = AppliedReport()
    with InboxReader.open(runtime.config.inbox_url) as reader:
        inbox_id = reader.inbox_id
        if inbox_id is None:
            return report
        seen_up_to, left = 0, limit
        for page, fresh in _unapplied(runtime, reader, inbox_id):
            taken = fresh if left is None else fresh[:left]
            for rows in _batches(reader, taken):
                _apply_rows(runtime, inbox_id, rows, report)
            if len(taken) < len(fresh):
                break  # the rest of this page, and with it what comes after, is not applied
            seen_up_to = page[-1]
            left = None if left is None else left - len(taken)
        if seen_up_to:
            _advance(runtime, reader, inbox_id, seen_up_to)
    return report


def look(runtime: Runtime) -> Waiting:
    """Whether there is anything to do; asks two databases and nobody else."""
    due = runtime.state.events.count_due(runtime.clock.now())
    with InboxReader.open(runtime.config.inbox_url) as reader:
        inbox_id = reader.inbox_id
        if inbox_id is None:
            return Waiting(None, 0, 0, due)
        pages = _unapplied(runtime, reader, inbox_id)
        _, fresh = next(pages, ([], []))
        while not fresh and (page := next(pages, None)):
            _, fresh = page
        first = reader.rows(fresh[:1])
        oldest_at = first[0].event.received_at if first else None
        return Waiting(inbox_id, reader.highest_seq(), len(fresh), due, oldest_at)


def _unapplied(runtime: Runtime, reader: InboxReader, inbox_id: str) -> Iterator[tuple[list[int], list[int]]]:
    """Numbers page by page, and those of them that are not applied."""
    events = runtime.state.events
    after = events.mark(inbox_id)
    while page := [seq for seq, _ in reader.seqs_after(after, PAGE)]:
        applied = events.applied(inbox_id, page)
        yield page, [seq for seq in page if seq not in applied]
        after = page[-1]


def _advance(runtime: Runtime, reader: InboxReader, inbox_id: str, seq: int) -> None:
    """Move the mark so far that no lower number can appear any more."""
    certain = reader.read_again_after(seq)
    if certain > runtime.state.events.mark(inbox_id):
        runtime.state.events.advance(inbox_id, certain)


def _batches(reader: InboxReader, seqs: Sequence[int]) -> Iterator[list[InboxRow]]:
    """Rows in batches that are large enough for few files and small enough for memory."""
    batch: list[InboxRow] = []
    size = 0
    for some in in_parts(seqs, ROWS):
        rows = reader.rows(some)
        batch += rows
        size += sum(len(row.event.body) for row in rows)
        if len(batch) >= BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _apply_rows(runtime: Runtime, inbox_id: str, rows: Sequence[InboxRow], report: AppliedReport) -> None:
    batch_id = runtime.new_id()
    readings: list[tuple[int, Reading]] = []
    refused: list[RefusedRecord] = []
    erased = runtime.suppressed()
    for row in rows:
        if is_erased(row.event, erased):
            report.events += 1
            report.by_route[row.event.intake] += 1
            report.suppressed += 1
            continue
        reading = _read(runtime, row, report, refused, batch_id=batch_id)
        if reading is not None:
            readings.append((row.seq, reading))
    land(runtime, [reading for _, reading in readings], report)
    if refused:
        report.quarantined += len(refused)
        policy = runtime.config.card_data
        refused = [replace(each, payload=to_be_kept(each.payload, policy)) for each in refused]
        runtime.state.quarantine.add_all(refused, runtime.clock.now())
    gaps = [
        EventGap(inbox_id, seq, reading.gap.started_at, reading.gap.ended_at)
        for seq, reading in readings
        if reading.gap is not None
    ]
    report.gaps += len(gaps)
    _keep(runtime, inbox_id, [row.seq for row in rows], [reading for _, reading in readings], gaps)


def is_erased(event: PushedEvent, erased: SuppressionList) -> bool:
    """Whether it came for an erased engagement; the receiver may have dropped its body already."""
    return event.body == ERASED_BODY or (bool(erased) and erased.is_about(event.engagement_id, event.body))


def _keep(
    runtime: Runtime, inbox_id: str, seqs: Iterable[int], readings: Sequence[Reading], gaps: Iterable[EventGap] = ()
) -> None:
    runtime.state.events.apply(
        inbox_id,
        seqs,
        due=[reading.refresh for reading in readings if reading.refresh is not None],
        gaps=gaps,
        parts=[part for reading in readings for part in reading.parts],
        now=runtime.clock.now(),
    )


def _read(
    runtime: Runtime, row: InboxRow, report: AppliedReport, refused: list[RefusedRecord], *, batch_id: str
) -> Reading | None:
    """One event read, and counted; None where it was set aside."""
    event = row.event
    report.events += 1
    report.by_route[event.intake] += 1
    try:
        reading = _read_event(runtime, event, batch_id)
    except RecordRejected as error:
        report.foreign += str(error) == FOREIGN
        refused.append(_refused(row, EVENTS, str(error)))
        return None
    if not reading.is_known:
        report.unknown_names[reading.name] += 1
    if reading.problem is not None:
        refused.append(_refused(row, *reading.problem))
    report.facts += reading.facts
    report.refreshes += reading.refresh is not None
    return reading


def _read_event(runtime: Runtime, event: PushedEvent, batch_id: str) -> Reading:
    credentials = runtime.config.credentials
    account_id = credentials.account_id if credentials else None
    return read_event(event, account_id=account_id, timezone=runtime.config.timezone, batch_id=batch_id)


def _refused(row: InboxRow, dataset: str, reason: str) -> RefusedRecord:
    return RefusedRecord(
        room=ROOM,
        dataset=dataset,
        record_id=row.event.dedupe_key.hex(),
        reason=reason,
        detail=f"intake={row.event.intake} seq={row.seq}",
        payload=row.event.body,
    )


def land(runtime: Runtime, readings: Sequence[Reading], report: AppliedReport) -> None:
    """Land the events, the facts that they carry, and the tombstones that they are."""
    by_dataset: dict[str, list[tuple[RecordChunk, Reading]]] = {}
    for reading in readings:
        for chunk in reading.chunks:
            by_dataset.setdefault(chunk.dataset, []).append((chunk, reading))
    if by_dataset:
        runtime.state.settings.freeze_timezone(runtime.config.timezone.key)
    for name in sorted(by_dataset, key=lambda each: (each == EVENTS, each)):
        with runtime.lake.writer(DATASETS[name]) as writer:
            for chunk, _ in by_dataset[name]:
                writer.add(chunk)
            report.days_touched |= {date.fromisoformat(day) for day in writer.commit().days}
    tombstones = [reading.tombstone for reading in readings if reading.tombstone is not None]
    landed = land_tombstones(runtime, tombstones)
    report.tombstones += len(tombstones)
    report.days_touched |= landed.days
    for reading in readings:
        if reading.tombstone is not None and reading.refresh is None:
            reading.refresh = landed.refreshes.get(reading.tombstone.record_id)


def replay(runtime: Runtime, item: QuarantineItem) -> str | None:
    """Apply a quarantined event again; returns why it is still refused, or None when it has been applied."""
    found = _INTAKE.search(item.detail)
    event = _rebuild(item.payload, "webhook" if found is None else found[1], item.first_seen_at)
    if event is None:
        return "does not hold to the schema of flow events"
    if is_erased(event, runtime.suppressed()):
        return "its engagement was erased; drop it"
    try:
        reading = _read_event(runtime, event, runtime.new_id())
    except RecordRejected as error:
        return str(error)
    if reading.problem is not None:
        return reading.problem[1]
    land(runtime, [reading], AppliedReport())
    _keep(runtime, "", [], [reading])
    runtime.state.quarantine.mark(item.item_id, "replayed")
    return None


def _rebuild(body: bytes, intake: str, received_at: datetime) -> PushedEvent | None:
    if intake == "flow":
        try:
            return flow_event(body, received_at=received_at)
        except Refused:
            return None
    route: Intake = "websocket" if intake == "websocket" else "webhook"
    return zoom_event(body, intake=route, received_at=received_at)
