"""What travels from a source to the lake: chunks of records as received, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Route = Literal["poll", "webhook", "websocket", "flow"]

SHAPE_LIST = "list"
SHAPE_DETAIL = "detail"


@dataclass(slots=True)
class RecordChunk:
    """Records of one dataset and shape that share their origin; parallel columns, one entry a record.

    ``payloads`` are the record's JSON bytes as received (``bytes`` or ``msgspec.Raw``). ``occurred_at`` is the record's
    own time as the source wrote it, from which its day follows; ``None`` puts it on the day of ``as_of``.
    """

    dataset: str
    shape: str
    route: Route
    as_of: datetime
    batch_id: str
    record_ids: Sequence[str]
    payloads: Sequence[bytes]
    engagement_ids: Sequence[str | None]
    occurred_at: Sequence[str | None]
    is_deleted: bool = False

    def __len__(self) -> int:
        return len(self.record_ids)


@dataclass(slots=True)
class LandingCounts:
    """What landing did with the records it was handed."""

    received: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0
    out_of_window: int = 0
    suppressed: int = 0
    """Of engagements that were erased; each record received is counted here or in one of the five above."""
    bytes_written: int = 0
    files_written: int = 0
    days: set[str] = field(default_factory=set)

    def add(self, other: LandingCounts) -> None:
        """Sum up."""
        for name in (
            "received",
            "new",
            "changed",
            "unchanged",
            "deleted",
            "out_of_window",
            "suppressed",
            "bytes_written",
            "files_written",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.days |= other.days
