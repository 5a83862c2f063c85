"""A stand-in whose every exchange is held to the published definition of the API, from whichever process it is called.

with checked_simulator(spec, plan="unlimited") as (simulator, exchanges):
    ...  # a problem fails the test at the end of the block
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zcc_pipeline.simulator.zoom.account.spec import AccountSpec
from zcc_pipeline.simulator.zoom.faults import FaultKind
from zcc_pipeline.simulator.zoom.server import RunningSimulator, running_simulator
from zcc_pipeline_tests.definition import check_answer, check_request, is_operation

_SHOWN = 10


@dataclass
class Answered:
    """What was sent in answer to one request."""

    status: int = 0
    is_html: bool = False
    body: bytes = b""
    is_whole: bool = False

    def add(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.is_html = dict(message["headers"]).get(b"content-type", b"").startswith(b"text/html")
        else:
            self.body += message.get("body", b"")
            self.is_whole = not message.get("more_body", False)


@dataclass
class Exchanges:
    """An application around another, which keeps each distinct request and each distinct answer to it."""

    requests: set[tuple[str, bytes]] = field(default_factory=set)
    answers: set[tuple[str, int, bytes]] = field(default_factory=set)
    unknown_paths: set[str] = field(default_factory=set)
    html_pages: int = 0

    def around(self, app: ASGIApp) -> ASGIApp:
        async def observed(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope.get("path", "")
            if scope["type"] != "http" or not is_operation(path):
                await app(scope, receive, send)
                if path.startswith("/v2/") and not scope.get("path_params"):  # nor is it a file's
                    self.unknown_paths.add(path)
                return
            self.requests.add((path, scope["query_string"]))
            answered = Answered()

            async def sending(message: Message) -> None:
                answered.add(message)
                await send(message)

            try:
                await app(scope, receive, sending)
            finally:
                self.html_pages += answered.is_html
                if answered.is_whole and not answered.is_html:
                    self.answers.add((path, answered.status, answered.body))

        return observed

    def operations(self) -> set[str]:
        """Paths that were asked for, with ``{id}`` for what is an id."""
        return {re.sub(r"/[A-Za-z0-9_-]{22}(?=/|$)", "/{id}", path) for path, _ in self.requests}

    def problems(self) -> list[str]:
        """Everything that the definition objects to; answers that a fault cut short are not looked at."""
        found = {f"{path} is no path of the definition" for path in self.unknown_paths}
        for path, query in self.requests:
            pairs = parse_qsl(query.decode(), keep_blank_values=True)
            found.update(f"{path}: {problem}" for problem in check_request(path, pairs))
        for path, status, body in self.answers:
            found.update(f"{path} {status}: {problem}" for problem in check_answer(path, status, body))
        return sorted(found)


@contextmanager
def checked_simulator(spec: AccountSpec, **options: Any) -> Iterator[tuple[RunningSimulator, Exchanges]]:
    """As ``running_simulator``; at the end of the block, where that ended well, every exchange must have conformed."""
    exchanges = Exchanges()
    with running_simulator(spec, around=exchanges.around, **options) as simulator:
        yield simulator, exchanges
    problems = exchanges.problems()
    assert problems == [], "\n".join(problems[:_SHOWN])
    assert exchanges.html_pages <= simulator.standin.faults.counts[FaultKind.HTML_PAGE]
