"""Notes edited after their engagement left every look-back: no list filters by change, so once a month all are read.

The account's list of notes has no date filter, so this costs a call for every 300 notes there are. A note whose time of
change differs from what the lake has sends its engagement to a refresh.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from zcc_pipeline.domain.datasets import DATASETS, NOTES_LIST
from zcc_pipeline.domain.errors import PermanentError, TransientError
from zcc_pipeline.domain.records import RecordChunk
from zcc_pipeline.domain.window import parse_time
from zcc_pipeline.landing.columns import lists_of
from zcc_pipeline.pipeline.loop import run
from zcc_pipeline.pipeline.refresh import RefreshReport, refresh
from zcc_pipeline.pipeline.rejects import quarantine_into
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.sources.zoom_api import poll_catalogue

NOTES = DATASETS["zoom/notes"]
LISTED = replace(NOTES, engagement_field="engagement_id", time_field="last_modified_time", parent=None)
"""The same notes as the account's list has them: each names its engagement."""


class _Modified(msgspec.Struct):
    last_modified_time: str | None = None


_MODIFIED = msgspec.json.Decoder(_Modified)


@dataclass(slots=True)
class NotesAudit:
    """What the audit read and what it sent to a refresh."""

    notes_listed: int = 0
    changed: int = 0
    is_complete: bool = True
    problem: str | None = None
    unreadable: int = 0
    """Notes, here or listed, that cannot be read or tell no time of change; here they are in quarantine."""
    refreshed: RefreshReport = field(default_factory=RefreshReport)


def audit_notes(runtime: Runtime) -> NotesAudit:
    """Read every note of the account and refresh the engagements of those that the lake has otherwise."""
    stale, audit = set[str](), NotesAudit()
    known = _known(runtime, audit)
    erased = runtime.suppressed()

    def sink(chunks: Sequence[RecordChunk]) -> None:
        for chunk in chunks:
            for note_id, engagement_id, changed in zip(
                chunk.record_ids, chunk.engagement_ids, chunk.occurred_at, strict=True
            ):
                if engagement_id and engagement_id not in erased and _differs(known, note_id, changed, audit):
                    stale.add(engagement_id)
                    audit.changed += 1

    run(_list(runtime, audit, sink))
    audit.refreshed = refresh(runtime, stale)
    return audit


async def _list(runtime: Runtime, audit: NotesAudit, sink: Callable[[Sequence[RecordChunk]], None]) -> None:
    async with runtime.zoom() as api:
        try:
            listing = await poll_catalogue(
                api,
                LISTED,
                batch_id=runtime.new_id(),
                sink=sink,
                reject=quarantine_into(runtime, NOTES),
                endpoint=NOTES_LIST,
            )
        except (TransientError, PermanentError) as error:
            audit.is_complete, audit.problem = False, str(error)
        else:
            audit.notes_listed, audit.is_complete = listing.distinct, listing.is_complete


def _differs(known: Mapping[str, datetime | None], note_id: str, changed: str | None, audit: NotesAudit) -> bool:
    try:
        return known.get(note_id) != _moment(changed)
    except ValueError:
        audit.unreadable += 1
        return False


def _known(runtime: Runtime, audit: NotesAudit) -> dict[str, datetime | None]:
    """When the lake's newest version of each note was changed; ids and times only, a day in memory at a time.

    A note that cannot be read was changed at no known time: where the list tells one, its engagement is read again.
    """
    newest: dict[str, tuple[datetime, datetime | None]] = {}
    for day in runtime.lake.days(NOTES.name):
        names = ("record_id", "as_of", "payload")
        columns = lists_of(runtime.lake.latest(NOTES.name, day, day, columns=names), names)
        for record_id, as_of, payload in zip(*columns, strict=True):  # one row per shape: the newer one counts
            if record_id not in newest or newest[record_id][0] < as_of:
                newest[record_id] = (as_of, _moment_in(payload, audit))
    return {note_id: changed for note_id, (_, changed) in newest.items()}


def _moment_in(payload: str, audit: NotesAudit) -> datetime | None:
    try:
        return _moment(_MODIFIED.decode(payload).last_modified_time)
    except (msgspec.MsgspecError, ValueError):
        audit.unreadable += 1
        return None


def _moment(text: str | None) -> datetime | None:
    """Times as moments: the list writes them in the account's zone, the engagement in the zone asked for."""
    return parse_time(text) if text else None
