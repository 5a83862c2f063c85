"""Legal holds: engagements or whole days that a matter keeps from being erased, written to the archive's ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from zcc_pipeline.archive.holds import HoldPlan, Scope, Standings, plan_hold, plan_release
from zcc_pipeline.archive.naming import engagement_id_of, object_id_of
from zcc_pipeline.pipeline.archive_indexing import refresh_index_if_free
from zcc_pipeline.pipeline.retaining import read_standings
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.pipeline.storage_locks import hold_in_storage, release_in_storage


@dataclass(frozen=True, slots=True)
class HoldOutcome:
    """What became of a hold or a release."""

    matter: str
    engagement_ids: tuple[str, ...]
    """Held or released one by one."""
    days: tuple[date, ...]
    """Held or released as a whole."""
    unchanged: Scope
    not_archived: tuple[str, ...]
    """Engagements that the archive does not have, and which are held from the day on which it does."""
    purged: tuple[str, ...]
    still_held: int = 0
    """Objects that are archived and held under this matter, now."""
    unwitnessed: tuple[str, ...] = ()


def hold(
    runtime: Runtime, *, matter: str, actor: str, engagement_ids: Sequence[str] = (), days: Sequence[date] = ()
) -> HoldOutcome:
    """Hold engagements by id, or all of whole days, also those that are archived later. ``PermanentError`` for a matter
    or an actor that could name a person."""
    scope = _scope(runtime, engagement_ids, days)
    standings = read_standings(runtime)
    plan = plan_hold(standings, scope, matter=matter, actor=actor, run_id=runtime.new_id())
    hold_in_storage(runtime, standings, scope)
    return _carry_out(runtime, standings, plan, matter)


def plan_to_release(
    runtime: Runtime, *, matter: str, actor: str, engagement_ids: Sequence[str] = (), days: Sequence[date] = ()
) -> tuple[Standings, HoldPlan]:
    """What a release would end; nothing is written. With neither ids nor days: all that the matter holds."""
    standings = read_standings(runtime)
    scope = _scope(runtime, engagement_ids, days)
    if scope == Scope():
        scope = standings.matters().get(matter, Scope())
    return standings, plan_release(standings, scope, matter=matter, actor=actor, run_id=runtime.new_id())


def release(runtime: Runtime, planned: tuple[Standings, HoldPlan], *, matter: str) -> HoldOutcome:
    """End what was planned."""
    standings, plan = planned
    outcome = _carry_out(runtime, standings, plan, matter)
    object_ids = (*plan.unchanged.object_ids, *(entry.object_id for entry in plan.entries if entry.object_id))
    days = (*plan.unchanged.days, *(entry.day for entry in plan.entries if entry.day))
    release_in_storage(runtime, standings, Scope(object_ids, days))
    return outcome


def describe_plan(standings: Standings, plan: HoldPlan, matter: str) -> HoldOutcome:
    """What a plan is about, in engagements and days."""
    object_ids = tuple(entry.object_id for entry in plan.entries if entry.object_id is not None)
    touched = (*object_ids, *plan.unchanged.object_ids)
    return HoldOutcome(
        matter=matter,
        engagement_ids=_engagements(object_ids),
        days=tuple(entry.day for entry in plan.entries if entry.day is not None),
        unchanged=Scope(_engagements(plan.unchanged.object_ids), plan.unchanged.days),
        not_archived=_engagements(
            each for each in touched if not standings.is_archived(each) and not standings.is_purged(each)
        ),
        purged=_engagements(plan.purged),
        still_held=sum(
            any(hold.matter == matter for hold in one.holds) for one in standings.all() if not one.is_purged
        ),
    )


def _carry_out(runtime: Runtime, standings: Standings, plan: HoldPlan, matter: str) -> HoldOutcome:
    if not plan.entries:
        return describe_plan(standings, plan, matter)
    appended = runtime.archive.ledger.append(plan.entries)
    for logged in appended.logged:
        standings.learn(logged)
    refresh_index_if_free(runtime)
    _, unsent = runtime.archive.vouch()
    return replace(describe_plan(standings, plan, matter), unwitnessed=(*appended.unwitnessed, *unsent))


def _scope(runtime: Runtime, engagement_ids: Sequence[str], days: Sequence[date]) -> Scope:
    account = runtime.archive.account
    return Scope(tuple(object_id_of(account, each) for each in engagement_ids), tuple(days))


def _engagements(object_ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(engagement_id_of(each) or each for each in object_ids)
