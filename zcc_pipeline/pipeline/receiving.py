"""The process that receives: one inbox, the intakes in front of it, its housekeeping, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.inbox import Inbox, InboxReader
from zcc_pipeline.pipeline.discretion import Watch
from zcc_pipeline.pipeline.listening import listen, require_subscription
from zcc_pipeline.pipeline.purging.inbox import erase_as_asked
from zcc_pipeline.pipeline.runtime import PipelineConfig, Runtime
from zcc_pipeline.sources.receiver.serve import Listening, require_secrets, serve
from zcc_pipeline.transport.event_log import EventLog, logging_into
from zcc_pipeline.transport.metrics import Registry

_PRUNE_SECONDS = 24 * 3600.0
_LOGGERS = {"zcc_pipeline": logging.INFO, "uvicorn": logging.WARNING}


async def run_receiver(
    config: PipelineConfig,
    *,
    clock: Clock,
    log: EventLog,
    stop: asyncio.Event,
    websocket: bool = False,
    on_ready: Callable[[Listening], None] | None = None,
) -> None:
    """Receive until ``stop`` is set, then finish what has begun, put it on disk and close.

    With ``websocket`` it listens to the subscription as well. What comes for an erased engagement is acknowledged and
    kept without its body. Raises ``ConfigurationError`` where a secret is missing, an address is taken, another process
    owns the inbox, or the key of the list of erased engagements is lost.
    """
    require_secrets(config.receiver)
    if websocket:
        require_subscription(config)
    config.home.mkdir(parents=True, exist_ok=True)
    registry = Registry()
    with logging_into(log, _LOGGERS):
        async with (
            Inbox.open(config.inbox_url, clock=clock) as inbox,
            Watch(config, inbox, clock=clock, log=log) as watch,
        ):
            await together(
                stop,
                serve(
                    config.receiver,
                    watch.sink,
                    clock=clock,
                    log=log,
                    registry=registry,
                    stop=stop,
                    on_ready=on_ready,
                ),
                prune_daily(config, inbox, clock=clock, log=log, stop=stop),
                erase_as_asked(config, inbox, clock=clock, log=log, stop=stop),
                watch.follow(stop),
                *([listen(config, watch.sink, clock=clock, registry=registry, stop=stop)] if websocket else []),
            )
        log.line("info", "stopped")


async def run_listener(
    config: PipelineConfig, *, clock: Clock, log: EventLog, stop: asyncio.Event, on_ready: Callable[[], None]
) -> None:
    """Listen to the WebSocket subscription alone, without any port, until ``stop`` is set.

    Raises ``ConfigurationError`` where a setting is missing, Zoom refuses the app, or another process owns the inbox.
    """
    require_subscription(config)
    config.home.mkdir(parents=True, exist_ok=True)
    with logging_into(log, _LOGGERS):
        async with (
            Inbox.open(config.inbox_url, clock=clock) as inbox,
            Watch(config, inbox, clock=clock, log=log) as watch,
        ):
            on_ready()
            await together(
                stop,
                watch.follow(stop),
                listen(config, watch.sink, clock=clock, registry=Registry(), stop=stop),
                prune_daily(config, inbox, clock=clock, log=log, stop=stop),
                erase_as_asked(config, inbox, clock=clock, log=log, stop=stop),
            )
        log.line("info", "stopped")


async def together(stop: asyncio.Event, *works: Coroutine[Any, Any, None]) -> None:
    """Do all of it side by side. When one fails the others are told to stop, and its error is raised once they have."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        stop.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome


async def prune_daily(
    config: PipelineConfig, inbox: Inbox, *, clock: Clock, log: EventLog, stop: asyncio.Event
) -> None:
    """At once and every day: drop what is applied and older than the retention."""
    while not stop.is_set():
        before = clock.now() - timedelta(days=config.inbox_retention_days)
        try:
            removed = await asyncio.to_thread(_prune, config, inbox, before, clock)
        except Exception as error:  # noqa: BLE001 whatever keeps it from tidying up must not keep it from receiving
            log.line("error", "prune_failed", error=type(error).__name__)
        else:
            log.line("info", "pruned", rows=removed, received_before=before)
        await _stopped_within(stop, _PRUNE_SECONDS)


def _prune(config: PipelineConfig, inbox: Inbox, before: datetime, clock: Clock) -> int:
    reader = InboxReader.open(config.inbox_url)
    try:
        inbox_id = reader.inbox_id
    finally:
        reader.close()
    if inbox_id is None:
        return 0
    with Runtime(config, clock=clock) as runtime:
        events = runtime.state.events

        def applied(seqs: Sequence[int]) -> set[int]:
            return events.applied(inbox_id, seqs)

        return inbox.prune(applied=applied, before=before)


async def _stopped_within(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
