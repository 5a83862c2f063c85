"""What a stand-in answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from zcc_pipeline.domain.errors import ZccPipelineError

JSON = "application/json; charset=utf-8"

_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Answer:
    """One complete HTTP answer."""

    body: bytes = b""
    status: int = 200
    media_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    wrote: bool | None = None
    """Whether something was written; None: as the route says (a batch may have held reads alone)."""


class RefusedError(ZccPipelineError):
    """A call that gets an error answer, wherever in its handling that is found out; carries that answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"refused with HTTP {answer.status}")
        self.answer = answer


class MalformedBodyError(ZccPipelineError):
    """A body that is not what its handler reads; each CRM has its own words for it."""


def json_answer(content: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Any JSON-able object as an answer."""
    return Answer(_encode(content), status=status, headers=dict(headers or {}))


def empty(status: int = 204, *, headers: Mapping[str, str] | None = None) -> Answer:
    """No body."""
    return Answer(b"", status=status, headers=dict(headers or {}))
