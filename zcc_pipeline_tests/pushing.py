"""What Zoom would have pushed, brought into a lake as the inbox would, with losses that a test chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from random import Random
from zoneinfo import ZoneInfo

from zcc_pipeline.domain.events import zoom_event
from zcc_pipeline.pipeline.event_facts import read_event
from zcc_pipeline.pipeline.events import AppliedReport, land
from zcc_pipeline.simulator.zoom.push.event import PushedEvent
from zcc_pipeline.simulator.zoom.push.events import events_of_days
from zcc_pipeline.sources.receiver.flow_events import flow_event
from zcc_pipeline_tests.story import Story


def all_events(told: Story, days: Iterable[date] | None = None) -> list[PushedEvent]:
    """Events of the engagements that started on those days, whenever they came."""
    standin = told.simulator.standin
    return events_of_days(standin.account, told.simulator.api_url, set(days or told.days), without_script=())


def receive(told: Story, events: Iterable[PushedEvent], *, after: timedelta = timedelta(seconds=2)) -> None:
    """Land them as they would be after their way through the inbox."""
    readings = []
    for event in events:
        moment = event.at + after
        if event.is_of_flow:
            pushed = flow_event(event.body, received_at=moment)
        else:
            pushed = zoom_event(event.body, intake="webhook", received_at=moment)
        readings.append(read_event(pushed, account_id=None, timezone=ZoneInfo("UTC"), batch_id="b"))
    with told.runtime() as runtime:
        land(runtime, readings, AppliedReport())


def losing(share: float, *, seed: int = 7) -> Callable[[PushedEvent], bool]:
    """Whether an event gets through."""
    random = Random(seed)
    return lambda _event: random.random() >= share
