"""``zcc receive``: take webhooks and flow events."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zcc_pipeline.cli.demo_home import refuse_to_mix
from zcc_pipeline.cli.options import JsonOption
from zcc_pipeline.cli.screen import path_text, print_json, say
from zcc_pipeline.cli.stopping import stop_on_signals

if TYPE_CHECKING:
    from zcc_pipeline.pipeline.runtime import PipelineConfig
    from zcc_pipeline.sources.receiver.serve import Listening

PortOption = Annotated[
    int | None, typer.Option("--port", min=0, max=65_535, help="Port; 0 takes a free one. [ZCC_RECEIVER_PORT]")
]
MetricsPortOption = Annotated[
    int | None,
    typer.Option(
        "--metrics-port", min=0, max=65_535, help="Port of the metrics; 0 takes a free one. [ZCC_METRICS_PORT]"
    ),
]


def receive(
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on. [ZCC_RECEIVER_HOST]")] = None,
    port: PortOption = None,
    metrics_port: MetricsPortOption = None,
    websocket: Annotated[
        bool, typer.Option("--websocket", help="Also listen to the WebSocket subscription of ZCC_WEBSOCKET_URL.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Take what Zoom pushes: signed webhooks, and events of flow scripts. Each is on disk before it is acknowledged.

    At least one intake needs its secret: ZCC_WEBHOOK_SECRET_TOKENS, ZCC_FLOW_TOKENS. It speaks plain HTTP: put a proxy
    with TLS in front (docs/receiver.md tells how, and what to set in Zoom). Log lines go to standard error as JSON.
    It runs until Ctrl-C or SIGTERM, and then finishes what has begun.

    Examples:
        zcc receive
        zcc receive --host 0.0.0.0 --port 8080
        zcc receive --websocket
    """
    from zcc_pipeline.domain.clock import SystemClock
    from zcc_pipeline.pipeline.loop import run
    from zcc_pipeline.settings import load_settings, pipeline_config

    settings = load_settings()
    refuse_to_mix(settings)
    config = pipeline_config(settings, SystemClock())
    receiver = config.receiver
    receiver = replace(
        receiver,
        host=receiver.host if host is None else host,
        port=receiver.port if port is None else port,
        metrics_port=receiver.metrics_port if metrics_port is None else metrics_port,
    )
    run(_receive(replace(config, receiver=receiver), websocket=websocket, as_json=as_json))


async def _receive(config: PipelineConfig, *, websocket: bool, as_json: bool) -> None:
    from zcc_pipeline.domain.clock import SystemClock
    from zcc_pipeline.pipeline.receiving import run_receiver
    from zcc_pipeline.transport.event_log import EventLog

    stop, clock = asyncio.Event(), SystemClock()
    log = EventLog(sys.stderr.buffer, clock)
    try:
        with stop_on_signals(stop):
            await run_receiver(
                config,
                clock=clock,
                log=log,
                stop=stop,
                websocket=websocket,
                on_ready=lambda listening: announce(listening, config, as_json=as_json),
            )
    finally:
        log.close()


def announce(listening: Listening, config: PipelineConfig, *, as_json: bool) -> None:
    """Say where it is reached."""
    if as_json:
        print_json(asdict(listening))
    else:
        say(f"Receiving into {inbox_text(config)}.\n")
        say(f"  webhooks      {listening.webhook_url or 'not served: ZCC_WEBHOOK_SECRET_TOKENS is not set'}")
        say(f"  flow events   {listening.flow_url or 'not served: ZCC_FLOW_TOKENS is not set'}")
        say(f"  metrics       {listening.metrics_url}")
        say("\nZoom needs an https address: put a proxy with TLS in front. Stop it with Ctrl-C.")
    sys.stdout.flush()


def inbox_text(config: PipelineConfig) -> str:
    """Where events are kept, without the password of a database."""
    return "the database of ZCC_INBOX_URL" if "://" in config.inbox_url else path_text(Path(config.inbox_url))
