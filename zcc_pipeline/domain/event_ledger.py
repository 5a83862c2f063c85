"""What events leave to be done: engagements to be read again, times without events, parts that only a push knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WantedRefresh:
    """An engagement that an event says has changed, and from when on a read is sure to show it."""

    engagement_id: str
    due_at: datetime
    day: date
    """The event's own day: most engagements start on the day on which something happens to them."""
    reason: str


@dataclass(frozen=True, slots=True)
class DueRefresh:
    """An engagement waiting to be read again; many events of one engagement are one of these."""

    engagement_id: str
    due_at: datetime | None
    """When to read it next; None where that was given up and left to the nightly poll, as ``reason`` says."""
    read_after: datetime
    """Only a read begun at this moment or later shows all that is known to have happened."""
    day: date
    first_due_at: datetime
    attempts: int
    """Reads that found nothing or failed since the last event."""
    reason: str


@dataclass(frozen=True, slots=True)
class EventGap:
    """A span of time in which events may have been missed; known by the inbox row that told of it."""

    inbox_id: str
    seq: int
    started_at: datetime
    ended_at: datetime
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class PushedPart:
    """A note or disposition that was pushed and that no read of its engagement has confirmed or denied yet."""

    dataset: str
    record_id: str
    part_id: str
    """Its id inside the engagement's array."""
    engagement_id: str
    shape: str
    said_at: datetime


class EventLedger(Protocol):
    """What became of received events, and what is to be done because of them."""

    def mark(self, inbox_id: str) -> int:
        """Every row of that inbox up to this number is applied."""
        ...

    def advance(self, inbox_id: str, seq: int) -> None:
        """Raise the mark: everything up to ``seq`` is applied, and no lower number can appear any more."""
        ...

    def applied(self, inbox_id: str, seqs: Iterable[int]) -> set[int]:
        """Those of the rows that are applied."""
        ...

    def apply(
        self,
        inbox_id: str,
        seqs: Iterable[int],
        *,
        due: Iterable[WantedRefresh] = (),
        gaps: Iterable[EventGap] = (),
        parts: Iterable[PushedPart] = (),
        now: datetime,
    ) -> None:
        """Keep that those rows are applied and what follows from them, all of it or nothing."""
        ...

    def due(self, now: datetime, limit: int) -> Sequence[DueRefresh]:
        """Engagements to be read now, the longest waiting first."""
        ...

    def waiting(self) -> Sequence[DueRefresh]:
        """All engagements that wait, also for later, and those given up."""
        ...

    def count_due(self, now: datetime) -> int:
        """How many engagements and gaps are due."""
        ...

    def next_due_at(self) -> datetime | None:
        """When the next engagement is due; None where none waits."""
        ...

    def settle(self, reads: Mapping[str, datetime]) -> None:
        """They were found by reads begun at those times: done, or due again where something happened since."""
        ...

    def want(self, due: Iterable[WantedRefresh]) -> None:
        """Add engagements to be read; one that waits already is due at the earlier time and read until the later."""
        ...

    def postpone(self, retries: Mapping[str, tuple[datetime | None, str]]) -> None:
        """They were not found or could not be read: when to try next (None: not any more), and why."""
        ...

    def forget_given_up(self, before: datetime) -> int:
        """Drop those given up whose first event is older than that; returns how many."""
        ...

    def open_gaps(self, now: datetime) -> Sequence[EventGap]:
        """Gaps not polled yet and due to be."""
        ...

    def close_gap(self, gap: EventGap, outcome: str, *, now: datetime) -> None:
        """Its time has been polled, or that was given up, as ``outcome`` says."""
        ...

    def postpone_gap(self, gap: EventGap, outcome: str, *, next_try_at: datetime) -> None:
        """Polling it failed and is tried again then."""
        ...

    def parts_of(self, engagement_ids: Iterable[str]) -> Sequence[PushedPart]:
        """Pushed parts of those engagements on which no read has spoken yet."""
        ...

    def resolve(self, parts: Iterable[PushedPart]) -> None:
        """A read has confirmed or denied them; a younger word on the same part stays."""
        ...
