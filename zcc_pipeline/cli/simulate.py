"""``zcc simulate``: serve the stand-in for Zoom, or those of CRMs."""

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
from zcc_pipeline.cli.simulate_crm import Crm, serve_crms
from zcc_pipeline.cli.stopping import until_stopped

if TYPE_CHECKING:
    from zcc_pipeline.settings import Settings
    from zcc_pipeline.simulator.zoom.account.spec import AccountSpec
    from zcc_pipeline.simulator.zoom.options import SimulatorOptions
    from zcc_pipeline.simulator.zoom.push.requests import PushRequest
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


CRM_OPTIONS = frozenset({"crm", "keep", "host", "port", "latency_ms", "until_stdin_closes", "as_json"})
"""Those that mean something to the stand-in of a CRM."""


HostOption = Annotated[str, typer.Option("--host", help="Address to listen on.")]
PortOption = Annotated[
    int, typer.Option("--port", min=0, max=65_535, help="Port; 0 takes a free one. CRMs start at 8889.")
]
PlanOption = Annotated[Plan, typer.Option("--plan", help="Rate limits to keep, as Zoom's plans have them.")]
LatencyOption = Annotated[float, typer.Option("--latency-ms", min=0, help="Wait so long before each answer.")]
TruthOption = Annotated[
    Path | None,
    typer.Option("--truth", metavar="FILE", help="Write what the account really contains, to compare against."),
]
PushToOption = Annotated[
    str, typer.Option("--push-to", metavar="URL", help="Also send all events so far there, as signed webhooks.")
]
SecretOption = Annotated[
    str, typer.Option("--webhook-secret", help="Signs them; without it the first of ZCC_WEBHOOK_SECRET_TOKENS does.")
]
FlowToOption = Annotated[
    str, typer.Option("--flow-to", metavar="URL", help="Also send there what the scripts in flows post.")
]
FlowTokenOption = Annotated[
    str, typer.Option("--flow-token", help="Their bearer token; without it the first of ZCC_FLOW_TOKENS.")
]
PushFaultsOption = Annotated[
    Faults, typer.Option("--push-faults", help="What goes wrong with events: lost, doubled, late, wrong order ...")
]
CrmOption = Annotated[
    list[Crm] | None, typer.Option("--crm", help="Serve a CRM's stand-in instead; may be given several times.")
]
KeepOption = Annotated[
    Path | None,
    typer.Option("--keep", metavar="FOLDER", help="Of a CRM: remember there what was written to it."),
]
StdinOption = Annotated[bool, typer.Option("--until-stdin-closes", hidden=True)]


def simulate(
    context: typer.Context,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8888,
    days: DaysOption = 3,
    engagements_per_day: LoadOption = 400,
    seed: SeedOption = 7,
    faults: FaultsOption = Faults.NONE,
    plan: PlanOption = Plan.PRO,
    latency_ms: LatencyOption = 0,
    truth: TruthOption = None,
    push_to: PushToOption = "",
    webhook_secret: SecretOption = "",
    flow_to: FlowToOption = "",
    flow_token: FlowTokenOption = "",
    push_faults: PushFaultsOption = Faults.NONE,
    crm: CrmOption = None,
    keep: KeepOption = None,
    until_stdin_closes: StdinOption = False,
    as_json: JsonOption = False,
) -> None:
    """Serve a stand-in for Zoom Contact Center, or a CRM's: same operations, same limits, no account needed.

    It listens on loopback, prints the settings that point the pipeline at it, and runs until Ctrl-C. Any credentials
    are accepted. Days are cut in ZCC_TIMEZONE. Events go to loopback addresses only: first everything that has
    happened so far, then what is done to the account through the control routes. Zoom's waits between retries are a
    thousandth of the real ones. A CRM is empty at first and forgets everything at its end; look at what was written to
    it under /_control/records.

    Examples:
        zcc simulate
        zcc simulate --days 30 --engagements-per-day 2000 --faults harsh --truth truth.json
        zcc simulate --push-to http://127.0.0.1:8080/webhooks/zoom --push-faults realistic
        zcc simulate --crm salesforce
    """
    if until_stdin_closes:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    if crm or keep:
        _refuse_others(context, crm)
        wanted = port if is_given(context, "port") else None
        serve_crms(crm or [], host=host, port=wanted, latency_ms=latency_ms, keep=keep, as_json=as_json)
        return
    from zcc_pipeline.settings import load_settings
    from zcc_pipeline.simulator.zoom.options import SimulatorOptions

    settings = load_settings()
    options = SimulatorOptions(
        spec=_account(settings.timezone, days, engagements_per_day, seed),
        host=host,
        port=port,
        plan=plan.value,
        faults=faults.value,
        latency_ms=latency_ms,
        truth_path=truth,
        push=_push_request(settings, push_to, webhook_secret, flow_to, flow_token, push_faults),
    )
    _serve(options, plan, as_json=as_json)


