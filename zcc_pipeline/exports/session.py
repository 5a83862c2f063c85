"""The one HTTP session of all five CRMs: limits, tokens, retries, and honesty about what nobody knows.

```
send ─► time left? ─► slot ─► pause, pace ─► token ─► request ─► 2xx: the answer
                        ▲                                  └─► the CRM's own classify ─► wait and again │ error
                        └──────────────────────────────────────────────────────────────────┘
```

A write that may have arrived is never repeated blindly: ``Safety`` says what a repetition would do, and
``OutcomeUnknown`` that only a look-up can tell.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import msgspec

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import (
    ConfigurationError,
    HostUnreachable,
    NotFound,
    PermanentError,
    QuotaExhausted,
    TransientError,
)
from zcc_pipeline.exports.calls import (
    Call,
    Classify,
    CrmRefused,
    DailyLimit,
    NotThere,
    OutcomeUnknown,
    Refused,
    Retry,
    Safety,
    TimeSpent,
    TokenExpired,
    Trouble,
    failed,
    safe_code,
)
from zcc_pipeline.exports.destination import Usage
from zcc_pipeline.exports.pacing import Pace, Pacer
from zcc_pipeline.exports.tokens import Token, TokenSource
from zcc_pipeline.transport import (
    NO_JSON,
    MalformedAnswer,
    RetryPolicy,
    Timeouts,
    network_error,
    open_client,
    parse_retry_after,
)

__all__ = [
    "BUDGET_SECONDS",
    "PATIENT",
    "Call",
    "Classify",
    "CrmRefused",
    "CrmSession",
    "DailyLimit",
    "NotThere",
    "OutcomeUnknown",
    "OverSession",
    "Pace",
    "Refused",
    "Retry",
    "Safety",
    "SessionConfig",
    "TimeSpent",
    "TokenExpired",
    "Trouble",
    "failed",
    "safe_code",
]

PATIENT = RetryPolicy(attempts=8, total_seconds=900.0, longest_wait_seconds=30.0)
"""How a call is repeated unless a CRM's configuration says otherwise."""
BUDGET_SECONDS = 3_600.0

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TOKENS_SPARE = 2
"""Beside one for each call that is on its way: a token that dies after a single call is spent by whichever is first."""
_random = secrets.SystemRandom().random


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """One tenant of a CRM. Times are seconds."""

    name: str
    """The CRM, for errors: ``salesforce``."""
    base_url: str
    url_setting: str
    """The setting that ``base_url`` comes from, named where it is wrong."""
    concurrency: int = 4
    """Requests at once; the tenant's, as all of a run go through one session."""
    retry: RetryPolicy = PATIENT
    budget_seconds: float = BUDGET_SECONDS
    """For the whole run, waiting included."""
    timeouts: Timeouts = field(default_factory=lambda: Timeouts(read=60.0, request=120.0))
    paces: Mapping[str, Pace] = field(default_factory=dict)
    """Rate limits by lane; ``all`` is for every call."""


