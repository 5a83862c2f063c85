"""What comes for an erased engagement while the receiver runs: acknowledged, so that the sender is content, and kept
without its body. That it came is remembered by its dedupe key, which says nothing to whoever lacks the event itself.

The receiver has its own copy of the list of what was erased, in memory, and looks every few seconds whether it has
grown. Should an event have slipped in before the copy was new, its row is removed from the inbox afterwards, and
whoever applies the inbox looks at the list once more.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from zcc_pipeline.domain.card_data import redact_any
from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.domain.events import ERASED_BODY, PushedEvent, without_body
from zcc_pipeline.domain.suppression import SuppressionList
from zcc_pipeline.inbox import EventSink, Inbox, InboxHealth, Put
from zcc_pipeline.pipeline.runtime import PipelineConfig, Runtime

if TYPE_CHECKING:
    from zcc_pipeline.transport.event_log import EventLog

LOOK_EVERY = timedelta(seconds=5)
"""How often the list is looked at: one small query."""
FIRST_LOOK = timedelta(seconds=10)
"""How long receiving waits for a state store that does not answer."""


class DiscreetSink:
    """An inbox that keeps of an event for an erased engagement only that it came.

    With ``redacts`` it keeps bodies without the digits of cards; the dedupe key stays that of the bytes as they came.
    """

    def __init__(self, inbox: EventSink, *, redacts: bool = False) -> None:
        self._inbox, self._redacts = inbox, redacts
        self.erased = SuppressionList()

    async def put(self, event: PushedEvent) -> Put:
        """See ``EventSink``."""
        if self.erased and self.erased.is_about(event.engagement_id, event.body):
            event = without_body(event)
        elif self._redacts:  # half a millisecond for a usual event, and long ones must not keep others waiting
            event = replace(event, body=await asyncio.to_thread(redact_any, event.body))
        return await self._inbox.put(event)

    def health(self) -> InboxHealth:
        """See ``EventSink``."""
        return self._inbox.health()

    def note(self, name: str, at: datetime) -> None:
        """See ``EventSink``."""
        self._inbox.note(name, at)


class Watch:
    """Keeps the sink's list as new as the state store's; used as an asynchronous context manager."""

    def __init__(self, config: PipelineConfig, inbox: Inbox, *, clock: Clock, log: EventLog) -> None:
        self.sink = DiscreetSink(inbox, redacts=config.card_data == "redact")
        self._inbox, self._log = inbox, log
        self._runtime = Runtime(config, clock=clock)
        self._has_grown = False

    async def __aenter__(self) -> Watch:
        """Look for the first time. ``ConfigurationError`` where something was erased and the key is lost: who cannot
        recognise an erased engagement must not receive."""
        try:
            first = asyncio.to_thread(self._runtime.suppressed)
            self.sink.erased = await asyncio.wait_for(first, FIRST_LOOK.total_seconds())
        except ConfigurationError:
            self._runtime.close()
            raise
        except Exception as error:  # noqa: BLE001 a state store that is away must not keep events from being received
            self._log.line("error", "erased_not_known", error=type(error).__name__)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._runtime.close()

    async def follow(self, stop: asyncio.Event) -> None:
        """Look again and again, until ``stop`` is set."""
        said = ""
        while not await _stopped_within(stop, LOOK_EVERY.total_seconds()):
            try:
                await asyncio.to_thread(self.look)
            except Exception as error:  # noqa: BLE001 the list stays as it is, and receiving goes on
                if type(error).__name__ != said:
                    said = type(error).__name__
                    self._log.line("error", "erased_not_known", error=said)
            else:
                said = ""

    def look(self) -> None:
        """Take over what was erased since; what arrived too early for that goes with the next look, when everything
        put before is in the inbox."""
        if self._has_grown:
            removed = self._inbox.erase(self._is_theirs)
            self._has_grown = False
            if removed:
                self._log.line("info", "erased", rows=removed)
        latest = self._runtime.suppressed()
        if latest is not self.sink.erased:
            self.sink.erased, self._has_grown = latest, True
            self._log.line("info", "erased_known", ids=len(latest))

    def _is_theirs(self, _key: bytes, engagement_id: str | None, body: bytes | None) -> bool:
        return body != ERASED_BODY and self.sink.erased.is_about(engagement_id, body or b"")


async def _stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
