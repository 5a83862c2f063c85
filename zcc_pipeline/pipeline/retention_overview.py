"""What the archive keeps until when, and what is held, as its ledger says."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from zcc_pipeline.archive.erasure import decide_erasure
from zcc_pipeline.archive.holds import Hold, Standing, Standings
from zcc_pipeline.archive.naming import engagement_id_of
from zcc_pipeline.archive.retention import RetentionRules
from zcc_pipeline.pipeline.retaining import read_standings
from zcc_pipeline.pipeline.runtime import Runtime


@dataclass(frozen=True, slots=True)
class ClassRow:
    """Archived engagements of one retention class; ``class_name`` is None for those without any promise."""

    class_name: str | None
    legal_ground: str | None
    objects: int
    held: int
    expired: int
    """Past their last day and held by nothing: a purge may take them."""
    first_day: date | None
    """The earliest of the last days."""
    last_day: date | None


@dataclass(frozen=True, slots=True)
class MatterRow:
    """What one matter holds."""

    matter: str
    engagement_ids: tuple[str, ...]
    days: tuple[date, ...]
    objects: int
    """Archived engagements that it holds, by their id or by their day."""
    since: datetime
    actors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExpiryRow:
    """Engagements of one class with the same last day."""

    retain_until: date
    class_name: str | None
    objects: int
    held: int


@dataclass(frozen=True, slots=True)
class RetentionOverview:
    """What is kept until when, and what is held."""

    objects: int
    purged: int
    classes: tuple[ClassRow, ...]
    matters: tuple[MatterRow, ...]
    expiring: tuple[ExpiryRow, ...]


def retention_overview(runtime: Runtime) -> RetentionOverview:
    """Everything that is archived, by class, by matter and by last day. Reads the ledger, writes nothing."""
    standings = read_standings(runtime)
    there = [each for each in standings.all() if each.version is not None and not each.is_purged]
    return RetentionOverview(
        objects=len(there),
        purged=sum(each.is_purged for each in standings.all()),
        classes=tuple(_classes(standings, there, runtime.archive.retention, runtime.clock.now())),
        matters=tuple(_matters(standings, there)),
        expiring=tuple(_expiring(there)),
    )


def _classes(
    standings: Standings, there: Sequence[Standing], rules: RetentionRules | None, now: datetime
) -> Iterator[ClassRow]:
    by_class: dict[str | None, list[Standing]] = defaultdict(list)
    for one in there:
        by_class[one.retention_class].append(one)
    for name in sorted(by_class, key=lambda each: (each is None, each or "")):
        of_class = by_class[name]
        days = [one.retain_until for one in of_class if one.retain_until is not None]
        yield ClassRow(
            class_name=name,
            legal_ground=rules.legal_ground(name) if rules else None,
            objects=len(of_class),
            held=sum(bool(one.holds) for one in of_class),
            expired=sum(decide_erasure(standings, one.object_id, now=now).is_allowed for one in of_class),
            first_day=min(days, default=None),
            last_day=max(days, default=None),
        )


def _matters(standings: Standings, there: Sequence[Standing]) -> Iterator[MatterRow]:
    holds: dict[str, list[Hold]] = defaultdict(list)
    for _, hold in standings.all_holds():
        holds[hold.matter].append(hold)
    held = Counter(matter for one in there for matter in {hold.matter for hold in one.holds})
    for matter, scope in standings.matters().items():
        yield MatterRow(
            matter=matter,
            engagement_ids=tuple(engagement_id_of(each) or each for each in scope.object_ids),
            days=scope.days,
            objects=held[matter],
            since=min(hold.since for hold in holds[matter]),
            actors=tuple(sorted({hold.actor for hold in holds[matter]})),
        )


def _expiring(there: Sequence[Standing]) -> Iterator[ExpiryRow]:
    objects: Counter[tuple[date, str]] = Counter()
    held: Counter[tuple[date, str]] = Counter()
    for one in there:
        if one.retain_until is not None:
            key = (one.retain_until, one.retention_class or "")
            objects[key] += 1
            held[key] += bool(one.holds)
    for key in sorted(objects):
        yield ExpiryRow(key[0], key[1] or None, objects[key], held[key])
