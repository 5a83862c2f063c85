"""Manifests: what the source listed on one day in one dataset, and what of it is archived, missing or to come.

A manifest is canonical JSON (RFC 8785) under a name that ends in its digest: it never changes, and a day that is closed
again gets another one beside it. It holds ids, numbers and reasons, nothing that anybody said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha512
from typing import Any

import rfc8785

FOLDER = "completeness"
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Absent:
    """Something that is expected, or was listed, and is not archived: why."""

    record_id: str
    kind: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One day of one dataset."""

    day: date
    dataset: str
    window: tuple[str, str]
    """Both ends of the day as it was asked for, in UTC."""
    is_listed: bool
    """Whether a listing of that day came to its end."""
    archived: Sequence[str] = ()
    pending: Sequence[str] = ()
    """Listed, and not archived as they are now."""
    deleted: Sequence[str] = ()
    """Listed once and deleted at the source since; what was archived of them stays."""
    absent: Sequence[Absent] = ()
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """For what belongs to engagements: by kind and status."""
    is_waiting: bool = False
    """Whether something may still come."""

    @property
    def is_closable(self) -> bool:
        """Everything that was listed is archived or explained, and nothing is expected any more."""
        return self.is_listed and not self.pending and not self.is_waiting

    def encode(self) -> bytes:
        """The file. The same contents give the same bytes."""
        document: dict[str, Any] = {
            "day": self.day.isoformat(),
            "dataset": self.dataset,
            "window": {"from": self.window[0], "to": self.window[1]},
            "is_listed": self.is_listed,
            "listed": len(self.archived) + len(self.pending),
            "archived": sorted(self.archived),
            "pending": sorted(self.pending),
            "deleted_at_source": sorted(self.deleted),
            "absent": [
                {"record_id": each.record_id, "kind": each.kind, "status": each.status, "reason": each.reason}
                for each in sorted(self.absent, key=lambda each: (each.record_id, each.kind))
            ],
        }
        if self.counts:
            document["counts"] = {kind: dict(by_status) for kind, by_status in self.counts.items()}
        return rfc8785.dumps(document)


def digest_of_manifest(data: bytes) -> str:
    """What the ledger's entry names."""
    return sha512(data).hexdigest()


def day_folder(day: date) -> str:
    """Where all manifests of a day lie."""
    return f"{FOLDER}/{day:%Y/%m/%d}"


def manifest_key(day: date, dataset: str, manifest_sha512: str) -> str:
    """Where it lies."""
    name = dataset.rpartition("/")[2]
    return f"{day_folder(day)}/{name}.{manifest_sha512[:_DIGITS]}.json"
