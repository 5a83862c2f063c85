"""The file store: recordings, voicemails and transcripts, every version of them that was ever stored."""

from __future__ import annotations

from collections.abc import Iterator

from zcc_pipeline.pipeline.purging.report import Removed
from zcc_pipeline.pipeline.purging.staged import sweep
from zcc_pipeline.pipeline.purging.subject import Subject
from zcc_pipeline.pipeline.runtime import Runtime

PLACE = "files"


def clear(runtime: Runtime, subject: Subject) -> Iterator[Removed]:
    """By their names, on all days on which anything of the engagements lies: whatever the ledgers have forgotten."""
    files = size = 0
    for stored in runtime.files.find(subject.file_ids, subject.traces.days):
        runtime.files.storage.delete(stored.path)
        files += 1
        size += stored.size_bytes
    yield Removed(PLACE, "files", files, size)
    yield Removed(PLACE, "parts of files", sweep(runtime.files.storage, runtime.clock.now()))
