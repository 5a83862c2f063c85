"""What a purge did, or would do. Ids, counts and grounds; nothing that anybody said."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from zcc_pipeline.archive.erasure import Ground


@dataclass(frozen=True, slots=True)
class Refusal:
    """An engagement that must stay, and why."""

    engagement_id: str
    ground: Ground
    retain_until: date | None = None
    retention_class: str | None = None
    legal_ground: str | None = None
    """The duty, as the retention file words it."""
    matters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Removed:
    """What was taken out of one place."""

    place: str
    what: str
    count: int
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Remaining:
    """What could not be taken out, and why: the purge stays pending."""

    place: str
    why: str


@dataclass(frozen=True, slots=True)
class CrmRecord:
    """A record in a CRM, which only its operator can erase."""

    crm: str
    remote_object: str
    remote_id: str
    engagement_id: str
    url: str
    pieces: int
    """Entries and attachments that hang on it."""
    status: str
    """As the export left it; ``in_flight`` or ``unknown``: it may be there under an id that nobody knows."""


@dataclass(frozen=True, slots=True)
class PackageElsewhere:
    """A package that was handed over and does not lie under home."""

    matter: str
    sha512: str
    """Of its ``tagmanifest-sha512.txt``."""
    made_on: date


@dataclass(slots=True)
class PurgeReport:
    """All of it."""

    is_dry_run: bool = True
    chosen: tuple[str, ...] = ()
    """Engagements that may go."""
    refused: tuple[Refusal, ...] = ()
    already: tuple[str, ...] = ()
    """Asked for and erased before."""
    held: int = 0
    """Past their last day and held by a matter."""
    locked: int = 0
    """The same, and kept by the archive's storage itself."""
    resumed: tuple[str, ...] = ()
    """Of a purge that was cut off."""
    finished: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    """Of which something is left; the next purge goes on."""
    removed: list[Removed] = field(default_factory=list)
    remaining: list[Remaining] = field(default_factory=list)
    crm_records: tuple[CrmRecord, ...] = ()
    crm_list: Path | None = None
    """Where they are listed."""
    packages: tuple[PackageElsewhere, ...] = ()
    entry: int | None = None
    """Of the ledger, which says that it was carried out."""
    unwitnessed: set[str] = field(default_factory=set)

    @property
    def is_clean(self) -> bool:
        """Everything that was asked for is done: nothing refused, nothing left, every checkpoint has its copy."""
        is_to_do = self.is_dry_run and bool(self.chosen or self.resumed)
        return not (self.refused or self.pending or self.unwitnessed or is_to_do)