def _account(timezone: str, days: int, engagements_per_day: int, seed: int) -> AccountSpec:
    from zcc_pipeline.domain.clock import SystemClock
    from zcc_pipeline.domain.window import day_of
    from zcc_pipeline.simulator.zoom.account.spec import AccountSpec

    yesterday = day_of(SystemClock().now(), ZoneInfo(timezone)) - timedelta(days=1)
    return AccountSpec(
        last_day=yesterday, seed=seed, days=days, engagements_per_day=engagements_per_day, timezone=timezone
    )


def _serve(options: SimulatorOptions, plan: Plan, *, as_json: bool) -> None:
    from zcc_pipeline.simulator.zoom.server import serve

    def on_ready(running: RunningSimulator) -> None:
        announce(running, plan, as_json=as_json)

    with until_stopped():  # the server catches the signal, ends its answers, and then lets it through to here
        serve(options, on_ready=on_ready)


def is_given(context: typer.Context, name: str) -> bool:
    """Whether somebody typed that option."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _refuse_others(context: typer.Context, crms: list[Crm] | None) -> None:
    """Wrong usage where an option would have no effect."""
    if not crms:
        raise typer.BadParameter("only CRMs can be told to remember; name one with --crm.", param_hint="--keep")
    for name in context.params:
        if name not in CRM_OPTIONS and is_given(context, name):
            shown = "--" + name.replace("_", "-")
            raise typer.BadParameter("says nothing to the stand-in of a CRM.", param_hint=shown)


def _push_request(
    settings: Settings, push_to: str, webhook_secret: str, flow_to: str, flow_token: str, faults: Faults
) -> PushRequest | None:
    """What to push from the start; wrong usage where an address is not on loopback or a secret is missing."""
    from zcc_pipeline.simulator.zoom.push.requests import PushRequest, parse_faults

    if not push_to and not flow_to:
        return None
    secrets = [each.get_secret_value() for each in settings.webhook_secret_tokens]
    tokens = [each.get_secret_value() for each in settings.flow_tokens]
    if push_to and not (webhook_secret or secrets):
        raise typer.BadParameter(
            "needed to sign webhooks; or set ZCC_WEBHOOK_SECRET_TOKENS.", param_hint="--webhook-secret"
        )
    if flow_to and not (flow_token or tokens):
        raise typer.BadParameter("needed to post as flows do; or set ZCC_FLOW_TOKENS.", param_hint="--flow-token")
    try:
        return PushRequest(
            webhook_url=push_to,
            secret=webhook_secret or next(iter(secrets), ""),
            flow_url=flow_to,
            flow_token=flow_token or next(iter(tokens), ""),
            faults=parse_faults(faults.value, seed=0),
        )
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint="--push-to, --flow-to") from None


def environment_of(running: RunningSimulator, plan: Plan) -> dict[str, str]:
    """The settings that point the pipeline at a stand-in.

    Its host for files is left out of the download hosts on purpose: addresses there are signed, and whoever sends the
    token along is refused.
    """
    return {
        "ZCC_ZOOM_API_URL": running.api_url,
        "ZCC_ZOOM_OAUTH_URL": running.oauth_url,
        "ZCC_ZOOM_ACCOUNT_ID": running.standin.account.population.account_id,
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
                "websocket_url": running.websocket_url,
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
    say(f"\nIts events come to ZCC_WEBSOCKET_URL={running.websocket_url}")
    say(f"\nThen, in another terminal:  zcc run --from {spec.first_day} --to {spec.last_day}")
    say("Stop it with Ctrl-C.")
    sys.stdout.flush()


def _end_with_parent() -> None:
    """Whoever started this process holds the other end of its standard input; when they die, so does it."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
