"""What was pushed, event by event: the truth that tests compare a receiver against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from zcc_pipeline.simulator.zoom.push.event import PushedEvent
from zcc_pipeline.simulator.zoom.push.faults import Fate, Route

Json = dict[str, Any]


@dataclass(slots=True)
class Passage:
    """One event on one route; counts are of requests or frames."""

    sent: int = 0
    accepted: int = 0
    wrongly_signed: int = 0
    stale: int = 0
    is_lost: bool = False
    is_doubled: bool = False
    late_seconds: float = 0.0


@dataclass(slots=True)
class _Row:
    event: PushedEvent
    routes: dict[Route, Passage] = field(default_factory=dict)


class Ledger:
    """Events by their key, over all jobs."""

    def __init__(self) -> None:
        self._rows: dict[str, _Row] = {}
        self._foreign: dict[str, _Row] = {}
        self.garbage = 0
        self.challenges_answered = 0
        self.challenges_failed = 0

    def plan(self, route: Route, event: PushedEvent, fate: Fate) -> None:
        """Note an event before anything is sent."""
        passage = self._passage(self._rows, route, event)
        passage.is_lost = passage.is_lost or fate.is_lost
        passage.is_doubled = passage.is_doubled or fate.is_doubled
        passage.late_seconds = max(passage.late_seconds, fate.late_seconds)

    def event_passage(self, route: Route, event: PushedEvent) -> Passage:
        """Where to count what is sent of an event."""
        return self._passage(self._rows, route, event)

    def foreign_passage(self, route: Route, event: PushedEvent) -> Passage:
        """Where to count what is sent of another account's event."""
        return self._passage(self._foreign, route, event)

    def as_json(self, name: str | None) -> Json:
        """For the control route; events of one name, or all."""
        return {
            "events": list(_describe(self._rows, name)),
            "foreign": list(_describe(self._foreign, name)),
            "garbage": self.garbage,
            "challenges": {"answered": self.challenges_answered, "failed": self.challenges_failed},
        }

    @staticmethod
    def _passage(rows: dict[str, _Row], route: Route, event: PushedEvent) -> Passage:
        row = rows.get(event.key)
        if row is None:
            row = rows[event.key] = _Row(event)
        passage = row.routes.get(route)
        if passage is None:
            passage = row.routes[route] = Passage()
        return passage


def _describe(rows: dict[str, _Row], name: str | None) -> Iterator[Json]:
    for row in rows.values():
        event = row.event
        if name is None or event.name == name:
            yield {
                "event": event.name,
                "event_ts": event.timestamp_ms,
                "engagement_id": event.engagement_id,
                "subject_id": event.subject_id,
                "identity": event.identity,
                "routes": {route: asdict(passage) for route, passage in row.routes.items()},
            }
