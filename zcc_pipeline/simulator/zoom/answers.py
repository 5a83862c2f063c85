"""What the stand-in answers: JSON bodies, and refusals in the vendor's own words.

Error bodies are ``{"code", "message"}`` with ``errors`` on validation (https://developers.zoom.us/docs/api/errors/);
the codes of single operations are those of Zoom's published definition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from zcc_pipeline.domain.errors import ZccPipelineError

JSON = b"application/json;charset=UTF-8"
Header = tuple[bytes, bytes]

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Answer:
    """One complete HTTP answer."""

    body: bytes
    status: int = 200
    media_type: bytes = JSON
    headers: list[Header] = field(default_factory=list)


class CallRefusedError(ZccPipelineError):
    """A call that gets an error answer; carries that answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"refused with HTTP {answer.status}")
        self.answer = answer


def json_answer(content: object, *, status: int = 200, headers: Sequence[Header] = ()) -> Answer:
    """Any JSON-able object as an answer."""
    return Answer(_encode(content), status=status, headers=list(headers))


def refuse(status: int, code: int, message: str, *, headers: Sequence[Header] = ()) -> CallRefusedError:
    """An error in the vendor's shape."""
    return CallRefusedError(json_answer({"code": code, "message": message}, status=status, headers=headers))


def invalid(field_name: str, message: str) -> CallRefusedError:
    """A validation error: HTTP 400, code 300, naming the field."""
    body = {
        "code": 300,
        "message": "Validation Failed.",
        "errors": [{"field": field_name, "message": message}],
    }
    return CallRefusedError(json_answer(body, status=400))


def engagement_missing(engagement_id: str) -> CallRefusedError:
    """No such engagement, or not yet."""
    return refuse(404, 2901, f"Engagement does not exist: {engagement_id}.")


def invalid_token(message: str = "Invalid access token.") -> CallRefusedError:
    """A bearer token that is missing, unknown, expired or revoked."""
    return refuse(401, 124, message)


def scopes_missing(scopes: Sequence[str]) -> CallRefusedError:
    """A good token that may not do this; the message names what would do."""
    return refuse(400, 4711, f"Invalid access token, does not contain scopes:[{', '.join(scopes)}].")
