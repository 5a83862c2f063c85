"""The demo's near-real-time side: a receiver takes what the stand-in pushes, some of which is lost on purpose."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline.domain.window import day_of

if TYPE_CHECKING:
    from zcc_pipeline.domain.clock import Clock
    from zcc_pipeline.domain.ports import DifferenceRow
    from zcc_pipeline.pipeline.coverage import LandedCoverage
    from zcc_pipeline.pipeline.runtime import PipelineConfig, Runtime
    from zcc_pipeline.sources.receiver.serve import Listening

SECRET = "demo-secret-token"  # noqa: S105 - both ends are invented
FLOW_TOKEN = "demo-flow-token"  # noqa: S105
EVENT_SETTINGS = {
    "ZCC_WEBHOOK_SECRET_TOKENS": SECRET,
    "ZCC_FLOW_TOKENS": FLOW_TOKEN,
    "ZCC_RECEIVER_PORT": "0",
    "ZCC_METRICS_PORT": "0",
}
CHANCES = {
    "lost": 0.1,
    "doubled": 0.05,
    "late": 0.1,
    "reordered": 0.1,
    "wrong_signature": 0.01,
    "foreign_account": 0.005,
    "garbage": 0.001,
}
_START_SECONDS = 30
_PUSH_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was pushed, what of it was lost, and whether that was noticed."""

    events: int
    arrived: int
    faults: Mapping[str, int]
    differences: Sequence[DifferenceRow]
    second_look: int
    """Differences that a second pass found; none if the first was right."""
    unnoticed: Sequence[str]
    """Events that were lost, about something that polling found, without a difference that says so."""
    lines: Sequence[LandedCoverage]

    def count(self, outcome: str) -> int:
        """Differences with that outcome."""
        return sum(row.outcome == outcome for row in self.differences)

    @property
    def is_good(self) -> bool:
        """Whether every loss was noticed and nothing is open."""
        return not (self.count("failed") or self.second_look or self.unnoticed)


@contextmanager
def receiving(config: PipelineConfig, clock: Clock, *, websocket: bool = False) -> Iterator[Listening]:
    """The production receiver on a thread, for the length of a ``with`` block; as a listener, too, if told so."""
    from zcc_pipeline.pipeline.receiving import run_receiver
    from zcc_pipeline.transport.event_log import EventLog

    ready, said, failed = threading.Event(), [], []
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    with Path(os.devnull).open("wb") as nowhere:
        log = EventLog(nowhere, clock)

        def on_ready(listening: Listening) -> None:
            said.append(listening)
            ready.set()

        def receive() -> None:
            try:
                loop.run_until_complete(
                    run_receiver(config, clock=clock, log=log, stop=stop, websocket=websocket, on_ready=on_ready)
                )
            except Exception as error:  # noqa: BLE001 - raised again by whoever waits for the thread
                failed.append(error)
            finally:
                loop.close()
                ready.set()

        thread = threading.Thread(target=receive, name="demo-receiver", daemon=True)
        thread.start()
        try:
            if not ready.wait(_START_SECONDS) or not said:
                raise failed[0] if failed else PermanentError("the demo's receiver did not start")
            yield said[0]
        finally:
            if thread.is_alive():
                loop.call_soon_threadsafe(stop.set)
            thread.join()
            log.close()
    if failed:
        raise failed[0]


def push(control_url: str, listening: Listening, since: datetime, now: datetime) -> None:
    """Let the stand-in push what happened from then until now, some of it wrongly or not at all."""
    _control(
        f"{control_url}/push",
        {
            "from": since.isoformat(),
            "to": now.isoformat(),
            "webhook_url": listening.webhook_url,
            "secret": SECRET,
            "flow_url": listening.flow_url,
            "flow_token": FLOW_TOKEN,
            "faults": {"chances": CHANCES, "max_late_seconds": 3600},
            "speed": 3600,
            "wait_for": "settled",
        },
    )


def look_back(runtime: Runtime, control_url: str, days: Sequence[date]) -> Reconciled:
    """After the run: what it noticed, against what was really lost."""
    from zcc_pipeline.pipeline.coverage import compare_days, read_coverage
    from zcc_pipeline.pipeline.reconcile import reconcile
    from zcc_pipeline.reconciliation.differences import LATE

    again = reconcile(runtime, days, poll=False)
    truth, job = _control(f"{control_url}/push-truth"), _control(f"{control_url}/push")["jobs"][-1]
    rows = runtime.state.differences.on_days(days[0], days[-1])
    lines = read_coverage(runtime, days[0], days[-1])
    noticed = {(row.event, row.subject_id) for row in rows if row.direction == "only_polled"}
    arrived = {subject_of(event) for event in truth["events"] if has_arrived(event)}
    lost = {subject_of(event) for event in _subscribed(truth["events"], runtime)} - arrived
    due = runtime.clock.now() - LATE
    polled = {(one.event, one.subject_id) for one in compare_days(runtime, days).facts.expected if one.since <= due}
    return Reconciled(
        events=len(truth["events"]),
        arrived=sum(has_arrived(event) for event in truth["events"]),
        faults=job["faults"],
        differences=rows,
        second_look=len(again.detected),
        unnoticed=[f"{event} of {subject}" for event, subject in sorted((lost & polled) - noticed)],
        lines=lines,
    )


def _subscribed(events: Sequence[Mapping[str, Any]], runtime: Runtime) -> Iterator[Mapping[str, Any]]:
    """Those from the day on which the first of their kind arrived: until then nobody can tell a loss from an event that
    is not subscribed."""
    dated = [
        (day_of(datetime.fromtimestamp(event["event_ts"] / 1000, UTC), runtime.config.timezone), event)
        for event in events
    ]
    begins: dict[str, date] = {}
    for day, event in dated:
        if has_arrived(event):
            begins[event["event"]] = min(day, begins.get(event["event"], day))
    return (event for day, event in dated if begins.get(event["event"], date.max) <= day)


def reconciled_document(reconciled: Reconciled) -> dict[str, object]:
    """For scripts."""
    from zcc_pipeline.cli.coverage_table import coverage_rows

    return {
        "is_good": reconciled.is_good,
        "events": reconciled.events,
        "arrived": reconciled.arrived,
        "faults": dict(reconciled.faults),
        "coverage": coverage_rows(reconciled.lines),
        "differences": list(reconciled.differences),
        "second_look": reconciled.second_look,
        "unnoticed": list(reconciled.unnoticed),
    }


def subject_of(event: Mapping[str, Any]) -> tuple[str, str]:
    """What coverage calls the subject of an event of ``push-truth``: a disposition is one of its engagement."""
    from zcc_pipeline.reconciliation.coverage import DISPOSITION_ADDED

    name, subject_id, engagement_id = event["event"], event["subject_id"], event["engagement_id"]
    return name, f"{engagement_id}:{subject_id}" if name == DISPOSITION_ADDED else subject_id or engagement_id


def has_arrived(event: Mapping[str, Any]) -> bool:
    """Whether an event of ``push-truth`` was accepted at least once."""
    return any(route["accepted"] for route in event["routes"].values())


def _control(url: str, body: object = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"content-type": "application/json"})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=_PUSH_SECONDS) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
        return found
