"""What stories of pushed events do: let them arrive, apply them, look at what has landed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.events import PushedEvent
from zcc_pipeline.pipeline.event_refresh import EventsReport, refresh_from_events
from zcc_pipeline_tests.lakes import all_rows
from zcc_pipeline_tests.received import pushed, receive
from zcc_pipeline_tests.story import Story


def inbox_url(told: Story) -> str:
    return str(told.home / "inbox.sqlite")


def arrive(told: Story, *events: PushedEvent) -> None:
    told.home.mkdir(exist_ok=True)
    receive(inbox_url(told), *events)


def refresh(told: Story, **options: Any) -> EventsReport:
    with told.runtime() as runtime:
        return refresh_from_events(runtime, **options)


def now(told: Story) -> datetime:
    return told.clock.now()


def with_note(told: Story) -> tuple[dict[str, Any], dict[str, Any]]:
    engagement = next(each for each in told.closed_engagements() if each["notes"])
    return engagement, engagement["notes"][0]


def note_added(note: dict[str, Any], engagement_id: str, at: datetime, **options: Any) -> PushedEvent:
    subject = {"note_id": note["note_id"], "note": note["note"], "engagement_id": engagement_id, "user_id": "u1"}
    return pushed("engagement_note_added", subject, at, **options)


def versions(told: Story, dataset: str) -> list[dict[str, Any]]:
    with told.runtime() as runtime:
        return all_rows(runtime.lake, DATASETS[dataset])


def ids(told: Story, dataset: str) -> set[str]:
    return {row["record_id"] for row in versions(told, dataset)}


def calls(told: Story) -> int:
    return sum(told.ask("state")["requests"]["by_route"].values())
