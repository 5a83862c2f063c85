"""``$batch``: many requests in one, each with an answer of its own.

https://learn.microsoft.com/en-us/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api:
multipart/mixed, lines end in CRLF, at most 1,000 operations, ``Prefer: odata.continue-on-error`` so that one failure
does not end it. No change sets: in those one failure takes back all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from zcc_pipeline.transport import json_or_none

MOST_OPERATIONS = 1_000
BOUNDARY = "batch_zcc-pipeline"
CONTENT_TYPE = f"multipart/mixed; boundary={BOUNDARY}"
"""No body holds a line that begins with it: JSON is sent in one line, and addresses have no line ends."""

_CRLF = b"\r\n"
_BOUNDARY_OF = re.compile(r'boundary="?([^";,\s]+)"?', re.IGNORECASE)
_STATUS = re.compile(rb"HTTP/\d\.\d (\d{3})")


@dataclass(frozen=True, slots=True)
class Operation:
    """One request of a batch; ``path`` is below the API's root, already encoded."""

    method: str
    path: str
    body: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    def size(self) -> int:
        """Bytes it adds, about."""
        return 300 + (len(msgspec.json.encode(self.body)) if self.body is not None else 0)


@dataclass(frozen=True, slots=True)
class PartAnswer:
    """One answer of a batch."""

    status: int
    body: Any = field(default=None, repr=False)
    retry_after: str | None = None

    @property
    def is_success(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        """Dataverse's code of an error."""
        return str(self._error().get("code", ""))

    @property
    def message(self) -> str:
        """Its words, which may quote what was sent."""
        return str(self._error().get("message", ""))

    def _error(self) -> dict[str, Any]:
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return error if isinstance(error, dict) else {}


def encode(operations: Sequence[Operation], root: str) -> bytes:
    """The body of a batch; ``root`` is the path of the API."""
    pieces: list[bytes] = []
    for operation in operations:
        lines = [
            f"--{BOUNDARY}",
            "Content-Type: application/http",
            "Content-Transfer-Encoding: binary",
            "",
            f"{operation.method} {root}/{operation.path} HTTP/1.1",
            "Accept: application/json",
            *(f"{key}: {value}" for key, value in operation.headers.items()),
        ]
        if operation.body is not None:
            lines.append("Content-Type: application/json")
        pieces += ["\r\n".join([*lines, "", ""]).encode("ascii")]
        pieces.append(msgspec.json.encode(operation.body) if operation.body is not None else b"")
        pieces.append(_CRLF)
    pieces.append(f"--{BOUNDARY}--\r\n".encode())
    return b"".join(pieces)


def decode(content_type: str, body: bytes) -> list[PartAnswer]:
    """The answers, in the order of the requests; ``ValueError`` where this is no answer to a batch."""
    found = _BOUNDARY_OF.search(content_type)
    if found is None:
        raise ValueError("no boundary")
    pieces = (_CRLF + body).split(b"\r\n--" + found[1].encode())
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise ValueError("the answer is cut off")
    return [_answer(piece) for piece in pieces[1:-1]]


def _answer(piece: bytes) -> PartAnswer:
    _, _, http = piece.partition(b"\r\n\r\n")
    head, _, content = http.partition(b"\r\n\r\n")
    first, *lines = head.split(_CRLF)
    status = _STATUS.match(first)
    if status is None:
        raise ValueError("a part without a status")
    headers = {}
    for line in lines:
        key, _, value = line.decode("latin-1").partition(":")
        headers[key.strip().lower()] = value.strip()
    text = content.strip()
    return PartAnswer(int(status[1]), json_or_none(text), headers.get("retry-after"))
