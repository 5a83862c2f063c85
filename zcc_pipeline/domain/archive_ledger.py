"""What is known of the archive without asking it: a cache that the next export can fill again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class DayLook(StrEnum):
    """What the archive looks for in the lake's files of a day."""

    STRAYS = "strays"
    """Records of engagements that started on none of the days before."""
    CHANGES = "changes"
    """What differs from what is archived of the engagements that started on it."""
    MANIFESTS = "manifests"
    """What was listed, and whether all of it is archived or explained."""


LOOK_AGAIN = "something of it was erased"
"""In place of a day's fingerprint: the next export looks at it, closed or not."""


@dataclass(frozen=True, slots=True)
class ArchivedRow:
    """One engagement as it was last archived. ``is_pending``: its object was about to be written, and the ledger may
    not know of it yet."""

    engagement_id: str
    day: date
    source_hash: str
    """Over what the lake and the file store had of it then."""
    version: int | None = None
    inventory_sha512: str | None = None
    is_pending: bool = False


@dataclass(frozen=True, slots=True)
class ArchiveWindow:
    """The newest manifest of one day and dataset that the archive's ledger names."""

    day: date
    dataset: str
    manifest_sha512: str
    is_closed: bool
