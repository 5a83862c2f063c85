"""The file store: recordings, voicemails and transcripts, every version of them that was ever stored."""

from __future__ import annotations

from collections.abc import Iterator

from zcc_pipeline.pipeline.purging.report import Removed
from zcc_pipeline.pipeline.purging.staged import sweep
from zcc_pipeline.pipeline.purging.subject import SHARED, Subject
from zcc_pipeline.pipeline.runtime import Runtime

PLACE = "files"


def clear(runtime: Runtime, subject: Subject) -> Iterator[Removed]:
    """By their names, on all days on which anything of the engagements lies: whatever the ledgers have forgotten. And
    what the ledger of files names since the purge began."""
    files = size = 0
    ids, days = set(subject.file_ids), set(subject.traces.days)
    shared = subject.traces.record_ids.get(SHARED, frozenset())
    for _, source_id, day, _ in runtime.state.purges.artefacts_of(subject.engagement_ids):
        if source_id not in shared:
            ids.add(source_id)
            days.add(day)
    for stored in runtime.files.find(ids, days):
        runtime.files.storage.delete(stored.path)
        files += 1
        size += stored.size_bytes
    yield Removed(PLACE, "files", files, size)
    yield Removed(PLACE, "parts of files", sweep(runtime.files.storage, runtime.clock.now()))
