"""How to run a CRM's stand-in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, Protocol

from zcc_pipeline.simulator.crm.base.faults import Faults
from zcc_pipeline.simulator.crm.base.limits import Limit

if TYPE_CHECKING:
    from zcc_pipeline.simulator.crm.base.answers import Answer
    from zcc_pipeline.simulator.crm.base.request import Request


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody the CRM knows: a customer, or an agent (a user who may own records)."""

    name: str
    email: str | None = None
    phone: str | None = None
    """In whatever spelling the CRM's users typed it."""
    kind: Literal["customer", "agent"] = "customer"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The only credentials let in."""

    client_id: str
    client_secret: str = field(repr=False)


class Definition(Protocol):
    """A published description of the CRM's API that requests and answers are held to."""

    def check_request(self, request: Request) -> list[str]:
        """What is wrong with it; nothing where the description does not know the operation."""
        ...

    def check_answer(self, request: Request, answer: Answer) -> list[str]:
        """What is wrong with an answer to that request."""
        ...


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class CrmOptions:
    """Everything is optional."""

    credentials: Credentials | None = None
    """Any unless told."""
    access_token: str | None = field(default=None, repr=False)
    """The only key let in, where the CRM hands out keys instead of a token endpoint; any unless told."""
    token_seconds: float = 3600
    limits: Mapping[str, Limit] | None = None
    """Rate limits by label; the CRM's own unless told, none where empty."""
    calls_at_once: int | None = None
    """The CRM's own unless told; 0 means any number."""
    people: tuple[Person, ...] = ()
    faults: Faults = field(default_factory=Faults)
    definition: Definition | None = None
    """A request that it calls wrong is refused and listed under ``violations`` of the state; an answer that it calls
    wrong is listed there as well, and sent."""
    journal: Path | None = None
    """File that keeps every call, so that a stand-in started again holds what it held; nothing is kept unless told."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The CRM's own options by name."""
    clock: Callable[[], datetime] = _now
    monotonic: Callable[[], float] = monotonic
