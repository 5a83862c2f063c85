"""``zcc simulate --crm``: serve the stand-ins of CRMs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from zcc_pipeline.cli.screen import print_json, say
from zcc_pipeline.cli.stopping import until_stopped

if TYPE_CHECKING:
    from zcc_pipeline.simulator.crm.base import RunningStandIn

FIRST_PORT = 8889


class Crm(StrEnum):
    """Those that can be written to."""

    SALESFORCE = "salesforce"
    ZENDESK = "zendesk"
    SERVICENOW = "servicenow"
    DYNAMICS = "dynamics"
    HUBSPOT = "hubspot"


def default_port(crm: Crm) -> int:
    """One for each, so that all can run side by side."""
    return FIRST_PORT + list(Crm).index(crm)


def serve_crms(
    crms: Sequence[Crm], *, host: str, port: int | None, latency_ms: float, keep: Path | None, as_json: bool
) -> None:
    """Until stopped; several share this process, on ports of their own."""
    from zcc_pipeline.simulator.crm.base import CrmOptions, Faults, running
    from zcc_pipeline.simulator.crm.catalogue import make

    with ExitStack() as stack, until_stopped():
        served = []
        for number, crm in enumerate(crms):
            options = CrmOptions(
                faults=Faults(latency_ms=latency_ms), journal=keep / f"{crm.value}.journal" if keep else None
            )
            chosen = default_port(crm) if port is None else port and port + number
            served.append(stack.enter_context(running(make(crm.value, options), host=host, port=chosen)))
        _announce(served, as_json=as_json)
        threading.Event().wait()


def _announce(served: Sequence[RunningStandIn], *, as_json: bool) -> None:
    from zcc_pipeline.simulator.crm.catalogue import environment_of

    environment = {
        name: value for each in served for name, value in environment_of(each.standin.name, each.url).items()
    }
    if as_json:
        control = {each.standin.name: each.control_url for each in served}
        print_json({"environment": environment, "control_urls": control})
        sys.stdout.flush()
        return
    names = ", ".join(each.standin.name for each in served)
    say(f"Stand-in for {names}: empty, strict, on loopback.")
    say("\nPut this into .env (any credentials will do):\n")
    for name, value in environment.items():
        say(f"{name}={value}")
    say("\nThen, in another terminal:")
    for each in served:
        say(f"  zcc export {each.standin.name:<12} and look at {each.control_url}/records")
    say("Stop it with Ctrl-C.")
    sys.stdout.flush()
