"""``zcc listen``: take events over the WebSocket."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from zcc_pipeline.cli.demo_home import refuse_to_mix
from zcc_pipeline.cli.options import JsonOption
from zcc_pipeline.cli.receive import inbox_text
from zcc_pipeline.cli.screen import print_json, say
from zcc_pipeline.cli.stopping import stop_on_signals

if TYPE_CHECKING:
    from zcc_pipeline.pipeline.runtime import PipelineConfig


def listen(as_json: JsonOption = False) -> None:
    """Take what Zoom pushes over a WebSocket subscription; no address of yours has to be reached from outside.

    Needs ZCC_WEBSOCKET_URL and the app's credentials (docs/websocket.md). Zoom delivers nothing later that was missed:
    each time without a connection is noted, and polled afterwards. One listener for each subscription. It opens no
    port; `zcc receive --websocket` takes webhooks as well and serves metrics. Log lines go to standard error as JSON.
    It runs until Ctrl-C or SIGTERM.

    Examples:
        zcc listen
    """
    from zcc_pipeline.domain.clock import SystemClock
    from zcc_pipeline.pipeline.loop import run
    from zcc_pipeline.settings import load_settings, pipeline_config

    settings = load_settings()
    refuse_to_mix(settings)
    run(_listen(pipeline_config(settings, SystemClock()), as_json=as_json))


async def _listen(config: PipelineConfig, *, as_json: bool) -> None:
    from zcc_pipeline.domain.clock import SystemClock
    from zcc_pipeline.pipeline.receiving import run_listener
    from zcc_pipeline.transport.event_log import EventLog

    stop, clock = asyncio.Event(), SystemClock()
    log = EventLog(sys.stderr.buffer, clock)
    try:
        with stop_on_signals(stop):
            await run_listener(
                config, clock=clock, log=log, stop=stop, on_ready=lambda: announce(config, as_json=as_json)
            )
    finally:
        log.close()


def announce(config: PipelineConfig, *, as_json: bool) -> None:
    """Say that the inbox is ours and listening begins; whether it is connected is told by log lines."""
    if as_json:
        print_json({"inbox": inbox_text(config)})
    else:
        say(f"Listening into {inbox_text(config)}. Stop it with Ctrl-C.")
    sys.stdout.flush()
