"""What became of one record, and what the ledger remembers of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What became of a record. The last four leave something to do or to look at."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    """Another program logs it (the vendor's own connector): recognised and left alone."""
    FAILED_PERMANENT = "failed_permanent"
    """The CRM refuses this record as it is: quarantined with the CRM's words until it or the mapping changes."""
    FAILED_RETRYABLE = "failed_retryable"
    """Not written this time, certainly: comes again in the next run."""
    UNKNOWN = "unknown"
    """Sent, and no answer came: looked up before anything is sent again."""


TAKEN = frozenset({Status.CREATED, Status.UPDATED, Status.UNCHANGED})
"""It is there as it should be."""

SETTLED = TAKEN | {Status.SKIPPED}
"""Nothing is left to do for these until the activity or the mapping changes."""


@dataclass(frozen=True, slots=True)
class RemoteRef:
    """Where a record is in the CRM."""

    object: str
    """The CRM's name of its kind: ``Contact_Center_Engagement__c``, ``ticket``, ``interaction``, ``calls``."""
    id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One record's result. ``message`` holds the CRM's own words and may quote personal data: it goes to the quarantine
    only, never to logs, metadata or the ledger; ``code`` is safe everywhere."""

    engagement_id: str
    status: Status
    remote: RemoteRef | None = None
    code: str = ""
    message: str = ""
