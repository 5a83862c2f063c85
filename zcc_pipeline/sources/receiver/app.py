"""The receiver as a plain ASGI callable: routes, answers, and one line and one count for each request."""

from __future__ import annotations

import re

import msgspec

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.inbox import EventSink
from zcc_pipeline.sources.receiver.config import ReceiverConfig
from zcc_pipeline.sources.receiver.http import (
    App,
    Outcome,
    Receive,
    Refused,
    Request,
    Scope,
    Send,
    SenderGone,
    answer,
    normal_path,
)
from zcc_pipeline.sources.receiver.intakes import FlowEvents, Intake, ZoomWebhooks
from zcc_pipeline.sources.receiver.limits import Refusals, Sources
from zcc_pipeline.sources.receiver.metrics import ReceiverMetrics
from zcc_pipeline.transport.event_log import EventLog
from zcc_pipeline.transport.metrics import CONTENT_TYPE, Registry

WEBHOOK_PATH = "/webhooks/zoom"
FLOW_PATH = "/flow-events"

_STUCK_SECONDS = 10.0
_STALE_ADVICE = (
    "authentic, refused for its age, and Zoom will not send it again: check this machine's clock, or raise "
    "ZCC_WEBHOOK_TOLERANCE_SECONDS; the nightly poll will find what it announced"
)
_ALWAYS_TOLD = frozenset({"stale_but_valid", "unavailable"})
"""Results that lose or delay an event of a sender who has a secret."""
_UNSAFE = re.compile(r"[^\w.:/+=-]", re.ASCII)


def build_app(
    config: ReceiverConfig, inbox: EventSink, *, clock: Clock, metrics: ReceiverMetrics, log: EventLog
) -> App:
    """The app of the port that the world reaches. Time-outs are the server's."""
    return _Receiver(config, inbox, clock=clock, metrics=metrics, log=log)


