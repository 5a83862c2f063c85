"""What Zendesk's refusals mean."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx

from zcc_pipeline.exports.session import DailyLimit, NotThere, Refused, Retry, TokenExpired, Trouble
from zcc_pipeline.transport import json_or_none, parse_retry_after

_OWN_LIMITS = frozenset({"TooManyJobs", "TooManyTicketUpdates"})
"""A 429 that speaks of jobs or of one ticket: calls of another kind may go on."""

PASSING = frozenset(
    {
        "UpdateConflict",
        "DatabaseConflict",
        "RecordConflict",
        "TicketUpdateConflict",
        "TooManyRequests",
        "TooManyTicketUpdates",
        "InternalError",
        "InternalServerError",
        "ServiceUnavailable",
        "Timeout",
    }
)
"""Words of a row that failed and may well succeed another time."""

_LONGEST_WAIT_SECONDS = 900.0
"""Zendesk counts by the minute, and by ten minutes for one ticket; whoever is told to wait longer comes another day."""

_CLOSED = "closed prevents ticket update"


def classify(response: httpx.Response, now: datetime) -> Trouble:
    """By consequence. 409 is another update at the same moment; the body may be anything."""
    code, message, details = read_error(response.content)
    status = response.status_code
    if status == 401:
        return TokenExpired()
    if status == 404:
        return NotThere(code)
    if status >= 500 or status in (408, 409, 423, 429):
        after = parse_retry_after(response.headers.get("retry-after"), now=now)
        if after is not None and after > _LONGEST_WAIT_SECONDS:
            return DailyLimit(after)
        return Retry(after, pause_all=status == 429 and code not in _OWN_LIMITS)
    return Refused(code, message, details)


def read_error(body: bytes) -> tuple[str, str, Any]:
    """Code, words and details of an error body; ``error`` is a word, or an object with a title and a message. Voice
    tickets are refused with a bare text."""
    found = json_or_none(body)
    if not isinstance(found, dict):
        return "", found if isinstance(found, str) else "", None
    error = found.get("error")
    if isinstance(error, dict):
        return str(error.get("title") or ""), str(error.get("message") or ""), None
    details = found.get("details")
    words = [str(found.get("description") or ""), *_said(details)]
    return str(error or ""), " ".join(word for word in words if word), details


def row_failure(row: dict[str, Any]) -> tuple[str, str]:
    """Code and words of a failed row of a job."""
    error = row.get("error")
    code = error.get("title") if isinstance(error, dict) else error
    words = " ".join(_said(row.get("details")) or _said(row.get("errors")))
    if isinstance(error, dict):
        words = f"{error.get('message') or ''} {words}".strip()
    if _CLOSED in words.lower():
        return "ticket_closed", words
    return str(code or "row_failed"), words


def _said(details: Any) -> list[str]:  # noqa: ANN401 - whatever Zendesk says
    """The sentences in details: a text, or lists of objects with a description, by field."""
    if isinstance(details, str):
        return [details]
    if isinstance(details, list):
        return [text for each in details for text in _said(each)]
    if isinstance(details, dict):
        if isinstance(details.get("description"), str):
            return [details["description"]]
        return [text for each in details.values() for text in _said(each)]
    return []
