"""The state store: what the ledgers know of the engagements, and quarantined records that are about them."""

from __future__ import annotations

from collections.abc import Iterator

from zcc_pipeline.domain.archive_ledger import LOOK_AGAIN, DayLook
from zcc_pipeline.pipeline.archive_days import following
from zcc_pipeline.pipeline.purging.report import Removed
from zcc_pipeline.pipeline.purging.subject import Subject
from zcc_pipeline.pipeline.runtime import Runtime

PLACE = "state"
_QUARANTINE = "zcc_quarantine"


def clear(runtime: Runtime, subject: Subject) -> Iterator[Removed]:
    """Rows first, then the bytes that they leave in the database's file. The next export closes their days again."""
    days = following({*subject.traces.days, *(each.day for each in subject.purges if each.day is not None)})
    runtime.state.archive_marks.save(DayLook.MANIFESTS, dict.fromkeys(days, LOOK_AGAIN))
    purges = runtime.state.purges
    quarantined = purges.find_quarantined(subject.owns_quarantined)
    counts = purges.erase(subject.engagement_ids, subject.record_ids, quarantined)
    purges.scrub()
    yield Removed("quarantine", "records", counts.pop(_QUARANTINE, 0))
    yield Removed(PLACE, "rows", sum(counts.values()))
