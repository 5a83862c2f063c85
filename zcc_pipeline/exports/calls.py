"""One request to a CRM, what its refusal means, and the errors that come of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

import httpx

from zcc_pipeline.domain.errors import NotFound, PermanentError, QuotaExhausted, TransientError
from zcc_pipeline.exports.destination import FileMissing
from zcc_pipeline.exports.outcomes import Outcome, RemoteRef, Status

_LONGEST_MESSAGE = 2_000
_CODE = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)


class Safety(Enum):
    """What happens where the same call arrives twice."""

    READ = "read"
    """Nothing: it changes nothing."""
    REPEATABLE = "repeatable"
    """Nothing more than by the first: an upsert by key, a PUT, a PATCH."""
    ONCE = "once"
    """A second record, comment or file: never sent again unless it certainly did not arrive."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``path`` is relative to the session's base, its parts already escaped; an absolute URL is taken
    where its origin is the session's own (links to the next page)."""

    method: str
    path: str
    describe: str
    """Words for errors: ``upsert engagements``. Never an id, an address or a text of anybody's."""
    safety: Safety
    params: Mapping[str, str | int] | Sequence[tuple[str, str | int]] | None = field(default=None, repr=False)
    json: Any = field(default=None, repr=False)
    content: bytes | Callable[[], AsyncIterator[bytes]] | None = field(default=None, repr=False)
    """A body that is no JSON; a callable starts it from the beginning for every attempt. Give a ``Content-Length``
    among the headers where it is known: not every CRM takes a body in chunks."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    expect: frozenset[int] = frozenset()
    """Statuses besides 2xx that are an answer and no trouble."""
    lane: str | None = None
    """Name of a pace of its own (``search``), besides the one for all."""
    timeout_seconds: float | None = None
    """Longest whole exchange, where the session's own is not enough (uploads)."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The same call may succeed later. ``after`` is what the CRM asks for, in seconds."""

    after: float | None = None
    pause_all: bool = False
    """Nobody may call before that: going on would lengthen the wait."""
    was_not_done: bool = False
    """For a status of 500 and above: the CRM says that it certainly did nothing. (Below 500 that is so anyhow.)"""


@dataclass(frozen=True, slots=True)
class TokenExpired:
    """The token is no longer good, or never was."""


@dataclass(frozen=True, slots=True)
class DailyLimit:
    """Nothing more today. ``until`` in seconds, where known. Ends the run."""

    until: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The CRM understood and will not do it. ``message`` holds its own words, which may quote personal data."""

    code: str
    message: str = field(default="", repr=False)
    details: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NotThere:
    """What the call is about does not exist."""

    code: str = ""


Trouble = Retry | TokenExpired | DailyLimit | Refused | NotThere
"""What an answer that is no success means, as each CRM's own ``classify`` says."""

Classify = Callable[[httpx.Response, datetime], Trouble]


class CrmRefused(PermanentError):
    """The CRM refuses the call as it is. Its text holds status and code only; ``message`` and ``details`` are the
    CRM's own words for the quarantine, which may quote personal data."""

    def __init__(self, what: str, *, status: int, code: str, message: str = "", details: Any = None) -> None:  # noqa: ANN401
        self.code = safe_code(code) or f"http_{status}"
        super().__init__(f"{what}: {status} {self.code}".rstrip())
        self.status = status
        self.message = message[:_LONGEST_MESSAGE]
        self.details = details


class OutcomeUnknown(TransientError):
    """A write was sent, and nobody knows what became of it: to be looked up before it is sent again."""


class TimeSpent(QuotaExhausted):
    """The time that the run was given is over; what is left goes out in the next one."""


def safe_code(code: object) -> str:
    """A vendor's code if it looks like one; a sentence or a value that stands in its place is not repeated."""
    text = str(code)
    return text if _CODE.fullmatch(text) else ""


def failed(engagement_id: str, error: TransientError | PermanentError, *, remote: RemoteRef | None = None) -> Outcome:
    """The outcome of a record whose call failed. What concerns all records alike (a used-up day, wrong settings, a
    host that refuses everything) is raised again: ``QuotaExhausted`` is a ``TransientError`` too."""
    match error:
        case QuotaExhausted():
            raise error
        case OutcomeUnknown():
            return Outcome(engagement_id, Status.UNKNOWN, remote, code="no_answer")
        case CrmRefused():
            return Outcome(engagement_id, Status.FAILED_PERMANENT, remote, code=error.code, message=error.message)
        case FileMissing():
            return Outcome(engagement_id, Status.FAILED_PERMANENT, remote, code="file_missing", message=str(error))
        case NotFound():
            return Outcome(engagement_id, Status.FAILED_PERMANENT, remote, code="not_found", message=str(error))
        case TransientError():
            return Outcome(engagement_id, Status.FAILED_RETRYABLE, remote, code="no_success")
        case _:
            raise error
