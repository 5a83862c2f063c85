"""Remembers every call that reached a handler, so that a stand-in started again stands where it stood.

Ids and times of a stand-in follow from the calls it took; taking them again, in the same order, makes the same
records. A line that was cut off when the process died is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from zcc_pipeline.simulator.crm.base.request import Request

_HEADERS = ("content-type", "accept", "prefer", "if-match", "if-none-match", "idempotency-key")
"""Those that a handler may look at; a token is never kept."""


class _Line(msgspec.Struct, array_like=True):
    at: datetime
    method: str
    path: str
    query_string: str
    headers: dict[str, str]
    body: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Line).decode
_SIZE_BYTES = 4
_BORN = "BORN"
"""Method of the first line, which is no call."""


class Journal:
    """A file of requests, each after its length."""

    def __init__(self, path: Path, now: datetime) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        born = next(self.read(), None)
        self.born = born[1] if born is not None else now
        """When the stand-in was made first."""
        if born is None:
            self.add(Request(_BORN, ""), now)

    def read(self) -> Iterator[tuple[Request, datetime]]:
        """Everything taken so far, and when; what comes after a torn end is written over it."""
        if not self._path.exists():
            return
        content, at = self._path.read_bytes(), 0
        while at + _SIZE_BYTES <= len(content):
            start = at + _SIZE_BYTES
            end = start + int.from_bytes(content[at:start], "big")
            if end > len(content):
                break
            line = _decode(memoryview(content)[start:end])
            yield Request(line.method, line.path, line.query_string, line.headers, line.body), line.at
            at = end
        if at < len(content):
            with self._path.open("r+b") as file:
                file.truncate(at)

    def add(self, request: Request, now: datetime) -> None:
        """One more call, in the file when this returns."""
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("ab")
        kept = {name: value for name, value in request.headers.items() if name in _HEADERS}
        line = _encode(_Line(now, request.method, request.path, request.query_string, kept, request.body))
        self._file.write(len(line).to_bytes(_SIZE_BYTES, "big") + line)
        self._file.flush()

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            self._file.close()
            self._file = None
