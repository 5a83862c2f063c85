"""What Zoom pushes about agents all day: of no use for engagement data, and most of what a subscription to all gets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random

from zcc_pipeline.simulator.zoom.account.chance import between, pick, stream
from zcc_pipeline.simulator.zoom.account.population import Agent, Population
from zcc_pipeline.simulator.zoom.account.spec import AccountSpec
from zcc_pipeline.simulator.zoom.push.event import Json, Maker, PushedEvent

#: status id and name, sub-status id and name
_OFFLINE = ("0", "Offline", "", "")
_READY = ("1", "Ready", "", "")
_PAUSES = (
    ("2", "Not Ready", "20", "Break"),
    ("2", "Not Ready", "21", "Meal"),
    ("2", "Not Ready", "22", "Training"),
)
Status = tuple[str, str, str, str]


def people_events(maker: Maker, spec: AccountSpec, population: Population, day: date) -> Iterator[PushedEvent]:
    """Log-ins, changes of status and log-outs of one local day; now and then somebody joins or leaves a queue."""
    for agent in population.users:
        if agent.is_active:
            yield from _shift(maker, agent, stream(spec.seed, "shift", day, agent.user_id), spec.day_start(day))
    rng = stream(spec.seed, "assigned", day)
    queue, agent = pick(rng, population.queues), pick(rng, population.users)
    at = spec.day_start(day) + timedelta(seconds=between(rng, 25_000, 60_000))
    name = "queue_agent_assigned" if rng.random() < 0.5 else "queue_agent_unassigned"
    yield maker.event(name, at, {"cc_queue_id": queue.queue_id, **_person(agent)}, part=f"{day}:{agent.user_id}")


def _shift(maker: Maker, agent: Agent, rng: Random, midnight: datetime) -> Iterator[PushedEvent]:
    if rng.random() < 0.3:
        return
    at = midnight + timedelta(seconds=between(rng, 21_600, 36_000))
    yield maker.event("user_login", at, _person(agent), part=f"{agent.user_id}:{at}")
    before: Status = _OFFLINE
    for pause in range(between(rng, 1, 4)):
        for after in (_READY, pick(rng, _PAUSES)):
            yield _status_changed(maker, agent, at, before, after)
            before = after
            at += timedelta(seconds=between(rng, 300, 5_400) if pause else between(rng, 60, 7_200))
    yield _status_changed(maker, agent, at, before, _OFFLINE)
    yield maker.event("user_logout", at, _person(agent), part=f"{agent.user_id}:{at}")


def _status_changed(maker: Maker, agent: Agent, at: datetime, before: Status, after: Status) -> PushedEvent:
    content = _person(agent) | _status("previous", before) | _status("current", after)
    return maker.event("user_status_changed", at, content, part=f"{agent.user_id}:{at}")


def _status(prefix: str, status: Status) -> Json:
    names = ("status_id", "status_name", "sub_status_id", "sub_status_name")
    return {f"{prefix}_{name}": value for name, value in zip(names, status, strict=True)}


def _person(agent: Agent) -> Json:
    return {"user_id": agent.user_id, "display_name": agent.name, "user_email": agent.email}
