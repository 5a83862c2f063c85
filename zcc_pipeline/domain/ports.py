"""The protocols through which rooms meet: ``state`` implements them, ``sources`` and ``pipeline`` use them.

Those of downloads, events, exports and the archive have modules of their own: ``byte_sources``, ``event_ledger``,
``export_ledger``, ``archive_ledger``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol

from zcc_pipeline.domain.completeness import ArtefactKind, Reason
from zcc_pipeline.domain.datasets import Label
from zcc_pipeline.domain.event_ledger import DueRefresh, EventGap, EventLedger, PushedPart, WantedRefresh
from zcc_pipeline.domain.window import Window

__all__ = [
    "AbsenceLedger",
    "ArtefactLedger",
    "ArtefactRow",
    "DifferenceLedger",
    "DifferenceRow",
    "DueRefresh",
    "EventGap",
    "EventLedger",
    "Progress",
    "PushedPart",
    "Quarantine",
    "QuarantineItem",
    "RateBudget",
    "ReadLedger",
    "ReadRow",
    "RefusedRecord",
    "Silence",
    "StoredFile",
    "WantedArtefact",
    "WantedRefresh",
    "WindowLedger",
    "WindowRow",
]


class RateBudget(Protocol):
    """Shared by all processes that use one Zoom account. Times are seconds since the epoch, so that processes agree."""

    def reserve(
        self, label: Label, *, interval_seconds: float, burst: int, now: float, not_later_than: float | None = None
    ) -> float:
        """Take the next free slot of a label and return the time at which it may be used (``now`` or later).

        A generic cell rate algorithm: slots are ``interval_seconds`` apart once ``burst`` are used up.
        Atomic across processes.
        With ``not_later_than``, a slot that would come later is not taken, and the time it would have had is returned.
        """
        ...

    def block(self, label: Label, *, until: float) -> None:
        """Nobody uses that label before ``until``: the source has said so."""
        ...

    def spend_daily(self, day: date, *, amount: int, cap: int) -> bool:
        """Count ``amount`` against the day's budget of heavy calls; False and uncounted where it would pass ``cap``."""
        ...

    def spent_daily(self, day: date) -> int:
        """Heavy calls counted on that day."""
        ...


@dataclass(frozen=True, slots=True)
class WindowRow:
    """One listing of one window, as the ledger keeps it."""

    batch_id: str
    dataset: str
    window: Window
    day: date
    started_at: datetime
    finished_at: datetime | None
    rows: int
    announced: int | None
    pages: int
    api_calls: int
    is_complete: bool
    error: str | None


SCOPE_PROBLEM = "scope missing"
"""How a window's error begins when the token may not read it: completeness tells that apart from other failures."""


class WindowLedger(Protocol):
    """What was listed, when, how much was announced and how much came."""

    def begin(self, dataset: str, window: Window, *, day: date, now: datetime) -> str:
        """Open a row and return its batch id (a ULID)."""
        ...

    def finish(
        self,
        batch_id: str,
        *,
        rows: int,
        announced: int | None,
        pages: int,
        api_calls: int,
        is_complete: bool,
        error: str | None,
        now: datetime,
    ) -> None:
        """Close the row."""
        ...

    def latest(self, dataset: str, first: date, last: date) -> Sequence[WindowRow]:
        """The newest finished row of each day in the range, complete or not."""
        ...

    def last_complete_at(self, dataset: str, day: date) -> datetime | None:
        """When that day was last listed completely."""
        ...


@dataclass(frozen=True, slots=True)
class WantedArtefact:
    """A file that a record points at."""

    kind: ArtefactKind
    source_id: str
    engagement_id: str | None
    day: date
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class ArtefactRow:
    """One file as the ledger knows it. ``state`` is ``wanted``, ``stored``, ``failed`` or ``gone``."""

    kind: ArtefactKind
    source_id: str
    engagement_id: str | None
    day: date
    occurred_at: datetime
    state: str
    attempts: int
    first_seen_at: datetime
    next_try_at: datetime | None
    stored_at: datetime | None
    path: str | None
    size_bytes: int | None
    sha256: str | None
    sha512: str | None
    media_type: str | None
    reason: Reason | None
    evidence: str | None
    not_found_since: datetime | None = None
    """First of the 404s that have come in a row; None once anything else was answered."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What the file store says of a file that is on disk for good."""

    path: str
    size_bytes: int
    sha256: str
    sha512: str
    media_type: str
    extension: str


class ArtefactLedger(Protocol):
    """Which files are wanted, stored, failed (to be tried again) or gone."""

    def want(self, artefacts: Iterable[WantedArtefact], *, now: datetime) -> int:
        """Add those not known yet; returns how many were new. Known rows keep their state."""
        ...

    def get(self, kind: ArtefactKind, source_ids: Iterable[str]) -> dict[str, ArtefactRow]:
        """Rows by source id."""
        ...

    def on_days(self, first: date, last: date, *, kind: ArtefactKind | None = None) -> Sequence[ArtefactRow]:
        """All rows of those days."""
        ...

    def mark_stored(self, kind: ArtefactKind, stored: Mapping[str, StoredFile], *, now: datetime) -> None:
        """These files, by source id, are on disk, synced and named; the ledger knows of all of them or of none."""
        ...

    def mark_failed(
        self,
        kind: ArtefactKind,
        source_id: str,
        *,
        reason: Reason,
        evidence: str,
        next_try_at: datetime | None,
        now: datetime,
    ) -> None:
        """An attempt failed; ``evidence`` holds status codes, never URLs or personal data."""
        ...

    def mark_gone(self, kind: ArtefactKind, source_id: str, *, reason: Reason, evidence: str, now: datetime) -> None:
        """The source has it no more, with evidence; not tried again. A file already stored stays recorded as stored."""
        ...


