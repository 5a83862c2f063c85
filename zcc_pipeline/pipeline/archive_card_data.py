"""Card data in what is to be archived: an engagement with a blocked text stays out, for what is once in storage that
cannot be changed cannot be taken out of it. It goes in as soon as somebody has let the text go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from zcc_pipeline.archive.completeness import Absent
from zcc_pipeline.domain.archive_ledger import ArchivedRow
from zcc_pipeline.pipeline.archive_sources import Sources, Verdicts
from zcc_pipeline.pipeline.card_data import STATUS

HELD_BACK = "held_back"
REASON = "card_data_blocked"


def is_blocked(verdicts: Verdicts) -> bool:
    """Whether one of the texts is not to leave."""
    return STATUS["block"] in verdicts.values()


def held_back_entry(record_id: str, kind: str) -> Absent:
    """Something that is listed and not archived as it is now, because its engagement has a blocked text."""
    return Absent(record_id, kind, HELD_BACK, REASON)


def held_back(sources: Sources, day: date, archived: Mapping[str, ArchivedRow]) -> frozenset[str]:
    """Engagements of that day that are not archived as they are now because of a blocked text."""
    blocked = {each for each, verdicts in sources.card_data(day).items() if is_blocked(verdicts)}
    if not blocked:
        return frozenset()
    hashes = {found.engagement_id: found.source_hash() for found in sources.find(day) if found.engagement_id in blocked}
    return frozenset(
        each for each in blocked if (row := archived.get(each)) is None or row.source_hash != hashes.get(each)
    )
