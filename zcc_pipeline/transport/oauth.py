"""What the answers of an OAuth token endpoint say, Zoom's or a CRM's; never a value that could be somebody's secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zcc_pipeline.transport.errors import MalformedAnswer
from zcc_pipeline.transport.json_body import json_or_none

_KNOWN_ERRORS = frozenset(
    {
        "invalid_client",
        "invalid_client_id",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "inactive_user",
        "unauthorized_client",
        "unsupported_grant_type",
        "access_denied",
        "server_error",
    }
)


def read_token(body: bytes, what: str) -> tuple[str, Mapping[str, Any]]:
    """The access token, fit for a header, and the answer that it came in; ``MalformedAnswer`` where there is none."""
    found = json_or_none(body)
    value = found.get("access_token") if isinstance(found, dict) else None
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not value.strip():
        raise MalformedAnswer(f"{what}: success without a token")
    return value, found


def known_error(body: bytes) -> str:
    """The error's code with a space before it, if it is a known one: anything else could quote what was sent."""
    found = json_or_none(body)
    error = found.get("error") if isinstance(found, dict) else None
    return f" {error}" if isinstance(error, str) and error in _KNOWN_ERRORS else ""
