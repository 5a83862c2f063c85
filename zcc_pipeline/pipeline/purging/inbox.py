"""The inbox: whoever owns it removes what was received. That is this process where nobody receives now, and else the
receiver, which looks for purges every few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import TransientError
from zcc_pipeline.inbox import Inbox, InboxOwned, InboxReader
from zcc_pipeline.pipeline.purging.report import Removed
from zcc_pipeline.pipeline.purging.subject import Subject
from zcc_pipeline.pipeline.runtime import PipelineConfig, Runtime
from zcc_pipeline.transport.event_log import EventLog

PLACE = "inbox"
LOOK_EVERY = timedelta(seconds=5)
"""How often a receiver looks whether there is something to erase: one small query."""
PATIENCE = timedelta(seconds=60)
"""How long a purge waits for the receiver."""


def clear(runtime: Runtime, subject: Subject) -> Iterator[Removed]:
    """``TransientError`` where a receiver that owns the inbox has not done it in time."""
    if all(purge.is_out_of_inbox for purge in subject.purges):
        return
    try:
        removed = asyncio.run(_erase_as_owner(runtime, subject))
    except InboxOwned:
        asyncio.run(_wait_for_owner(runtime, subject))
        yield Removed(PLACE, "left to the receiver, which has removed them", len(subject.purges))
        return
    runtime.state.purges.mark_out_of_inbox(subject.engagement_ids)
    yield Removed(PLACE, "events", removed)


async def _erase_as_owner(runtime: Runtime, subject: Subject) -> int:
    with InboxReader.open(runtime.config.inbox_url) as reader:
        if reader.inbox_id is None:
            return 0
    async with Inbox.open(runtime.config.inbox_url, clock=runtime.clock) as inbox:
        return await asyncio.to_thread(inbox.erase, subject.owns_event)


async def _wait_for_owner(runtime: Runtime, subject: Subject) -> None:
    give_up_at = runtime.clock.monotonic() + PATIENCE.total_seconds()
    runtime.progress.start("waiting for the receiver", None)
    while runtime.clock.monotonic() < give_up_at:
        waiting = {each.engagement_id for each in runtime.state.purges.pending() if not each.is_out_of_inbox}
        if not waiting & subject.engagement_ids:
            runtime.progress.finish("waiting for the receiver")
            return
        await runtime.clock.sleep(0.5)
    runtime.progress.finish("waiting for the receiver")
    raise TransientError(
        f"the process that receives has not removed what it received within {PATIENCE.total_seconds():.0f} s; "
        "run this again, or stop that process first"
    )


async def erase_as_asked(
    config: PipelineConfig, inbox: Inbox, *, clock: Clock, log: EventLog, stop: asyncio.Event
) -> None:
    """For the process that owns the inbox, as long as it runs: carry out purges that others have begun."""
    said = ""
    while not await _stopped_within(stop, LOOK_EVERY.total_seconds()):
        try:
            removed = await asyncio.to_thread(_erase_pending, config, inbox, clock)
        except Exception as error:  # noqa: BLE001 whatever keeps it from erasing must not keep it from receiving
            if type(error).__name__ != said:
                said = type(error).__name__
                log.line("error", "erasing_failed", error=said)
        else:
            said = ""
            if removed is not None:
                log.line("info", "erased", rows=removed)


def _erase_pending(config: PipelineConfig, inbox: Inbox, clock: Clock) -> int | None:
    """How many rows; None where there was nothing to do."""
    with Runtime(config, clock=clock) as runtime:
        purges = runtime.state.purges
        if purges.is_empty():
            return None
        due = [each for each in purges.pending() if each.is_logged and not each.is_out_of_inbox]
        if not due:
            return None
        subject = Subject(due, purges.traces())
        removed = inbox.erase(subject.owns_event)
        purges.mark_out_of_inbox(subject.engagement_ids)
        return removed


async def _stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
