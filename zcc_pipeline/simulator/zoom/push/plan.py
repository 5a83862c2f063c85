"""From events to deliveries: what is sent on which route, in which order, and what is wrong with it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from zcc_pipeline.simulator.zoom.push.event import PushedEvent, as_foreign
from zcc_pipeline.simulator.zoom.push.faults import Fate, Route
from zcc_pipeline.simulator.zoom.push.ledger import Ledger
from zcc_pipeline.simulator.zoom.push.requests import PushRequest

Kind = Literal["event", "foreign", "garbage", "challenge"]

_FOREIGN_ACCOUNT = "Fz1xN0tOurAccount_0000"


@dataclass(slots=True)
class Delivery:
    """One thing to send; ``tries`` counts as it is tried. ``event`` is what it is about, also for garbage."""

    route: Route
    kind: Kind
    event: PushedEvent | None
    body: bytes = field(repr=False)
    late_seconds: float = 0.0
    is_wrongly_signed: bool = False
    is_stale: bool = False
    tries: int = 0


def plan(
    events: Sequence[PushedEvent], request: PushRequest, ledger: Ledger, faults: Counter[str], planned: Counter[str]
) -> list[Delivery]:
    """Deliveries in the order of sending. Notes every event in the ledger and counts faults, and events by route."""
    found: list[Delivery] = []
    for route in request.routes:
        of_route = [
            event
            for event in events
            if event.is_of_flow == (route == "flow") and (not request.only or event.name in request.only)
        ]
        planned[route] += len(of_route)
        placed: list[tuple[float, Delivery]] = []
        for position, event in enumerate(of_route):
            fate = request.faults.fate(route, event.key, faults)
            ledger.plan(route, event, fate)
            place = position + fate.overtaken_by + 0.5 * bool(fate.overtaken_by)
            placed += [(place, delivery) for delivery in _deliveries(route, event, fate)]
        placed.sort(key=lambda pair: pair[0])
        ordered = [delivery for _, delivery in placed]
        found += list(_with_challenges(ordered, request.challenge_every)) if route == "webhook" else ordered
    return found


def _deliveries(route: Route, event: PushedEvent, fate: Fate) -> Iterator[Delivery]:
    if fate.is_lost:
        return
    for _ in range(2 if fate.is_doubled else 1):
        yield Delivery(route, "event", event, event.body, fate.late_seconds, fate.is_wrongly_signed, fate.is_stale)
    if fate.brings_foreign:
        foreign = as_foreign(event, _FOREIGN_ACCOUNT)
        yield Delivery(route, "foreign", foreign, foreign.body)
    if fate.brings_garbage:
        yield Delivery(route, "garbage", event, garbage(event))


def garbage(event: PushedEvent) -> bytes:
    """Bytes that are no event: cut off, not JSON, not an object, not text, empty."""
    forms = (
        event.body[: len(event.body) // 2],
        b"<html><body>502 Bad Gateway</body></html>",
        b'["' + event.key.encode() + b'"]',
        b"\xff\xfe" + event.body[:40],
        b'{"event": 7, "of": "' + event.key.encode() + b'"}',
    )
    return forms[hashlib.blake2b(event.key.encode(), digest_size=1).digest()[0] % len(forms)]


def _with_challenges(deliveries: Sequence[Delivery], every: int) -> Iterator[Delivery]:
    for number, delivery in enumerate(deliveries):
        if every and number % every == 0:
            yield Delivery("webhook", "challenge", None, b"")
        yield delivery
