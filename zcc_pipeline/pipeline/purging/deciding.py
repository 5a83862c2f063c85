"""Which engagements go: what is asked for, held against what the archive's ledger says of keeping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from zcc_pipeline.archive.erasure import Decision, Ground, decide_erasure
from zcc_pipeline.archive.holds import Standing, Standings
from zcc_pipeline.archive.naming import engagement_id_of, object_id_of
from zcc_pipeline.archive.packaging import Selection, select
from zcc_pipeline.archive.retention import lapses_at
from zcc_pipeline.domain.purging import PendingPurge
from zcc_pipeline.pipeline.purging.report import Refusal
from zcc_pipeline.pipeline.purging.storage_lock import NO_DATE, kept_until
from zcc_pipeline.pipeline.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. Nothing: only what an earlier purge has left."""

    engagement_ids: tuple[str, ...] = ()
    customer: str | None = field(default=None, repr=False)
    """E-mail address or phone number, as archived records have it."""
    is_expired: bool = False
    """All whose retention has passed and which nothing holds."""
    before: date | None = None
    """Only those of the expired that started before that day."""
    again: bool = False
    """All that were ever purged, once more: what a restored backup has brought back."""
    bypass_governance: bool = False
    """Lift locks of the storage that may be lifted."""
    actor: str | None = None
    matter: str | None = None
    """Number of the request."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes, what stays and why, and how many entries of the ledger that was decided from."""

    size: int
    chosen: tuple[PendingPurge, ...] = ()
    refused: tuple[Refusal, ...] = ()
    already: tuple[str, ...] = ()
    held: int = 0
    locked: int = 0


def read_ledger(runtime: Runtime) -> tuple[Standings, int]:
    """What the ledger says of keeping, and how many entries it has."""
    standings, size = Standings(), 0
    for logged in runtime.archive.ledger.entries():
        standings.learn(logged)
        size = logged.seq + 1
    return standings, size


def decide(runtime: Runtime, wish: Wish, *, run_id: str) -> Plan:
    """Nothing is written. Raises ``PermanentError`` where the ledger cannot be trusted."""
    standings, size = read_ledger(runtime)
    choice = _Choice(runtime, wish, run_id, standings, runtime.clock.now())
    for engagement_id in _asked_for(runtime, wish):
        choice.asked_for(engagement_id)
    if wish.is_expired or wish.again:
        for standing in standings.all():
            choice.look_at(standing)
    choice.leave_what_the_storage_keeps()
    return Plan(
        size,
        tuple(choice.chosen.values()),
        tuple(choice.refused),
        tuple(choice.already),
        choice.held,
        choice.locked,
    )


@dataclass(slots=True)
class _Choice:
    runtime: Runtime
    wish: Wish
    run_id: str
    standings: Standings
    now: datetime
    chosen: dict[str, PendingPurge] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    held: int = 0
    locked: int = 0
    _asked: set[str] = field(default_factory=set)

    def asked_for(self, engagement_id: str) -> None:
        """By its id or as one of a customer's: an answer is owed, also where it is no."""
        self._asked.add(engagement_id)
        object_id = object_id_of(self.runtime.archive.account, engagement_id)
        decision = decide_erasure(self.standings, object_id, now=self.now)
        standing = self.standings.of(object_id)
        if decision.is_allowed:
            self._choose(engagement_id, object_id, standing.day if standing else None)
        elif decision.ground is Ground.ALREADY_PURGED:
            self.already.append(engagement_id)
        else:
            self.refused.append(_refusal(self.runtime, engagement_id, decision))

    def look_at(self, standing: Standing) -> None:
        """One of all there are: it goes if it may."""
        its_id = engagement_id_of(standing.object_id)
        if its_id is None or its_id in self.chosen:
            return
        if standing.is_purged:
            if self.wish.again:
                self._choose(its_id, standing.object_id, standing.day, is_logged=True)
        elif self.wish.is_expired and _is_before(standing.day, self.wish.before):
            decision = decide_erasure(self.standings, standing.object_id, now=self.now)
            self.held += decision.ground is Ground.LEGAL_HOLD and _has_lapsed(standing, self.now)
            if decision.is_allowed:
                self._choose(its_id, standing.object_id, standing.day)

    def leave_what_the_storage_keeps(self) -> None:
        """What a bucket would not let go is not begun with: the rest can be finished."""
        archive, bypass = self.runtime.archive, self.wish.bypass_governance
        places = [place for place in (archive.place, archive.copy_place) if place is not None]
        for row in list(self.chosen.values()):
            found = (kept_until(each, row.object_id, now=self.now, bypass_governance=bypass) for each in places)
            until = max((each for each in found if each is not None), default=None)
            if until is None:
                continue
            del self.chosen[row.engagement_id]
            if row.engagement_id in self._asked:
                day = None if until == NO_DATE else until.date()
                self.refused.append(Refusal(row.engagement_id, Ground.STORAGE_LOCK, day))
            else:
                self.locked += 1

    def _choose(self, engagement_id: str, object_id: str, day: date | None, *, is_logged: bool = False) -> None:
        actor = self.wish.actor or self.runtime.archive.actor
        self.chosen[engagement_id] = PendingPurge(
            engagement_id, object_id, day, self.run_id, actor, self.wish.matter, self.now, is_logged=is_logged
        )


def decide_again(
    runtime: Runtime, rows: Sequence[PendingPurge]
) -> tuple[list[PendingPurge], list[PendingPurge], list[Refusal], int]:
    """Of purges that have begun and of which the ledger may not know yet: those that it knows, those that may still
    go, those that may not any more, and the number of entries this was decided from."""
    standings, size = read_ledger(runtime)
    known, allowed, refused = [], [], []
    for row in rows:
        decision = decide_erasure(standings, row.object_id, now=runtime.clock.now(), day=row.day)
        if row.is_logged or decision.ground is Ground.ALREADY_PURGED:
            known.append(row)
        elif decision.is_allowed:
            allowed.append(row)
        else:
            refused.append(_refusal(runtime, row.engagement_id, decision))
    return known, allowed, refused, size


def _asked_for(runtime: Runtime, wish: Wish) -> Iterator[str]:
    yield from dict.fromkeys(wish.engagement_ids)
    if wish.customer is not None:
        selection = Selection(
            customer=wish.customer,
            timezone=runtime.config.timezone,
            phone_region=runtime.config.warehouse.phone_region,
        )
        runtime.progress.start("choosing", None)
        for each in select(
            runtime.archive.objects, selection, advance=lambda objects: runtime.progress.advance("choosing", objects)
        ):
            if each.engagement_id not in wish.engagement_ids:
                yield each.engagement_id
        runtime.progress.finish("choosing")


def _refusal(runtime: Runtime, engagement_id: str, decision: Decision) -> Refusal:
    rules = runtime.archive.retention
    return Refusal(
        engagement_id,
        decision.ground,
        decision.retain_until,
        decision.retention_class,
        None if rules is None else rules.legal_ground(decision.retention_class),
        decision.matters,
    )


def _is_before(day: date | None, before: date | None) -> bool:
    return before is None or (day is not None and day < before)


def _has_lapsed(standing: Standing, now: datetime) -> bool:
    return standing.retain_until is not None and lapses_at(standing.retain_until) <= now