class _Receiver:
    def __init__(
        self, config: ReceiverConfig, inbox: EventSink, *, clock: Clock, metrics: ReceiverMetrics, log: EventLog
    ) -> None:
        self._root_path, self._min_free_bytes = config.root_path, config.min_free_bytes
        self._inbox, self._clock, self._metrics, self._log = inbox, clock, metrics, log
        self._sources = Sources(config.trusted_proxies)
        self._failures, self._noise = Refusals(config.failures_per_minute), Refusals(config.failures_per_minute)
        self._intakes: dict[str, Intake] = {}
        if config.secret_tokens:
            self._intakes[WEBHOOK_PATH] = ZoomWebhooks(config, inbox, clock=clock, metrics=metrics)
        if config.flow_tokens:
            self._intakes[FLOW_PATH] = FlowEvents(config, inbox, clock=clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begin = self._clock.monotonic()
        request, path = Request(scope, receive), normal_path(scope["path"], self._root_path)
        intake = self._intakes.get(path)
        name = intake.name if intake else "other"
        try:
            outcome = await self._handle(intake, path, request)
        except Refused as refused:
            outcome = self._note_refusal(name, request, refused.outcome)
        except SenderGone:
            self._note_refusal(name, request, Outcome(0, "incomplete"))
            self._metrics.requests.add(name, "incomplete")
            return
        except Exception as error:  # noqa: BLE001 a bug: its text may quote the event, and the sender shall try again
            outcome = Outcome(500, "error")
            self._log.line("error", "error", intake=name, error=type(error).__name__, tracking_id=_tracking_id(request))
        await answer(send, outcome)
        self._metrics.requests.add(name, outcome.result)
        self._metrics.seconds.observe(self._clock.monotonic() - begin)

    async def _handle(self, intake: Intake | None, path: str, request: Request) -> Outcome:
        if intake is None:
            return self._health(path, request)
        if request.method != "POST":
            raise Refused(405, "method", headers=((b"allow", b"POST"),))
        outcome = await intake.handle(request)
        self._log.line(
            "info",
            "received" if outcome.facts else outcome.result,
            intake=intake.name,
            duplicate=outcome.result == "duplicate" or None,
            tracking_id=_tracking_id(request),
            **{key: _safe(value) if isinstance(value, str) else value for key, value in outcome.facts.items()},
        )
        return outcome

    def _health(self, path: str, request: Request) -> Outcome:
        """For load balancers: yes or no. Why not is told on the port of the metrics."""
        if path not in {"/healthz", "/readyz"}:
            raise Refused(404, "not_found")
        if request.method not in {"GET", "HEAD"}:
            raise Refused(405, "method", headers=((b"allow", b"GET, HEAD"),))
        is_well = path == "/healthz" or not inbox_problems(self._inbox, self._metrics, self._min_free_bytes)
        return Outcome(200 if is_well else 503, "health")

    def _note_refusal(self, intake: str, request: Request, outcome: Outcome) -> Outcome:
        """One line with the reason, until this source has been refused too often; then failures become 429.

        Stale ones are no failures: whoever signed has a secret.
        """
        is_failure = outcome.status == 401 and outcome.result != "stale_but_valid"
        source = self._sources.of(request)
        left = (self._failures if is_failure else self._noise).count(source, self._clock.monotonic())
        if left < 0 and outcome.result not in _ALWAYS_TOLD:
            return Outcome(429, "limited", headers=((b"retry-after", b"60"),)) if is_failure else outcome
        self._log.line(
            "error" if outcome.result in _ALWAYS_TOLD else "warning",
            "refused",
            intake=intake,
            status=outcome.status or None,
            reason=outcome.result,
            source=source,
            tracking_id=_tracking_id(request),
            advice=_STALE_ADVICE if outcome.result == "stale_but_valid" else None,
            next="not logged one by one for a minute" if left == 0 else None,
            **outcome.facts,
        )
        return outcome


def inbox_problems(inbox: EventSink, metrics: ReceiverMetrics, min_free_bytes: int) -> list[str]:
    """Why events cannot be kept just now; empty where they can."""
    health, age = inbox.health(), metrics.last_commit_age()
    found = []
    if not health.is_alive:
        found.append("the inbox's writer has stopped")
    elif health.last_error:
        found.append(f"the last write failed with {health.last_error}; it is tried again every second")
    elif health.waiting and age is not None and age > _STUCK_SECONDS:
        found.append("events are waiting and none was put on disk for a while")
    if health.free_bytes is not None and health.free_bytes < min_free_bytes:
        found.append("hardly any space is left where the inbox lies")
    return found


def build_metrics_app(config: ReceiverConfig, inbox: EventSink, *, registry: Registry, metrics: ReceiverMetrics) -> App:
    """The app of the port that only the operator reaches: metrics, and health with its reasons."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive
        path = normal_path(scope["path"], "")
        if scope["method"] not in {"GET", "HEAD"}:
            outcome = Outcome(405, "method", headers=((b"allow", b"GET, HEAD"),))
        elif path == "/metrics":
            outcome = Outcome(200, "", registry.render().encode(), media_type=CONTENT_TYPE)
        elif path == "/healthz":
            outcome = Outcome(200, "")
        elif path == "/readyz":
            problems = inbox_problems(inbox, metrics, config.min_free_bytes)
            said = {"is_ready": not problems, "problems": problems, "inbox": inbox.health()}
            outcome = Outcome(503 if problems else 200, "", msgspec.json.encode(said))
        else:
            outcome = Outcome(404, "")
        await answer(send, outcome)

    return app


def _tracking_id(request: Request) -> str | None:
    """Zoom's own id of a delivery, for asking Zoom about it; whatever else it may hold is bounded and masked."""
    value = request.value(b"x-zm-trackingid")
    return _safe(value.decode("latin-1")) if value else None


def _safe(text: str) -> str:
    return _UNSAFE.sub("?", text[:100])
