"""The lake: rows of the engagements leave every file, the ones that were replaced and not swept yet included."""

from __future__ import annotations

from collections.abc import Iterator

from zcc_pipeline.domain.errors import TransientError
from zcc_pipeline.landing.erasing import erase_rows, find_rows
from zcc_pipeline.landing.reading import retry_once
from zcc_pipeline.pipeline.purging.report import Removed
from zcc_pipeline.pipeline.purging.staged import sweep
from zcc_pipeline.pipeline.purging.subject import Subject
from zcc_pipeline.pipeline.runtime import Runtime

PLACE = "lake"


def clear(runtime: Runtime, subject: Subject) -> Iterator[Removed]:
    """Holds the warehouse lock, so that nobody compacts or loads meanwhile."""
    rows = files = size = 0
    with runtime.warehouse.lock("purge"):
        runtime.progress.start(PLACE, None)
        for file in list(runtime.lake.every_file()):
            erased = erase_rows(runtime.lake.storage, file, subject.doomed)
            rows += erased.rows
            files += erased.rows > 0
            size += erased.bytes_before - erased.bytes_after
            runtime.progress.advance(PLACE)
        runtime.progress.finish(PLACE)
    yield Removed(PLACE, "records", rows, max(0, size))
    yield Removed(PLACE, "files rewritten", files)
    yield Removed(PLACE, "parts of files", sweep(runtime.lake.storage, runtime.clock.now()))


def check(runtime: Runtime, subject: Subject) -> Iterator[Removed]:
    """Look once more: what was under way when the purge began may have landed since. ``TransientError`` if so."""

    def is_left() -> bool:
        files = runtime.lake.every_file()
        return any(next(find_rows(runtime.lake.storage, file, subject.doomed), None) is not None for file in files)

    if retry_once(is_left):
        raise TransientError("records of erased engagements have landed meanwhile")
    yield from ()
