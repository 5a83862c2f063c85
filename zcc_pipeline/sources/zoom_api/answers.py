"""What an answer of Zoom's API means for the caller.

Codes: https://developers.zoom.us/docs/api/errors/ and the operations' own lists in Zoom's published definition.
Messages of Zoom are never repeated (they quote ids); only numbers and scope names are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from zcc_pipeline.domain.errors import NotFound, QuotaExhausted, ScopeMissing, TransientError, ZccPipelineError
from zcc_pipeline.sources.zoom_api.governor import seconds_to_midnight
from zcc_pipeline.transport import RequestRefused, json_or_none, parse_retry_after
from zcc_pipeline.transport.retry_after import LONGEST_SECONDS, is_date_time

SCOPE_CODES = frozenset({4700, 4711})
"""The token is valid and lacks a scope."""

NOT_FOUND_STATUSES = frozenset({404, 410, 444})
"""444: the survey was sent and nobody answered it."""

NOT_FOUND_CODES = frozenset({11004})
"""Codes that come with 400 and mean that the engagement does not exist."""

TRANSIENT_STATUSES = frozenset({408, 425})

_DAILY_SECONDS = 3600.0
_SCOPE_NAME = re.compile(r"\b[a-z][a-z_]{2,60}(?::[a-z][a-z_]{1,60}){1,3}\b")
_LONGEST_ERROR_BODY = 65_536


class UnauthorizedToken(TransientError):
    """Zoom does not take this token; a new one may help."""


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """Zoom's ``{"code", "message"}``, as far as it is there."""

    code: int | None = None
    message: str = ""


def parse_error_body(body: bytes) -> ErrorBody:
    """Whatever an error came with; an empty ``ErrorBody`` for HTML, cut JSON or nothing."""
    found = json_or_none(body[:_LONGEST_ERROR_BODY])
    if not isinstance(found, dict):
        return ErrorBody()
    code, message = found.get("code"), found.get("message")
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) < 10:
        code = int(code)
    return ErrorBody(
        code if isinstance(code, int) and not isinstance(code, bool) else None,
        message if isinstance(message, str) else "",
    )


def error_of(
    what: str,
    *,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    scopes: tuple[str, ...],
    now: datetime,
) -> ZccPipelineError:
    """The error by consequence for an answer that is no success. ``scopes``: what the operation needs, in case
    Zoom does not say."""
    parsed = parse_error_body(body)
    said = f"{what}: {status}" + (f" code {parsed.code}" if parsed.code is not None else "")
    if status == 429:
        return _too_many(said, headers, parsed, now)
    if status in (400, 401, 403) and (parsed.code in SCOPE_CODES or "scope" in parsed.message.lower()):
        named = tuple(dict.fromkeys(_SCOPE_NAME.findall(parsed.message))) or scopes
        return ScopeMissing(
            f"{said}: the app lacks a scope; what would do: {', '.join(named) or 'not named'}", scopes=named
        )
    if status == 401:
        return UnauthorizedToken(said)
    if status in NOT_FOUND_STATUSES or parsed.code in NOT_FOUND_CODES:
        return NotFound(said, http_status=status, code=parsed.code)
    if status >= 500 or status in TRANSIENT_STATUSES:
        return TransientError(said, retry_after_seconds=parse_retry_after(headers.get("retry-after"), now=now))
    return RequestRefused(said, http_status=status, code=parsed.code)


def _too_many(said: str, headers: Mapping[str, str], parsed: ErrorBody, now: datetime) -> TransientError:
    header = headers.get("retry-after")
    wait = parse_retry_after(header, now=now)
    if wait is None:
        wait = _until_reset(headers.get("x-ratelimit-reset", ""), now)
    is_daily = (
        "daily" in headers.get("x-ratelimit-type", "").lower()
        or "daily" in parsed.message.lower()
        or is_date_time(header)
        or (wait or 0.0) >= _DAILY_SECONDS
    )
    if is_daily:
        return QuotaExhausted(f"{said}, daily limit", retry_after_seconds=wait or seconds_to_midnight(now))
    return TransientError(f"{said}, too many per second", retry_after_seconds=wait)


def _until_reset(header: str, now: datetime) -> float | None:
    """``X-RateLimit-Reset`` has seconds since the epoch; it comes with some per-second answers instead of
    ``Retry-After``."""
    if not (header.isascii() and header.isdigit() and len(header) <= 10):
        return None
    return min(max(int(header) - now.timestamp(), 0.0), LONGEST_SECONDS)
