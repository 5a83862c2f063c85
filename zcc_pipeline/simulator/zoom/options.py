"""How to run the stand-in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from zcc_pipeline.simulator.zoom.account.spec import AccountSpec
from zcc_pipeline.simulator.zoom.faults import FaultProfileName
from zcc_pipeline.simulator.zoom.oauth import AcceptedCredentials
from zcc_pipeline.simulator.zoom.push.requests import PushRequest
from zcc_pipeline.simulator.zoom.rate_limits import Plan


@dataclass(frozen=True, kw_only=True)
class SimulatorOptions:
    """Everything but the account itself is optional; port 0 takes a free one."""

    spec: AccountSpec
    host: str = "127.0.0.1"
    port: int = 0
    public_host: str = ""
    """Host name in the URLs of answers; ``host`` unless told (needed where ``host`` is 0.0.0.0)."""
    file_host: str = ""
    """Host name that downloads redirect to; never that of the API. ``localhost`` beside an address, and the other way
    round.
    """
    plan: Plan = "pro"
    faults: FaultProfileName = "none"
    fault_seed: int = 0
    clock: Callable[[], datetime] | None = None
    """The account's own time; stands still at noon after its last day unless told."""
    latency_ms: float = 0
    """Waited before each API answer."""
    drip_seconds: float = 1.0
    """How long a dripping answer takes."""
    truth_path: Path | None = None
    """File that says what the account really contains; replaced whenever a control route changes the account."""
    credentials: AcceptedCredentials | None = None
    """The only credentials let in; any unless told."""
    scopes: frozenset[str] | None = None
    """Scopes of every token; all unless told."""
    token_lifetime_seconds: int = 3600
    page_token_lifetime_seconds: float = 900
    file_link_lifetime_seconds: float = 300
    heavy_calls_per_day: int | None = None
    """The daily cap of HEAVY calls; the plan's unless told."""
    push: PushRequest | None = None
    """What to push from the start; nothing unless told, here or by control."""
