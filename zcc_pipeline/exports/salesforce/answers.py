"""What Salesforce's answers mean for whoever called, and for one row of many.

Errors of a call are a JSON array of ``{"message", "errorCode", "fields"}``; of a row ``{"statusCode", …}``. Messages
quote the values they refuse, so they go to the quarantine only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from zcc_pipeline.exports.calls import DailyLimit, NotThere, Refused, Retry, TokenExpired, Trouble, safe_code
from zcc_pipeline.transport import json_or_none, parse_retry_after

LOCKED = "UNABLE_TO_LOCK_ROW"
TOO_LONG = "STRING_TOO_LONG"
DUPLICATE = "DUPLICATE_VALUE"

_BUSY = frozenset({LOCKED, "SERVER_UNAVAILABLE", "REQUEST_RUNNING_TOO_LONG", "QUERY_TIMEOUT"})
_NOT_DONE = frozenset({LOCKED, "SERVER_UNAVAILABLE"})
_LIMIT = "REQUEST_LIMIT_EXCEEDED"
_CROWDED = "concurrent"
"""In the message of the limit on calls at once, which shares its code with the day's: only this tells them apart."""

LATER_CODES = frozenset(
    {
        *_BUSY,
        "INACTIVE_OWNER_OR_USER",
        "ENTITY_IS_DELETED",
        "INVALID_CROSS_REFERENCE_KEY",
        "STORAGE_LIMIT_EXCEEDED",
        "APEX_DATA_ACCESS_RESTRICTION",
        "UNKNOWN_EXCEPTION",
        "TXN_SECURITY_METERING_ERROR",
        "BULK_UPLOAD_FAILED",
        "BULK_NOT_PROCESSED",
    }
)
"""Rows that may go through in the next run though nothing about them has changed: a user, a contact or the org's
storage is in their way."""

_LIMIT_INFO = re.compile(r"api-usage=(\d+)/(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row was refused. ``message`` may quote personal data."""

    code: str
    message: str = field(default="", repr=False)
    fields: tuple[str, ...] = ()

    @property
    def is_busy(self) -> bool:
        """Somebody else holds the row, or one it refers to; a trigger that ran into that says so in its message."""
        return self.code in _BUSY or LOCKED in self.message

    @property
    def may_pass_later(self) -> bool:
        """Not the row's own fault."""
        return self.is_busy or self.code in LATER_CODES


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row."""

    id: str | None
    is_created: bool
    problem: Problem | None = None
    is_unknown: bool = False
    """It was sent, and no answer came."""


def classify(response: httpx.Response, now: datetime) -> Trouble:
    """For the session. A 403 is the day's limit, too many calls at once, or a missing permission."""
    status = response.status_code
    error = _first_error(response.content)
    after = parse_retry_after(response.headers.get("retry-after"), now=now)
    if status == 401:
        return TokenExpired()
    if error.code == _LIMIT and _CROWDED not in error.message.lower():
        return DailyLimit(after)
    if error.code == _LIMIT or status == 429:
        return Retry(after, pause_all=True)
    if error.code in _BUSY or status >= 500 or status in (408, 425):
        return Retry(after, was_not_done=error.code in _NOT_DONE)
    return NotThere(error.code) if status == 404 else Refused(error.code, error.message, error.fields)


def read_results(content: Any, count: int) -> list[RowResult] | None:  # noqa: ANN401 - whatever came
    """The results of a collection, in the order of its rows; None where the answer is not one for each."""
    if not isinstance(content, list) or len(content) != count:
        return None
    results = [_row_result(each) for each in content]
    return None if any(each is None for each in results) else [each for each in results if each is not None]


def bulk_problem(text: str) -> Problem:
    """``CODE:message:fields`` of a job's failed rows."""
    code, _, rest = text.partition(":")
    message, _, fields = rest.rpartition(":")
    named = tuple(name for name in fields.split() if name != "--")
    return Problem(safe_code(code) or "UNKNOWN_EXCEPTION", message or rest, named)


def read_usage(response: httpx.Response) -> tuple[int, int] | None:
    """Calls of the last 24 hours and how many there may be, which stand on each answer."""
    found = _LIMIT_INFO.search(response.headers.get("sforce-limit-info", ""))
    return (int(found[1]), int(found[2])) if found else None


def _row_result(found: Any) -> RowResult | None:  # noqa: ANN401
    if not isinstance(found, dict):
        return None
    record_id = found.get("id")
    if found.get("success") is True and isinstance(record_id, str):
        return RowResult(record_id, found.get("created") is True)
    errors = found.get("errors")
    if found.get("success") is not False:
        return None
    return RowResult(None, is_created=False, problem=_problem(errors, "statusCode"))


def _first_error(body: bytes) -> Problem:
    return _problem(json_or_none(body[:65_536]), "errorCode")


def _problem(errors: Any, name: str) -> Problem:  # noqa: ANN401
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return Problem("")
    fields = first.get("fields")
    named = tuple(str(each) for each in fields) if isinstance(fields, Sequence) and not isinstance(fields, str) else ()
    messages = [str(each.get("message") or "") for each in errors if isinstance(each, dict)]
    return Problem(safe_code(first.get(name) or ""), "; ".join(filter(None, messages)), named)
