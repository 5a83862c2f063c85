"""What is remembered of every record that left for a CRM: ids, hashes, statuses, codes, times. Nothing about people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from zcc_pipeline.domain.errors import TransientError

IN_FLIGHT = "in_flight"
"""Status of a record between the moment before it is sent and the moment its outcome is written down."""


class ExportBusy(TransientError):
    """Another process exports to that CRM now."""


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """A record as it is to be: what is compared next time to know whether anything has changed."""

    engagement_id: str
    day: date
    """The day on which the engagement started."""
    activity_hash: str
    """Of all that could leave."""
    mapping: str
    """Fingerprint of the mapping that it was made with."""
    content_hash: str
    """Of what the CRM sees; empty where it was not mapped."""


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What became of a record. ``status`` is a value of ``exports.outcomes.Status``, ``code`` a vendor's code or a word
    of ours. Where ``remote_id`` is None, the one already known stays."""

    engagement_id: str
    status: str
    code: str = ""
    remote_object: str | None = None
    remote_id: str | None = None
    is_foreign: bool = False
    """The record in the CRM belongs to another program, and was only enriched."""


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One record of one CRM as the ledger knows it."""

    crm: str
    engagement_id: str
    day: date
    activity_hash: str
    mapping: str
    content_hash: str
    status: str
    """``in_flight`` or a value of ``exports.outcomes.Status``."""
    code: str
    remote_object: str | None
    remote_id: str | None
    is_foreign: bool
    job_id: str | None
    """The CRM's job that carries it, while that is not known to have ended."""
    attempts: int
    """Times it was sent since it was last settled."""
    changed_at: datetime
    exported_at: datetime | None
    """When the CRM last took it."""


@dataclass(frozen=True, slots=True)
class ExportPiece:
    """An entry or attachment of a record, by its key. Begun and not done: it may be there."""

    engagement_id: str
    key: str
    is_done: bool
    remote_id: str | None


@dataclass(frozen=True, slots=True)
class ExportCount:
    """How many records of a day stand how."""

    day: date
    status: str
    records: int


class ExportLedger(Protocol):
    """Every write is on disk when the call returns. ``crm`` is the CRM's name everywhere."""

    def exclusive(self, crm: str) -> AbstractContextManager[None]:
        """Be the only one who exports to that CRM; ``ExportBusy`` where another process is. Ends with the process."""
        ...

    def get(self, crm: str, engagement_ids: Iterable[str]) -> dict[str, ExportRow]:
        """Rows by engagement id; those never seen are left out."""
        ...

    def pieces(self, crm: str, engagement_ids: Iterable[str]) -> dict[str, list[ExportPiece]]:
        """Entries and attachments begun or done, by engagement id."""
        ...

    def begin(self, crm: str, plans: Iterable[ExportPlan], *, now: datetime) -> None:
        """They are about to be sent: in flight, carried by no job yet. What is known of the remote record stays."""
        ...

    def job(self, crm: str, engagement_ids: Iterable[str], job_id: str) -> None:
        """A job of the CRM carries them."""
        ...

    def begun(self, crm: str, pieces: Iterable[tuple[str, str]], *, now: datetime) -> None:
        """Entries or attachments (engagement id, key) are about to be sent."""
        ...

    def done(self, crm: str, pieces: Iterable[tuple[str, str, str]], *, now: datetime) -> None:
        """Entries or attachments (engagement id, key, remote id) are there."""
        ...

    def finish(self, crm: str, results: Iterable[ExportResult], *, now: datetime) -> None:
        """What became of records in flight, in one transaction."""
        ...

    def settle(self, crm: str, settled: Iterable[tuple[ExportPlan, ExportResult]], *, now: datetime) -> None:
        """Records decided upon without sending anything: unchanged, skipped, not mapped."""
        ...

    def unsettled(self, crm: str) -> Sequence[ExportRow]:
        """Records in flight or unknown, oldest first: what an earlier run did not live to write down."""
        ...

    def coded(
        self, crm: str, codes: Sequence[str], *, since: date, unchanged_since: datetime, limit: int
    ) -> Sequence[str]:
        """Engagement ids of records with one of these codes that were taken or refused: of engagements that started on
        that day or later, untouched since that moment, the longest untouched first."""
        ...

    def offer_again(self, crm: str, engagement_id: str) -> bool:
        """A refused record is to be sent again in the next run; where the CRM had lost it, as a new one.

        False where there is none that was refused.
        """
        ...

    def on_day(self, crm: str, day: date) -> Mapping[str, ExportRow]:
        """All rows of a day, by engagement id."""
        ...

    def counts(self, crm: str) -> Sequence[ExportCount]:
        """Records by day and status."""
        ...
