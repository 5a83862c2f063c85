"""The retention clock: how long the source still keeps what is not stored here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from zcc_pipeline.domain.completeness import ArtefactKind

ALARM = timedelta(days=7)
"""Somebody gets a week to act; where the source keeps things for less than two weeks, half of that."""


@dataclass(frozen=True, slots=True)
class UnstoredFile:
    """A file that is not here, and after how many days its source deletes it (an inbox has a limit of its own)."""

    kind: ArtefactKind
    source_id: str
    occurred_at: datetime
    limit_days: int


@dataclass(frozen=True, slots=True)
class RetentionClock:
    """The file of a kind that the source will delete first, of those that are not stored."""

    kind: ArtefactKind
    source_id: str
    occurred_at: datetime
    limit_days: int
    age_days: int
    files: int
    """How many of the kind are not stored."""
    is_alarming: bool
    """Whether less than a week is left (half the limit where that is shorter)."""

    @property
    def deleted_at(self) -> datetime:
        """When the source deletes it."""
        return self.occurred_at + timedelta(days=self.limit_days)


def read_clocks(files: Iterable[UnstoredFile], now: datetime) -> list[RetentionClock]:
    """One clock for each kind that has something to lose, in the order of kinds."""
    by_kind: dict[ArtefactKind, list[UnstoredFile]] = {}
    for file in files:
        by_kind.setdefault(file.kind, []).append(file)
    return [_read(kind, by_kind[kind], now) for kind in ArtefactKind if kind in by_kind]


def _read(kind: ArtefactKind, files: list[UnstoredFile], now: datetime) -> RetentionClock:
    first = min(files, key=lambda file: (_deleted_at(file), file.source_id))
    margin = min(ALARM, timedelta(days=first.limit_days) / 2)
    return RetentionClock(
        kind=kind,
        source_id=first.source_id,
        occurred_at=first.occurred_at,
        limit_days=first.limit_days,
        age_days=(now - first.occurred_at).days,
        files=len(files),
        is_alarming=now >= _deleted_at(first) - margin,
    )


def _deleted_at(file: UnstoredFile) -> datetime:
    return file.occurred_at + timedelta(days=file.limit_days)


def limit_of_inbox(inbox_id: str | None, limits: Mapping[str, int], otherwise: int) -> int:
    """Days after which an inbox deletes; of an unknown inbox the shortest of all, because that loses least."""
    if inbox_id is not None and inbox_id in limits:
        return limits[inbox_id]
    return min(limits.values(), default=otherwise)