ReadOutcome = Literal["found", "not_found", "no_answer", "scope_missing", "failed"]


@dataclass(frozen=True, slots=True)
class ReadRow:
    """The newest read of one engagement in one per-engagement dataset; ``evidence`` holds status and code."""

    engagement_id: str
    dataset: str
    outcome: ReadOutcome
    evidence: str
    day: date
    ended_at: datetime | None
    read_at: datetime


class ReadLedger(Protocol):
    """What came of reading single engagements."""

    def record(
        self,
        engagement_id: str,
        dataset: str,
        outcome: ReadOutcome,
        evidence: str,
        day: date,
        ended_at: datetime | None,
        now: datetime,
    ) -> None:
        """Keep the outcome of one read."""
        ...

    def record_all(self, rows: Iterable[ReadRow]) -> None:
        """Keep many outcomes in one transaction; an older read never replaces a newer one."""
        ...

    def get(self, dataset: str, engagement_ids: Iterable[str]) -> dict[str, ReadRow]:
        """Reads by engagement id; those never read are left out."""
        ...

    def on_days(self, first: date, last: date, *, dataset: str | None = None) -> Sequence[ReadRow]:
        """All reads of engagements of those days."""
        ...

    def ended_since(self, dataset: str, moment: datetime, *, before: date) -> Sequence[ReadRow]:
        """Reads of engagements that ended at that moment or later and began before that day."""
        ...


class AbsenceLedger(Protocol):
    """Records that a complete listing no longer shows."""

    def mark(self, dataset: str, record_ids: Iterable[str], day: date, at: datetime) -> dict[str, datetime]:
        """Note an absence; returns since when each has been absent."""
        ...

    def clear(self, dataset: str, record_ids: Iterable[str]) -> None:
        """They were seen again, or their deletion has been settled."""
        ...

    def pending(self, dataset: str, day: date) -> dict[str, datetime]:
        """Absent records of that day, and since when."""
        ...


QuarantineState = Literal["held", "replayed", "dropped"]


@dataclass(frozen=True, slots=True)
class QuarantineItem:
    """A record that could not be processed, whole. The payload may hold personal data: show it only when asked to."""

    item_id: str
    room: str
    dataset: str
    record_id: str | None
    reason: str
    detail: str
    payload: bytes = field(repr=False)
    state: QuarantineState
    first_seen_at: datetime
    last_seen_at: datetime
    times_seen: int


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A record that goes to quarantine."""

    room: str
    dataset: str
    record_id: str | None
    reason: str
    detail: str
    payload: bytes = field(repr=False)


class Quarantine(Protocol):
    """Where refused records wait to be replayed or dropped."""

    def add(
        self, room: str, dataset: str, record_id: str | None, reason: str, detail: str, payload: bytes, now: datetime
    ) -> str:
        """Hold a record and return its id; the same one again is the same item."""
        ...

    def add_all(self, records: Iterable[RefusedRecord], now: datetime) -> None:
        """Hold many in one transaction."""
        ...

    def list(self, state: QuarantineState | None = "held") -> Sequence[QuarantineItem]:
        """Items in that state (None: all), oldest first."""
        ...

    def get(self, item_id: str) -> QuarantineItem | None:
        """One item with its payload, or None."""
        ...

    def mark(self, item_id: str, state: QuarantineState) -> None:
        """Say what became of it."""
        ...

    def release(self, room: str, dataset: str, record_ids: Iterable[str]) -> int:
        """Those records have been processed after all: what was held of them counts as replayed; returns how many."""
        ...

    def rewrite(self, change: Callable[[bytes], bytes]) -> int:
        """Exchange every payload for what ``change`` makes of it; how many differed."""
        ...


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """Something that was pushed and not polled (``only_pushed``) or the other way round, and what became of it."""

    event: str
    subject_id: str
    direction: str
    engagement_id: str | None
    day: date
    outcome: str
    """``recovered``, ``failed`` or ``explained``."""
    evidence: str
    detected_at: datetime
    judged_at: datetime


class DifferenceLedger(Protocol):
    """Differences between push and poll, each once."""

    def record_all(self, rows: Iterable[DifferenceRow]) -> int:
        """Write or judge anew; returns how many were not known before."""
        ...

    def on_days(self, first: date, last: date) -> Sequence[DifferenceRow]:
        """All that were found about those days."""
        ...


class Progress(Protocol):
    """Where long work says how far it is; the command line draws bars, Dagster and tests stay silent."""

    def start(self, task: str, total: int | None) -> None:
        """Begin a task, or set its total anew."""
        ...

    def advance(self, task: str, amount: int = 1) -> None:
        """Some of it is done."""
        ...

    def finish(self, task: str) -> None:
        """All of it is done."""
        ...


class Silence:
    """Progress that nobody watches."""

    def start(self, task: str, total: int | None) -> None:
        """Ignore."""

    def advance(self, task: str, amount: int = 1) -> None:
        """Ignore."""

    def finish(self, task: str) -> None:
        """Ignore."""
