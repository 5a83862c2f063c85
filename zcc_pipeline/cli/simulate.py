"""``zcc simulate``: serve the stand-in for Zoom."""

from __future__ import annotations

import os
import signal
import sys
import threading
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from zcc_pipeline.cli.options import JsonOption
from zcc_pipeline.cli.screen import print_json, say
from zcc_pipeline.cli.stopping import until_stopped

if TYPE_CHECKING:
    from zcc_pipeline.simulator.zoom.server import RunningSimulator


class Faults(StrEnum):
    """Profiles of what goes wrong."""

    NONE = "none"
    REALISTIC = "realistic"
    HARSH = "harsh"


class Plan(StrEnum):
    """Rate limits that the stand-in keeps."""

    PRO = "pro"
    BUSINESS = "business"
    UNLIMITED = "unlimited"


DaysOption = Annotated[int, typer.Option("--days", min=1, max=400, help="Days of data, the last of them yesterday.")]
LoadOption = Annotated[
    int, typer.Option("--engagements-per-day", min=1, max=200_000, help="Engagements on an average day.")
]
SeedOption = Annotated[int, typer.Option("--seed", help="The same seed is the same account, down to every id.")]
FaultsOption = Annotated[
    Faults, typer.Option("--faults", help="What goes wrong on the way: resets, 5xx, short bodies, repeated pages ...")
]


def simulate(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Port; 0 takes a free one.")] = 8888,
    days: DaysOption = 3,
    engagements_per_day: LoadOption = 400,
    seed: SeedOption = 7,
    faults: FaultsOption = Faults.NONE,
    plan: Annotated[Plan, typer.Option("--plan", help="Rate limits to keep, as Zoom's plans have them.")] = Plan.PRO,
    latency_ms: Annotated[float, typer.Option("--latency-ms", min=0, help="Wait so long before each answer.")] = 0,
    truth: Annotated[
        Path | None,
        typer.Option("--truth", metavar="FILE", help="Write what the account really contains, to compare against."),
    ] = None,
    until_stdin_closes: Annotated[bool, typer.Option("--until-stdin-closes", hidden=True)] = False,
    as_json: JsonOption = False,
) -> None:
    """Serve a stand-in for Zoom Contact Center: same operations, same limits, no account needed.

    It listens on loopback, prints the settings that point the pipeline at it, and runs until Ctrl-C. Any credentials
    are accepted. Days are cut in ZCC_TIMEZONE.

    Examples:
        zcc simulate
        zcc simulate --days 30 --engagements-per-day 2000 --faults harsh --truth truth.json
    """
    from zcc_pipeline.domain.clock import SystemClock
    from zcc_pipeline.domain.window import day_of
    from zcc_pipeline.settings import load_settings
    from zcc_pipeline.simulator.zoom.account.spec import AccountSpec
    from zcc_pipeline.simulator.zoom.options import SimulatorOptions
    from zcc_pipeline.simulator.zoom.server import serve

    timezone = load_settings().timezone
    yesterday = day_of(SystemClock().now(), ZoneInfo(timezone)) - timedelta(days=1)
    spec = AccountSpec(
        last_day=yesterday, seed=seed, days=days, engagements_per_day=engagements_per_day, timezone=timezone
    )
    options = SimulatorOptions(
        spec=spec,
        host=host,
        port=port,
        plan=plan.value,
        faults=faults.value,
        latency_ms=latency_ms,
        truth_path=truth,
    )
    if until_stdin_closes:
        threading.Thread(target=_end_with_parent, daemon=True).start()

    def on_ready(running: RunningSimulator) -> None:
        announce(running, plan, as_json=as_json)

    with until_stopped():  # the server catches the signal, ends its answers, and then lets it through to here
        serve(options, on_ready=on_ready)


def environment_of(running: RunningSimulator, plan: Plan) -> dict[str, str]:
    """The settings that point the pipeline at a stand-in.

    Its host for files is left out of the download hosts on purpose: addresses there are signed, and whoever sends the
    token along is refused.
    """
    return {
        "ZCC_ZOOM_API_URL": running.api_url,
        "ZCC_ZOOM_OAUTH_URL": running.oauth_url,
        "ZCC_ZOOM_ACCOUNT_ID": "stand-in",
        "ZCC_ZOOM_CLIENT_ID": "any",
        "ZCC_ZOOM_CLIENT_SECRET": "any",
        "ZCC_ZOOM_PLAN": plan.value,
        "ZCC_ZOOM_DOWNLOAD_HOSTS": running.api_host,
    }


def announce(running: RunningSimulator, plan: Plan, *, as_json: bool) -> None:
    """Say where it is and how to use it."""
    account, environment = running.standin.account, environment_of(running, plan)
    spec = account.spec
    if as_json:
        print_json(
            {
                "environment": environment,
                "control_url": running.control_url,
                "first_day": spec.first_day,
                "last_day": spec.last_day,
            }
        )
        sys.stdout.flush()
        return
    say(f"Zoom Contact Center stand-in: {len(account.engagements):,} engagements, {spec.first_day} to {spec.last_day}.")
    say("\nPut this into .env (any credentials will do):\n")
    for name, value in environment.items():
        say(f"{name}={value}")
    say(f"\nThen, in another terminal:  zcc run --from {spec.first_day} --to {spec.last_day}")
    say("Stop it with Ctrl-C.")
    sys.stdout.flush()


def _end_with_parent() -> None:
    """Whoever started this process holds the other end of its standard input; when they die, so does it."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
