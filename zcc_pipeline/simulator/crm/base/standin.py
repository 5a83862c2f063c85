"""The base of every CRM's stand-in: an ASGI application with one way in.

A call passes, in this order: counters, latency, a broken server, the storm, the day's cap, the token, the rate limit,
the definition, the silence before, the handler, the silence after. Handlers are plain functions from a ``Request`` to
an ``Answer``; whatever they refuse they raise as ``RefusedError``.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime
from typing import Any, ClassVar

from starlette.types import Receive, Scope, Send

from zcc_pipeline.simulator.crm.base.answers import Answer, MalformedBodyError, RefusedError
from zcc_pipeline.simulator.crm.base.control import CONTROL_PATH, PEOPLE_PATH, Control
from zcc_pipeline.simulator.crm.base.counters import Counters
from zcc_pipeline.simulator.crm.base.faults import Faults
from zcc_pipeline.simulator.crm.base.journal import Journal
from zcc_pipeline.simulator.crm.base.limits import Exceeded, Limit, Limits
from zcc_pipeline.simulator.crm.base.options import CrmOptions, Person
from zcc_pipeline.simulator.crm.base.request import Request
from zcc_pipeline.simulator.crm.base.routing import Route, Router
from zcc_pipeline.simulator.crm.base.tokens import Grant, IssuedToken, Tokens
from zcc_pipeline.simulator.zoom.connections import reset_connection

_POLL_SECONDS = 0.01


class CrmStandIn(ABC):
    """One CRM. Subclasses say what it does in ``set_up``, ``routes`` and the hooks that word its refusals."""

    name: ClassVar[str]
    limits_by_default: ClassVar[Mapping[str, Limit]] = {}
    calls_at_once_by_default: ClassVar[int] = 0

    def __init__(self, options: CrmOptions | None = None) -> None:
        given = options or CrmOptions()
        self._clock = given.clock
        self._then: datetime | None = None
        self.options = replace(given, clock=self.now)
        self.base_url = ""
        """Where it is served, known before the first request; for ``instance_url`` and links in answers."""
        self.counters = Counters()
        self.violations: list[str] = []
        """What the definition found wrong with requests and answers."""
        self.crashes: list[str] = []
        """Errors of the stand-in itself; callers got a 500."""
        self.tokens = Tokens(lifetime_seconds=self.options.token_seconds, monotonic=self.options.monotonic)
        self.limits = Limits(
            self.limits_by_default if self.options.limits is None else self.options.limits,
            calls_at_once=(
                self.calls_at_once_by_default if self.options.calls_at_once is None else self.options.calls_at_once
            ),
            monotonic=self.options.monotonic,
        )
        self.people_added = 0
        """By control, over all its lives."""
        self.held = 0
        """Writes that wait to be released."""
        self.set_faults(self.options.faults)
        self._journal = Journal(given.journal, self.now()) if given.journal is not None else None
        self._then = self._journal.born if self._journal is not None else None
        self.set_up()
        self._router = Router(self.routes())
        self._control = Control(self)
        for person in self.options.people:
            self.add_person(person)
        if self._journal is not None:
            self._remember(self._journal)

    # What a CRM says of itself

    @abstractmethod
    def set_up(self) -> None:
        """Make its empty tables; called once, before ``routes``."""

    @abstractmethod
    def routes(self) -> Sequence[Route]:
        """Its operations."""

    @abstractmethod
    def add_person(self, person: Person) -> None:
        """Somebody whom its users have entered."""

    @abstractmethod
    def records(self) -> Any:  # noqa: ANN401 JSON
        """Everything it holds, as JSON, for tests to look at."""

    @abstractmethod
    def unauthorized(self, request: Request) -> Answer:
        """No token, or one that is unknown, expired or revoked."""

    @abstractmethod
    def limited(self, request: Request, exceeded: Exceeded) -> Answer:
        """One call too many."""

    @abstractmethod
    def not_found(self, request: Request) -> Answer:
        """No such operation. ``self.methods(request)`` tells whether others exist at that path."""

    @abstractmethod
    def unavailable(self, request: Request) -> Answer:
        """The server cannot answer now; nothing was done."""

    @abstractmethod
    def malformed(self, request: Request, problem: str) -> Answer:
        """The request as a whole cannot be understood."""

    def answer_headers(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002
        """Headers of every answer to a call that needs a token (what is left of a quota)."""
        return {}

    def commands(self) -> Mapping[str, Callable[[dict[str, Any]], object]]:
        """More control routes: ``POST /_control/<name>`` with a JSON object."""
        return {}

    # What handlers use

    def now(self) -> datetime:
        """The time; of a call that is remembered, the time at which it came first. ``options.clock`` is this."""
        return self._then or self._clock()

    def authorize(self, request: Request) -> IssuedToken:
        """The token of a request; override for CRMs that let people in by other means."""
        token = self.tokens.find(request.header("authorization"))
        if token is None:
            raise RefusedError(self.unauthorized(request))
        return token

    def accepts(self, grant: Grant) -> bool:
        """Whether the credentials of a token request are the right ones; without any agreed on, all that are there."""
        wanted = self.options.credentials
        if wanted is None:
            return bool(grant.client_id and grant.client_secret)
        return (grant.client_id, grant.client_secret) == (wanted.client_id, wanted.client_secret)

    def inner(self, request: Request) -> Answer:
        """Answer a request that came inside another one: same token, no limits and no faults of its own."""
        found = self._router.find(request.method, request.path)
        if found is None:
            return self.not_found(request)
        route, values = found
        self.counters.by_route[f"inner {route.name}"] += 1
        return self._handle(route, request.with_(values=values))

    def methods(self, request: Request) -> set[str]:
        """Methods of the operations at a request's path."""
        return self._router.methods(request.path)

    @property
    def calls_today(self) -> int:
        """Calls since the faults, and with them the day's cap, were set."""
        return self._calls_since

    # What tests and control routes use

    def set_faults(self, faults: Faults) -> None:
        """Change what goes wrong from now on; everything that counts calls or writes starts over, what was held is
        released."""
        self.faults = faults
        self._calls_since = self._writes_since = 0
        self._storm_left, self._broken_left = faults.storm_429, faults.fail_5xx

    def release(self) -> None:
        """Let writes that are held go on, and hold no more."""
        self.faults = replace(self.faults, hold_write=None)

    def close(self) -> None:
        """At the end of its being served."""
        if self._journal is not None:
            self._journal.close()

    def state(self) -> dict[str, object]:
        """Everything counted so far."""
        return {
            "name": self.name,
            **self.counters.as_dict(),
            "tokens_issued": self.tokens.issued_count,
            "tokens_refused": self.tokens.refused_count,
            "most_at_once": self.limits.most_at_once,
            "people_added": self.people_added,
            "held": self.held,
            "violations": list(self.violations),
            "crashes": list(self.crashes),
        }

    # How a call is served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = await _read(scope, receive)
        if request is None:
            return
        if request.path.startswith(CONTROL_PATH):
            if self._journal is not None and request.path == PEOPLE_PATH:
                self._journal.add(request, self.now())
            await _send(send, self._control.answer(request), {})
            return
        answer = await self._serve(request)
        if answer is not None:
            self.counters.by_status[answer.status] += 1
            await _send(send, answer, {"date": format_datetime(self.options.clock(), usegmt=True)})
        else:
            self.counters.unanswered += 1
            await self._be_silent(scope, receive)

    async def _serve(self, request: Request) -> Answer | None:
        found = self._router.find(request.method, request.path)
        if found is None:
            self.counters.by_route["unknown"] += 1
            return self.not_found(request)
        route, values = found
        request = request.with_(values=values)
        self.counters.by_route[route.name] += 1
        if not route.needs_token:
            return self._check(request) or self._handle(route, request)
        self.counters.api_calls += 1
        self.counters.by_label[route.label] += 1
        self._calls_since += 1
        self.limits.in_flight += 1
        self.limits.most_at_once = max(self.limits.most_at_once, self.limits.in_flight)
        try:
            answer = await self._pass(route, request)
        finally:
            self.limits.in_flight -= 1
        if answer is not None:
            answer.headers = {**self.answer_headers(request), **answer.headers}
        return answer

    async def _pass(self, route: Route, request: Request) -> Answer | None:
        if self.faults.latency_ms:
            await asyncio.sleep(self.faults.latency_ms / 1000)
        try:
            request = self._admit(route, request)
        except RefusedError as refused:
            return refused.answer
        if not route.can_write(request):
            return self._take(route, request)
        self._writes_since += 1
        number, faults = self._writes_since, self.faults
        if number in faults.timeout_before_commit:
            return None
        await self._hold(number, "before")
        answer = self._take(route, request)
        if answer.status < 400 and answer.wrote is not False:
            self.counters.writes += 1
        await self._hold(number, "after")
        return None if number in faults.timeout_after_commit else answer

    def _admit(self, route: Route, request: Request) -> Request:
        """The request with its token, or the refusal."""
        if self._broken_left:
            self._broken_left -= 1
            raise RefusedError(self.unavailable(request))
        if self._storm_left:
            self._storm_left -= 1
            raise self._too_much(request, Exceeded("storm", route.label, 0, 0, self.faults.retry_after_seconds))
        cap = self.faults.daily_cap
        if cap is not None and self._calls_since > cap:
            raise self._too_much(request, Exceeded("daily", route.label, cap, 86_400, 0))
        request = request.with_(token=self._live_token(request))
        exceeded = self.limits.take(route.label)
        if exceeded is not None:
            raise self._too_much(request, exceeded)
        wrong = self._check(request)
        if wrong is not None:
            raise RefusedError(wrong)
        return request

    def _live_token(self, request: Request) -> IssuedToken:
        try:
            token = self.authorize(request)
            token.calls += 1
            dies_after = self.faults.token_dies_after
            if dies_after is not None and token.calls > dies_after:
                token.is_revoked = True
                raise RefusedError(self.unauthorized(request))
        except RefusedError:
            self.tokens.refused_count += 1
            raise
        return token

    def _too_much(self, request: Request, exceeded: Exceeded) -> RefusedError:
        self.counters.limited += 1
        return RefusedError(self.limited(request, exceeded))

    def _check(self, request: Request) -> Answer | None:
        """The refusal of a request that the definition calls wrong."""
        definition = self.options.definition
        problems = definition.check_request(request) if definition is not None else []
        self.violations += problems
        return self.malformed(request, problems[0]) if problems else None

    def _take(self, route: Route, request: Request) -> Answer:
        if self._journal is not None:
            self._journal.add(request, self.now())
        return self._handle(route, request)

    def _remember(self, journal: Journal) -> None:
        """Take every call of an earlier life again."""
        token = self.tokens.issue()
        for request, self._then in journal.read():
            found = self._router.find(request.method, request.path)
            if found is not None:
                route, values = found
                self._handle(route, request.with_(values=values, token=token))
            elif request.path == PEOPLE_PATH:
                self._control.answer(request)
        self._then = None
        self.tokens.revoke_all()
        self.counters.reset()

    def _handle(self, route: Route, request: Request) -> Answer:
        try:
            answer = route.handler(request)
        except RefusedError as refused:
            answer = refused.answer
        except MalformedBodyError as malformed:
            answer = self.malformed(request, str(malformed))
        except Exception as error:
            # A fault of the stand-in's own: the caller gets a 500 from the server, and tests must hear of it.
            self.crashes.append(f"{route.name}: {type(error).__name__}: {error}")
            raise
        if self.options.definition is not None:
            self.violations += self.options.definition.check_answer(request, answer)
        return answer

    async def _hold(self, number: int, when: str) -> None:
        def is_held() -> bool:
            first = self.faults.hold_write
            return first is not None and number >= first and self.faults.hold_when == when

        self.held += 1
        try:
            while is_held():  # noqa: ASYNC110 - released by control routes and by tests on other threads
                await asyncio.sleep(_POLL_SECONDS)
        finally:
            self.held -= 1

    async def _be_silent(self, scope: Scope, receive: Receive) -> None:
        if self.faults.silence == "reset":
            await reset_connection(scope, receive)
        while (await receive())["type"] != "http.disconnect":
            pass


async def _read(scope: Scope, receive: Receive) -> Request | None:
    """The request; None where its sender went away in the middle of it."""
    pieces = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    return Request(
        method=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query_string=scope["query_string"].decode("latin-1"),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=b"".join(pieces),
    )


async def _send(send: Send, answer: Answer, headers: Mapping[str, str]) -> None:
    lines = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    lines += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    if answer.status != 204:
        lines.append((b"content-length", b"%d" % len(answer.body)))
    if answer.body:
        lines.append((b"content-type", answer.media_type.encode("latin-1")))
    await send({"type": "http.response.start", "status": answer.status, "headers": lines})
    await send({"type": "http.response.body", "body": answer.body})
