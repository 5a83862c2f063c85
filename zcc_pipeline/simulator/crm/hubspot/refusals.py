"""HubSpot's error bodies.

Shape: ``{"status": "error", "message", "correlationId", "category", "errors", "context"}``
(https://developers.hubspot.com/docs/api-reference/latest/error-handling); rate limits carry ``errorType`` and
``policyName`` as well.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from zcc_pipeline.simulator.crm.base import Exceeded, RefusedError, json_answer

PORTAL_ID = 4242


def refuse(
    status: int,
    category: str,
    message: str,
    *,
    errors: Sequence[Mapping[str, Any]] = (),
    context: Mapping[str, Sequence[str]] | None = None,
    headers: Mapping[str, str] | None = None,
    **more: str,
) -> RefusedError:
    """A refusal of the whole call."""
    body: dict[str, Any] = {"status": "error", "message": message, "correlationId": _correlation(message), **more}
    if category:
        body["category"] = category
    if errors:
        body["errors"] = list(errors)
    if context:
        body["context"] = {name: list(values) for name, values in context.items()}
    return RefusedError(json_answer(body, status=status, headers=headers))


def invalid(message: str, *, errors: Sequence[Mapping[str, Any]] = ()) -> RefusedError:
    """400, the whole call by validation."""
    return refuse(400, "VALIDATION_ERROR", message, errors=errors)


def malformed(message: str) -> RefusedError:
    """400, not even readable as what it should be."""
    return invalid(f"Invalid input JSON on line 1, column 1: {message}")


def nothing_here(message: str = "resource not found") -> RefusedError:
    """404."""
    return refuse(404, "OBJECT_NOT_FOUND", message)


def unknown_credentials() -> RefusedError:
    """401: a key that is missing, unknown, rotated or expired."""
    return refuse(
        401,
        "INVALID_AUTHENTICATION",
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
        "details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
    )


def scopes_missing(scopes: Sequence[str]) -> RefusedError:
    """403: a good key that may not do this."""
    words = "One or more of the following scopes are required."
    return refuse(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: "
        "https://developers.hubspot.com/scopes.",
        errors=[{"message": words, "context": {"requiredGranularScopes": list(scopes)}}],
    )


def too_many(exceeded: Exceeded, *, says_when: bool) -> RefusedError:
    """429 in HubSpot's three kinds. ``policyName`` tells them apart; ``Retry-After`` is not always sent."""
    if exceeded.kind == "daily":
        policy, words = "DAILY", "You have reached your daily limit."
    elif exceeded.label == "search":
        policy, words = "SECONDLY", "You have reached your secondly limit."
    else:
        policy, words = "TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit."
    headers = {"Retry-After": str(max(1, round(exceeded.retry_after)))} if says_when and policy != "DAILY" else {}
    return refuse(429, "RATE_LIMITS", words, headers=headers, errorType="RATE_LIMIT", policyName=policy)


def row_error(category: str, message: str, **context: Sequence[str]) -> dict[str, Any]:
    """One entry of a 207's ``errors``."""
    return {
        "status": "error",
        "category": category,
        "message": message,
        "context": {name: list(values) for name, values in context.items()},
    }


def _correlation(message: str) -> str:
    return str(uuid.UUID(bytes=hashlib.blake2b(message.encode(), digest_size=16).digest(), version=4))
