"""Pushes events: those of a span when asked, and afterwards those of what control does to the account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from zcc_pipeline.simulator.zoom.account.account import Account
from zcc_pipeline.simulator.zoom.push.engagement_events import note_added
from zcc_pipeline.simulator.zoom.push.event import Maker, PushedEvent
from zcc_pipeline.simulator.zoom.push.events import events_between, events_of_days
from zcc_pipeline.simulator.zoom.push.file_events import deletion_events, voicemail_deleted
from zcc_pipeline.simulator.zoom.push.job import Job
from zcc_pipeline.simulator.zoom.push.ledger import Ledger
from zcc_pipeline.simulator.zoom.push.loopback import Address, Connection
from zcc_pipeline.simulator.zoom.push.requests import PushRequest
from zcc_pipeline.simulator.zoom.push.sending import Outside, send_challenge
from zcc_pipeline.simulator.zoom.push.websocket import WebSocketHub


class Pusher:
    """All pushing of one stand-in. Everything but the constructor runs on the server's event loop."""

    def __init__(
        self,
        account: Account,
        hub: WebSocketHub,
        *,
        base_url: str,
        monotonic: Callable[[], float],
        wall_clock: Callable[[], datetime],
    ) -> None:
        self._account, self._base_url = account, base_url
        self._outside = Outside(Ledger(), hub, monotonic, wall_clock)
        self._tasks: set[asyncio.Task[None]] = set()
        self._followed: PushRequest | None = None
        self.jobs: list[Job] = []

    @property
    def ledger(self) -> Ledger:
        """What was pushed so far."""
        return self._outside.ledger

    @property
    def latest(self) -> PushRequest | None:
        """The latest request that wants to be told of changes, too."""
        return self._followed

    def push(self, request: PushRequest) -> Job:
        """Begin to send the events that a request names."""
        if request.follow:
            self._followed = request
        return self._begin(self._events(request), request)

    async def challenge(self, url: str, secret: str) -> dict[str, Any]:
        """Ask a receiver to prove that it knows the secret."""
        connection = Connection(Address.parse(url), monotonic=self._outside.monotonic)
        try:
            return await send_challenge(self._outside, connection, secret)
        finally:
            connection.close()

    def note_was_added(self, engagement_id: str, note_id: str) -> None:
        """Tell of a note that was just written."""
        engagement = self._account.engagement(engagement_id)
        if engagement is not None:
            self._announce(
                note_added(self._maker(), engagement, note) for note in engagement.notes if note.note_id == note_id
            )

    def recordings_were_deleted(self, recording_ids: Iterable[str]) -> None:
        """Tell of recordings that were just deleted; not of those that had gone before."""
        found = [self._account.recording(recording_id) for recording_id in recording_ids]
        now = self._account.now().replace(microsecond=0)
        self._announce(
            event
            for recording in found
            if recording is not None
            for event in deletion_events(self._maker(), recording)
            if event.at.replace(microsecond=0) == now
        )

    def voicemail_was_deleted(self, message_id: str) -> None:
        """Tell of a voicemail that was just marked deleted."""
        voicemail = self._account.voicemail(message_id)
        if voicemail is not None:
            self._announce([voicemail_deleted(self._maker(), voicemail)])

    def time_passed(self, since: datetime) -> None:
        """Tell what happened after ``since``."""
        if self._followed is not None:
            start = since.replace(microsecond=0) + timedelta(seconds=1)
            without = self._followed.flows_without_script
            self._announce(
                events_between(self._account, self._base_url, start, self._account.now(), without_script=without)
            )

    async def close(self) -> None:
        """Stop sending, whatever is left."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _events(self, request: PushRequest) -> list[PushedEvent]:
        account, without = self._account, request.flows_without_script
        if request.days:
            return events_of_days(account, self._base_url, request.days, without_script=without)
        start = request.start or datetime.min.replace(tzinfo=account.now().tzinfo)
        return events_between(account, self._base_url, start, request.end or account.now(), without_script=without)

    def _announce(self, events: Iterable[PushedEvent]) -> None:
        if self._followed is not None:
            found = list(events)
            if found:
                self._begin(found, self._followed)

    def _begin(self, events: Sequence[PushedEvent], request: PushRequest) -> Job:
        job = Job(len(self.jobs) + 1, events, request, self._outside)
        self.jobs.append(job)
        task = asyncio.get_running_loop().create_task(job.run(), name=f"push-{job.number}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def _maker(self) -> Maker:
        return Maker(self._account.population.account_id, self._base_url)
