"""What somebody wants pushed, where, and how badly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, cast

from zcc_pipeline.simulator.zoom.faults import FaultProfileName
from zcc_pipeline.simulator.zoom.push.faults import CHANCES, MAX_LATE_SECONDS, PushFaultKind, PushFaults, Route
from zcc_pipeline.simulator.zoom.push.flow_events import FORGOTTEN
from zcc_pipeline.simulator.zoom.push.loopback import Address

WaitFor = Literal["settled", "first_tries", "nothing"]
_WAITS = ("settled", "first_tries", "nothing")
_FIELDS = frozenset(
    {
        "from", "to", "days", "webhook_url", "secret", "flow_url", "flow_token", "websocket", "faults", "speed",
        "concurrency", "challenge_every", "only", "flows_without_script", "follow", "wait_for",
    }
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PushRequest:
    """The fields of ``POST /_control/push``; see there. ``ValueError`` where they make no sense."""

    webhook_url: str = ""
    secret: str = field(default="", repr=False)
    flow_url: str = ""
    flow_token: str = field(default="", repr=False)
    websocket: Literal["", "string", "object"] = ""
    start: datetime | None = None
    end: datetime | None = None
    days: frozenset[date] = frozenset()
    faults: PushFaults = field(default_factory=PushFaults)
    speed: float = 1000.0
    concurrency: int = 16
    challenge_every: int = 0
    only: frozenset[str] = frozenset()
    flows_without_script: frozenset[str] = FORGOTTEN
    follow: bool = True

    def __post_init__(self) -> None:
        if not self.routes:
            raise ValueError("tell where to push: webhook_url, flow_url or websocket")
        if self.webhook_url and not self.secret:
            raise ValueError("webhook_url needs a secret to sign with")
        if self.flow_url and not self.flow_token:
            raise ValueError("flow_url needs a flow_token")
        for url in (self.webhook_url, self.flow_url):
            if url:
                Address.parse(url)
        if self.speed <= 0 or self.concurrency < 1 or self.challenge_every < 0:
            raise ValueError("speed is above 0, concurrency at least 1 and challenge_every at least 0")
        if self.days and (self.start or self.end):
            raise ValueError("either days, or from and to")
        if any(each is not None and each.tzinfo is None for each in (self.start, self.end)):
            raise ValueError("from and to need a time zone, such as Z")

    @property
    def routes(self) -> tuple[Route, ...]:
        """Which ways events go."""
        wanted: dict[Route, object] = {
            "webhook": self.webhook_url,
            "websocket": self.websocket,
            "flow": self.flow_url,
        }
        return tuple(route for route, target in wanted.items() if target)


def parse_request(body: Mapping[str, Any], *, seed: int) -> PushRequest:
    """A request from its JSON; ``seed`` is that of the faults unless they name one."""
    if unknown := set(body) - _FIELDS:
        raise ValueError(f"no such field: {', '.join(sorted(unknown))}")
    websocket = body.get("websocket", False)
    if websocket not in {True, False, "string", "object"}:
        raise ValueError('websocket is true, false, "string" or "object"')
    return PushRequest(
        webhook_url=str(body.get("webhook_url", "")),
        secret=str(body.get("secret", "")),
        flow_url=str(body.get("flow_url", "")),
        flow_token=str(body.get("flow_token", "")),
        websocket="object" if websocket == "object" else "string" if websocket else "",
        start=_moment(body, "from"),
        end=_moment(body, "to"),
        days=frozenset(date.fromisoformat(day) for day in body.get("days", ())),
        faults=parse_faults(body.get("faults", "none"), seed=seed),
        speed=float(body.get("speed", 1000)),
        concurrency=int(body.get("concurrency", 16)),
        challenge_every=int(body.get("challenge_every", 0)),
        only=frozenset(body.get("only", ())),
        flows_without_script=frozenset(body.get("flows_without_script", FORGOTTEN)),
        follow=bool(body.get("follow", True)),
    )


def parse_wait(body: Mapping[str, Any]) -> WaitFor:
    """For what the answer waits."""
    wait = body.get("wait_for", "settled")
    if wait not in _WAITS:
        raise ValueError(f"wait_for is one of {', '.join(_WAITS)}")
    return cast("WaitFor", wait)


def parse_faults(given: str | Mapping[str, Any], *, seed: int) -> PushFaults:
    """The name of a profile, or a profile with single chances of other size."""
    told: Mapping[str, Any] = {"profile": given} if isinstance(given, str) else given
    profile = told.get("profile", "none")
    if profile not in CHANCES:
        raise ValueError(f"a profile is one of {', '.join(CHANCES)}")
    chances = CHANCES[cast("FaultProfileName", profile)] | {
        PushFaultKind(kind): float(chance) for kind, chance in told.get("chances", {}).items()
    }
    return PushFaults(
        chances=chances,
        seed=int(told.get("seed", seed)),
        max_late_seconds=float(told.get("max_late_seconds", MAX_LATE_SECONDS)),
    )


def _moment(body: Mapping[str, Any], name: str) -> datetime | None:
    return datetime.fromisoformat(body[name]) if name in body else None
