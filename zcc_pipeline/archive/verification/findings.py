"""What a verification says: where something is wrong, what it is, and how much was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Area(StrEnum):
    """Parts of the archive that are verified, in this order."""

    LEDGER = "ledger"
    ROOT = "storage root"
    OBJECT = "object"
    LOCK = "storage lock"
    COMPLETENESS = "completeness"
    INDEX = "index"
    SECOND_COPY = "second copy"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``where`` is an object's id, or a file of the archive; ``path`` is below the object."""

    area: Area
    where: str
    path: str
    text: str

    def __str__(self) -> str:
        place = f"{self.where} {self.path}".strip()
        return f"{self.area}: {place}: {self.text}"


@dataclass(slots=True)
class Counts:
    """What was looked at."""

    entries: int = 0
    """Of the ledger."""
    stamps: int = 0
    """Time stamps of checkpoints."""
    objects: int = 0
    bytes_read: int = 0
    """Of objects here, in the index and in the second copy."""
    purged: int = 0
    """Objects that the ledger says were erased, and that are not there."""
    locked: int = 0
    """Objects whose locks in the storage were held against the ledger."""
    windows: int = 0
    """Days of datasets that are closed."""
    index_files: int = 0
    copies: int = 0
    """Objects of the second copy."""
    findings: int = 0
