"""What is being erased, as every place is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from zcc_pipeline.domain.purging import PendingPurge, Traces, mentions
from zcc_pipeline.landing.erasing import Doomed

EVENTS = "zoom/events"
FILES = "zoom/files"
OWN = (
    "zoom/recordings",
    "zoom/voicemails",
    "zoom/notes",
    "zoom/recording_transcripts",
    "zoom/messaging_transcripts",
    "zoom/voicemail_transcripts",
)
"""Datasets whose record ids belong to one engagement alone: where one is named, that engagement is meant."""
SHARED = "shared"
"""Among the traces: records that an engagement which stays has as well. They and their files stay."""


@dataclass(frozen=True)
class Subject:
    """Engagements, and the ids under which something of them may lie."""

    purges: Sequence[PendingPurge]
    traces: Traces
    bypass_governance: bool = False
    """Whether locks of the archive's storage that may be lifted are."""

    @cached_property
    def engagement_ids(self) -> frozenset[str]:
        """Of all of them."""
        return frozenset(each.engagement_id for each in self.purges)

    @cached_property
    def own_ids(self) -> frozenset[str]:
        """Those ids that mean one of the engagements wherever they stand."""
        return self.engagement_ids | self.traces.ids_of(OWN)

    @cached_property
    def file_ids(self) -> frozenset[str]:
        """What stored files are named by. Records of stored files are called ``<kind>:<id>``."""
        of_files = {record_id.partition(":")[2] for record_id in self.traces.record_ids.get(FILES, ())}
        return self.own_ids | of_files

    @cached_property
    def record_ids(self) -> Mapping[str, frozenset[str]]:
        """What is theirs, by dataset."""
        return {name: ids for name, ids in self.traces.record_ids.items() if name != SHARED}

    @cached_property
    def doomed(self) -> Doomed:
        """The same as the lake's files are asked."""
        return Doomed(self.engagement_ids, self.own_ids, self.record_ids)

    def owns_event(self, dedupe_key: bytes, engagement_id: str | None, body: bytes | None) -> bool:
        """Whether a received event is about one of them; ``body`` where it says no engagement."""
        if engagement_id in self.engagement_ids:
            return True
        if dedupe_key.hex() in self.traces.record_ids.get(EVENTS, ()):
            return True
        return engagement_id is None and body is not None and mentions(body, self.own_ids)

    def owns_quarantined(self, dataset: str, record_id: str | None, payload: bytes) -> bool:
        """Whether a quarantined record is about one of them."""
        if record_id is not None and (
            record_id in self.own_ids or record_id in self.traces.record_ids.get(dataset, ())
        ):
            return True
        return mentions(payload, self.own_ids)
