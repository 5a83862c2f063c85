"""What every API call passes before and after its handler: token, scope, limit, latency, faults, counters.

Handlers are plain functions from a ``Call`` to an ``Answer``; only this module touches the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from zcc_pipeline.simulator.zoom.answers import Answer, CallRefusedError, scopes_missing
from zcc_pipeline.simulator.zoom.connections import close_connection, reset_connection
from zcc_pipeline.simulator.zoom.faults import FaultKind
from zcc_pipeline.simulator.zoom.query import Query
from zcc_pipeline.simulator.zoom.rate_limits import Label

if TYPE_CHECKING:
    from zcc_pipeline.simulator.zoom.standin import ZoomStandIn

_HTML = b"<!DOCTYPE html><html><head><title>Zoom</title></head><body><h1>We'll be right back</h1></body></html>"
_DRIPS = 10


@dataclass(frozen=True, slots=True)
class Call:
    """One read call that may proceed."""

    standin: ZoomStandIn
    route: str
    path: str
    path_values: dict[str, str]
    query: Query


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Operation:
    """One GET operation: where, under which label, and which scopes open it (any of them)."""

    route: str
    label: Label
    scopes: tuple[str, ...]
    handler: Handler


class Gateway:
    """Serves one operation as an ASGI application."""

    def __init__(self, standin: ZoomStandIn, operation: Operation) -> None:
        self._standin = standin
        self._operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        standin, operation = self._standin, self._operation
        standin.counters.count_request(operation.route, operation.label)
        if standin.latency_seconds:
            await asyncio.sleep(standin.latency_seconds)
        query = Query(scope["query_string"])
        fault: FaultKind | None = None
        try:
            self._admit(scope)
            call = Call(standin, operation.route, scope["path"], dict(scope["path_params"]), query)
            if standin.faults.is_active:
                fault = self._strike(call)
            answer = operation.handler(call)
        except CallRefusedError as refused:
            answer = refused.answer
        if fault is FaultKind.HTML_PAGE:
            answer = Answer(_HTML, media_type=b"text/html; charset=utf-8")
        if answer.status == 429:
            standin.counters.rate_limited[operation.label] += 1
        await deliver(standin, answer, fault, scope=scope, receive=receive, send=send)

    def _admit(self, scope: Scope) -> None:
        standin, operation = self._standin, self._operation
        token = standin.tokens.find(read_authorization(scope))
        token.calls += 1
        if standin.faults.revokes_token(token.calls):
            token.is_revoked = True
            standin.tokens.find(read_authorization(scope))
        if not token.scopes.intersection(operation.scopes):
            raise scopes_missing(operation.scopes)
        refusal = standin.limits.take(operation.label)
        if refusal is not None:
            raise refusal

    def _strike(self, call: Call) -> FaultKind | None:
        standin = self._standin
        offset = standin.page_tokens.peek_offset(call.query.text("next_page_token"))
        key = f"{call.path}?{call.query.filters()}#{offset}"
        fault = standin.faults.on_transport(key)
        if fault is FaultKind.SERVER_ERROR:
            status = standin.faults.server_error_status(key)
            raise CallRefusedError(Answer(b'{"code":%d,"message":"Internal error."}' % status, status=status))
        if fault is FaultKind.RATE_LIMITED_BY_OTHERS:
            raise standin.limits.refuse_second(self._operation.label)
        return fault


async def deliver(
    standin: ZoomStandIn, answer: Answer, fault: FaultKind | None, *, scope: Scope, receive: Receive, send: Send
) -> None:
    """Send an answer whole, or break it the way ``fault`` says."""
    await send({"type": "http.response.start", "status": answer.status, "headers": head_of(standin, answer)})
    body = answer.body
    if fault is FaultKind.CONNECTION_RESET:
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await reset_connection(scope, receive)
    elif fault is FaultKind.SHORT_BODY:
        await send({"type": "http.response.body", "body": body[: len(body) * 2 // 3], "more_body": True})
        await close_connection(scope, receive)
    elif fault is FaultKind.SLOW_DRIP:
        step = max(1, len(body) // _DRIPS)
        for start in range(0, len(body), step):
            await send({"type": "http.response.body", "body": body[start : start + step], "more_body": True})
            await asyncio.sleep(standin.drip_seconds / _DRIPS)
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({"type": "http.response.body", "body": body})


def head_of(standin: ZoomStandIn, answer: Answer) -> list[tuple[bytes, bytes]]:
    """Header lines of a complete answer."""
    return [
        (b"content-type", answer.media_type),
        (b"content-length", b"%d" % len(answer.body)),
        (b"date", standin.date_header()),
        *answer.headers,
    ]


def read_authorization(scope: Scope) -> str:
    """The ``Authorization`` header, empty where absent."""
    return read_header(scope, b"authorization")


def read_header(scope: Scope, name: bytes) -> str:
    """A request header, empty where absent."""
    for header, value in scope["headers"]:
        if header == name:
            return bytes(value).decode("latin-1")
    return ""
