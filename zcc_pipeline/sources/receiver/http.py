"""What both intakes need of HTTP: one request, one outcome, and nothing told to those who have no business here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended: the answer, and one word of ours for metrics and log."""

    status: int
    result: str
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    """More for the log line."""
    media_type: bytes = b"application/json"


class Refused(Exception):
    """Ends the handling of a request; its sender learns the status and nothing else."""

    def __init__(
        self,
        status: int,
        result: str,
        *,
        body: bytes = b"",
        headers: tuple[tuple[bytes, bytes], ...] = (),
        facts: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(result)
        self.outcome = Outcome(status, result, body, headers, facts or {})


class SenderGone(Exception):
    """The connection ended, or ran out of time, before the request was whole: there is nobody to answer."""


class Request:
    """One request as ASGI hands it over."""

    __slots__ = ("_receive", "_scope", "headers", "method")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope, self._receive = scope, receive
        self.method: str = scope["method"]
        self.headers: Headers = scope["headers"]

    def values(self, name: bytes) -> list[bytes]:
        """Every value that was sent for a header; ``name`` in lower case."""
        return [value for key, value in self.headers if key == name]

    def value(self, name: bytes) -> bytes | None:
        """The first value that was sent for a header."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    @property
    def peer(self) -> str | None:
        """Address of the other end of the connection."""
        client = self._scope.get("client")
        return client[0] if client else None

    def require_json(self) -> None:
        """Refuse any content type but JSON, with parameters or without."""
        types = self.values(b"content-type")
        if len(types) != 1 or types[0].partition(b";")[0].strip().lower() != b"application/json":
            raise Refused(415, "media_type")

    def pieces(self) -> Receive:
        """The body as it comes in, message by message."""
        return self._receive


class Bodies:
    """Reads bodies of senders who are not known yet, in bounded memory for each and for all of them together."""

    def __init__(self, *, each: int, together: int) -> None:
        self._each, self._together = each, together
        self._held = 0

    async def read(self, request: Request) -> bytes:
        """All of it, counted while it comes in. 413 once it passes what one may have, whatever was announced; 503 where
        too many others are being read."""
        announced = request.value(b"content-length")
        if announced is not None and announced.isdigit() and int(announced[:20]) > self._each:
            raise Refused(413, "too_large")
        chunks: list[bytes] = []
        receive, size, more = request.pieces(), 0, True
        try:
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise SenderGone
                chunk: bytes = message.get("body", b"")
                size += len(chunk)
                self._held += len(chunk)
                if size > self._each:
                    raise Refused(413, "too_large")
                if self._held > self._together:
                    raise Refused(503, "busy", headers=((b"retry-after", b"5"),))
                chunks.append(chunk)
                more = message.get("more_body", False)
        finally:
            self._held -= size
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def answer(send: Send, outcome: Outcome) -> None:
    """Send the whole answer."""
    headers = [(b"content-length", b"%d" % len(outcome.body)), *outcome.headers]
    if outcome.body:
        headers.append((b"content-type", outcome.media_type))
    await send({"type": "http.response.start", "status": outcome.status, "headers": headers})
    await send({"type": "http.response.body", "body": outcome.body})


def normal_path(path: str, root_path: str) -> str:
    """The path below ``root_path``, where a proxy hands that on, and without slashes at its end."""
    if root_path and (path == root_path or path.startswith(root_path + "/")):
        path = path[len(root_path) :]
    return path.rstrip("/") or "/"