class CrmSession:
    """Sends calls to one tenant. Use as ``async with CrmSession(...) as session``, within one event loop."""

    def __init__(
        self,
        config: SessionConfig,
        *,
        tokens: TokenSource | None,
        classify: Classify,
        clock: Clock,
        observe: Callable[[httpx.Response], None] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        jitter: Callable[[], float] = _random,
    ) -> None:
        """``observe`` is shown every answer (quota headers). ``transport`` is for tests only."""
        self.config = config
        self.api_calls = 0
        self.waited_seconds = 0.0
        self._tokens = tokens
        self._classify = classify
        self._clock = clock
        self._observe = observe
        self._jitter = jitter
        self._base = config.base_url.rstrip("/")
        self._origin = _origin(self._base)
        self._client = open_client(timeouts=config.timeouts, keep_alive=config.concurrency, transport=transport)
        # A cookie would tie all calls to one server of the CRM's, or to a session that outlives its token.
        self._client.cookies = CookieJar(DefaultCookiePolicy(allowed_domains=()))
        self._slots = asyncio.Semaphore(config.concurrency)
        self._pacers = {lane: Pacer(pace, clock) for lane, pace in config.paces.items()}
        self._paused_until = 0.0
        self._ends_at = clock.monotonic() + config.budget_seconds

    async def __aenter__(self) -> Self:
        self._ends_at = self._clock.monotonic() + self.config.budget_seconds
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send(self, call: Call) -> httpx.Response:
        """The answer, read whole: 2xx, or a status that the call expects.

        ``CrmRefused`` and ``NotFound`` for what the CRM refuses, ``TransientError`` where it certainly was not done,
        ``OutcomeUnknown`` for a write that may have been, ``QuotaExhausted`` (``TimeSpent``) where nothing more can be
        sent in this run, ``ConfigurationError`` where address or credentials are wrong.
        """
        started = self._clock.monotonic()
        is_unsure, attempt = False, 0
        while True:
            attempt += 1
            try:
                return await self._attempt(call)
            except _Again as again:
                is_unsure = is_unsure or (again.may_be_done and call.safety is not Safety.READ)
                if is_unsure and call.safety is Safety.ONCE:
                    raise OutcomeUnknown(str(again.error)) from None
                wait = self.config.retry.wait_seconds(attempt, asked=again.after, jitter=self._jitter())
                if again.pause_all:
                    self._pause(wait)
                if self._is_used_up(attempt, started, wait):
                    raise (OutcomeUnknown(str(again.error)) if is_unsure else again.error) from None
                await self._rest(0.0 if again.pause_all else wait)

    async def fetch_json(self, call: Call) -> Any:  # noqa: ANN401 - whatever the CRM says
        """The answer's JSON. A success without any is ``MalformedAnswer``, for a write ``OutcomeUnknown``."""
        response = await self.send(call)
        try:
            return msgspec.json.decode(response.content)
        except NO_JSON:
            problem = f"{call.describe}: {response.status_code}, not valid JSON"
        if call.safety is Safety.READ:
            raise MalformedAnswer(problem)
        raise OutcomeUnknown(problem)

    def usage(self, quota_used: int | None = None, quota_total: int | None = None) -> Usage:
        """What was spent since it was entered, and what the CRM tells of its quota."""
        return Usage(self.api_calls, quota_used, quota_total, self.waited_seconds)

    def address(self, path: str) -> str:
        """The full URL of a path; ``PermanentError`` where it leads to another host."""
        if not path.startswith(("https://", "http://")):
            return f"{self._base}/{path.lstrip('/')}"
        if _origin(path) != self._origin:
            raise PermanentError(f"{self.config.name}: an address on another host than {self.config.url_setting}")
        return path

    def _is_used_up(self, attempt: int, started: float, wait: float) -> bool:
        policy = self.config.retry
        return attempt >= policy.attempts or self._clock.monotonic() - started + wait > policy.total_seconds

    def _pause(self, wait: float) -> None:
        now = self._clock.monotonic()
        until = max(self._paused_until, now + wait)
        self.waited_seconds += until - max(self._paused_until, now)
        self._paused_until = until

    async def _rest(self, wait: float) -> None:
        if max(self._clock.monotonic() + wait, self._paused_until) >= self._ends_at:
            raise TimeSpent(f"{self.config.name}: the time of this run is over", retry_after_seconds=wait)
        if wait > 0:
            self.waited_seconds += wait
            await self._clock.sleep(wait)

    async def _attempt(self, call: Call) -> httpx.Response:
        """A token that was good a moment ago may be dead, and so may the one that another call has just fetched."""
        async with self._slots:
            await self._wait_for_turn(call)
            token = await self._tokens.current(self._client) if self._tokens else None
            for _ in range(self.config.concurrency + _TOKENS_SPARE):
                try:
                    return await self._exchange(call, token)
                except _DeadToken as dead:
                    status = dead.status
                if self._tokens is None or token is None:
                    break
                another = await self._tokens.replace(self._client, token)
                if another is token:
                    break
                token = another
        setting = self._tokens.setting if self._tokens else self.config.url_setting
        raise ConfigurationError(setting, f"{self.config.name} refuses these credentials ({call.describe}: {status})")

    async def _wait_for_turn(self, call: Call) -> None:
        for lane in ("all", call.lane):
            pacer = self._pacers.get(lane) if lane else None
            if pacer is not None and (wait := pacer.reserve()) > 0:
                self.waited_seconds += wait
                await self._clock.sleep(wait)
        while (pause := self._paused_until - self._clock.monotonic()) > 0:
            await self._clock.sleep(pause)
        if self._clock.monotonic() >= self._ends_at:
            raise TimeSpent(f"{self.config.name}: the time of this run is over")

    async def _exchange(self, call: Call, token: Token | None) -> httpx.Response:
        request = self._request(call, token)
        self.api_calls += 1
        try:
            async with asyncio.timeout(call.timeout_seconds or self.config.timeouts.request):
                response = await self._client.send(request)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            failure = network_error(error, call.describe)
            if not isinstance(failure, TransientError):
                raise failure from None
            raise _Again(failure, may_be_done=not isinstance(failure, HostUnreachable)) from None
        if self._observe is not None:
            self._observe(response)
        return self._judged(call, response)

    def _request(self, call: Call, token: Token | None) -> httpx.Request:
        headers = dict(call.headers)
        if token is not None:
            headers["Authorization"] = f"{token.scheme} {token.value}"
        content = call.content() if callable(call.content) else call.content
        if call.json is not None:
            content = msgspec.json.encode(call.json)
            headers.setdefault("Content-Type", "application/json")
        params: Any = call.params
        return self._client.build_request(
            call.method,
            self.address(call.path),
            params=params or None,
            content=content,
            headers=headers,
            timeout=self._timeout(call),
        )

    def _timeout(self, call: Call) -> httpx.Timeout:
        timeouts = self.config.timeouts
        silence = max(timeouts.read, call.timeout_seconds or 0.0)
        return httpx.Timeout(connect=timeouts.connect, read=silence, write=silence, pool=None)

    def _judged(self, call: Call, response: httpx.Response) -> httpx.Response:
        """The answer, or the error that it means."""
        status = response.status_code
        if response.is_success or status in call.expect:
            return response
        if status in _REDIRECTS:
            raise ConfigurationError(
                self.config.url_setting, f"leads to another address ({call.describe}: {status}); give the final one"
            )
        trouble = self._classify(response, self._clock.now())
        may_be_done = status >= 500 and not self._was_not_done(response, trouble)
        if may_be_done and call.safety is Safety.ONCE:
            raise OutcomeUnknown(f"{call.describe}: {status}")
        raise _error(call.describe, status, trouble, may_be_done=may_be_done)

    def _was_not_done(self, response: httpx.Response, trouble: Trouble) -> bool:
        if isinstance(trouble, (DailyLimit, TokenExpired)):
            return True
        asks_to_wait = parse_retry_after(response.headers.get("retry-after"), now=self._clock.now()) is not None
        return isinstance(trouble, Retry) and (trouble.was_not_done or (response.status_code == 503 and asks_to_wait))


