"""Sums of statuses: what ``zcc status`` and the demo show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from zcc_pipeline.domain.completeness import ArtefactKind, ArtefactStatus, Reason, Status

_KINDS = {kind: rank for rank, kind in enumerate(ArtefactKind)}
_STATUSES = {status: rank for rank, status in enumerate(Status)}


@dataclass(frozen=True, slots=True)
class StatusCount:
    """Engagements of one day and kind that share status and reason, and their items."""

    day: date
    kind: ArtefactKind
    status: Status
    reason: Reason | None
    engagements: int
    expected_items: int
    stored_items: int


@dataclass(slots=True)
class KindDay:
    """One line of the report: a day and kind with its engagements by status, and the reasons given."""

    day: date
    kind: ArtefactKind
    engagements: int = 0
    expected_items: int = 0
    stored_items: int = 0
    by_status: Counter[Status] = field(default_factory=Counter)
    by_reason: Counter[tuple[Status, Reason]] = field(default_factory=Counter)


def count_statuses(statuses: Iterable[tuple[date, ArtefactStatus]]) -> list[StatusCount]:
    """Sums per day, kind, status and reason, in that order; the day is the engagement's."""
    sums: dict[tuple[date, ArtefactKind, Status, Reason | None], list[int]] = {}
    for day, status in statuses:
        cell = sums.setdefault((day, status.kind, status.status, status.reason), [0, 0, 0])
        cell[0] += 1
        cell[1] += status.expected_items
        cell[2] += status.stored_items
    ordered = sorted(sums, key=lambda key: (key[0], _KINDS[key[1]], _STATUSES[key[2]], str(key[3] or "")))
    return [StatusCount(*key, *sums[key]) for key in ordered]


def summarise_days(counts: Iterable[StatusCount]) -> list[KindDay]:
    """One line per day and kind."""
    lines: dict[tuple[date, ArtefactKind], KindDay] = {}
    for count in counts:
        line = lines.setdefault((count.day, count.kind), KindDay(count.day, count.kind))
        line.engagements += count.engagements
        line.expected_items += count.expected_items
        line.stored_items += count.stored_items
        line.by_status[count.status] += count.engagements
        if count.reason is not None:
            line.by_reason[count.status, count.reason] += count.engagements
    return [lines[key] for key in sorted(lines, key=lambda key: (key[0], _KINDS[key[1]]))]
