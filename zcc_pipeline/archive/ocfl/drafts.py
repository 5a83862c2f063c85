"""What an object should hold, for those that are written together."""

from __future__ import annotations

from dataclasses import dataclass

from zcc_pipeline.archive.contents import Snapshot
from zcc_pipeline.archive.storage import UNKNOWN, Lock


@dataclass(frozen=True, slots=True)
class Draft:
    """A snapshot, and how long the storage itself is to keep what is written of it, where it can."""

    snapshot: Snapshot
    lock: Lock = UNKNOWN

    @property
    def object_id(self) -> str:
        """Of the object."""
        return self.snapshot.object_id

    @property
    def size_bytes(self) -> int:
        """Of all pieces, those included that an earlier version may hold already."""
        contents = [piece.content for piece in self.snapshot.pieces]
        return sum(len(each) if isinstance(each, bytes) else each.size_bytes for each in contents)