class OverSession:
    """What stands on a session: a client or a destination, entered and left with it."""

    session: CrmSession

    async def __aenter__(self) -> Self:
        await self.session.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.__aexit__(kind, error, trace)


class _Again(Exception):
    """An attempt that failed and may be repeated, unless it may have been done and must not be."""

    def __init__(
        self, error: TransientError, *, may_be_done: bool, after: float | None = None, pause_all: bool = False
    ) -> None:
        super().__init__()
        self.error, self.may_be_done, self.after, self.pause_all = error, may_be_done, after, pause_all


class _DeadToken(Exception):
    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


def _error(describe: str, status: int, trouble: Trouble, *, may_be_done: bool) -> Exception:
    what = f"{describe}: {status}"
    match trouble:
        case Retry(after, pause_all):
            error = TransientError(what, retry_after_seconds=after)
            return _Again(error, may_be_done=may_be_done, after=after, pause_all=pause_all)
        case DailyLimit(until):
            return QuotaExhausted(f"{what}, the daily limit is reached", retry_after_seconds=until)
        case NotThere(code):
            return NotFound(f"{what} {safe_code(code)}".rstrip(), http_status=status)
        case Refused(code, message, details):
            return CrmRefused(describe, status=status, code=code, message=message, details=details)
        case TokenExpired():
            return _DeadToken(status)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme.lower(), parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme.lower())
    except ValueError:
        raise PermanentError("an address that is none") from None
