"""Which events belong to a span of time, or to the engagements of some days, in the order they happened."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date, datetime
from operator import attrgetter
from zoneinfo import ZoneInfo

from zcc_pipeline.simulator.zoom.account.account import Account
from zcc_pipeline.simulator.zoom.account.engagement import Engagement
from zcc_pipeline.simulator.zoom.push.engagement_events import engagement_events
from zcc_pipeline.simulator.zoom.push.event import Maker, PushedEvent
from zcc_pipeline.simulator.zoom.push.file_events import file_events
from zcc_pipeline.simulator.zoom.push.flow_events import flow_events
from zcc_pipeline.simulator.zoom.push.people_events import people_events

in_order = attrgetter("at", "key")


def events_between(
    account: Account, base_url: str, start: datetime, end: datetime, *, without_script: Collection[str]
) -> list[PushedEvent]:
    """What happened from ``start`` to ``end``, both whole seconds and included; nothing the account has yet to live."""
    until = min(end, account.now())
    days = [day for day in account.spec.all_days() if account.spec.day_start(day) <= until]
    engagements = (each for each in account.engagements if each.start <= until)
    found = _events(account, base_url, engagements, days, without_script)
    return sorted((each for each in found if start <= each.at.replace(microsecond=0) <= until), key=in_order)


def events_of_days(
    account: Account, base_url: str, days: Collection[date], *, without_script: Collection[str]
) -> list[PushedEvent]:
    """What has happened so far to the engagements that started on these local days, whenever it happened."""
    zone, now = ZoneInfo(account.spec.timezone), account.now()
    engagements = (each for each in account.engagements if each.start.astimezone(zone).date() in days)
    found = _events(account, base_url, engagements, days, without_script)
    return sorted((each for each in found if each.at.replace(microsecond=0) <= now), key=in_order)


def _events(
    account: Account,
    base_url: str,
    engagements: Iterable[Engagement],
    days: Iterable[date],
    without_script: Collection[str],
) -> Iterator[PushedEvent]:
    maker = Maker(account.population.account_id, base_url)
    makers: tuple[Callable[[Maker, Engagement], Iterator[PushedEvent]], ...] = (engagement_events, file_events)
    for engagement in engagements:
        for make in makers:
            yield from make(maker, engagement)
        yield from flow_events(maker.account_id, engagement, without_script)
    for day in days:
        yield from people_events(maker, account.spec, account.population, day)
