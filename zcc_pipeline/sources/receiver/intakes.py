"""The two intakes over HTTP: from who may send, to an event that is on disk."""

from __future__ import annotations

import hmac
from typing import Protocol

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.events import UNREADABLE, PushedEvent, zoom_event
from zcc_pipeline.inbox import EventSink, InboxUnavailable
from zcc_pipeline.sources.receiver.challenge import CHALLENGE_NOTE, URL_VALIDATION, answer_challenge
from zcc_pipeline.sources.receiver.config import ReceiverConfig
from zcc_pipeline.sources.receiver.flow_events import flow_event
from zcc_pipeline.sources.receiver.http import Bodies, Outcome, Refused, Request
from zcc_pipeline.sources.receiver.metrics import ReceiverMetrics
from zcc_pipeline.sources.receiver.signature import authenticate, signed_headers

_RETRY_SECONDS = 5.0
_STORED, _DUPLICATE = b'{"status":"stored"}', b'{"status":"duplicate"}'


class Intake(Protocol):
    """One way in."""

    name: str

    async def handle(self, request: Request) -> Outcome:
        """Deal with a POST; raises ``Refused`` or ``SenderGone``."""
        ...


class ZoomWebhooks:
    """Signed webhooks of the Marketplace app."""

    name = "webhook"

    def __init__(self, config: ReceiverConfig, inbox: EventSink, *, clock: Clock, metrics: ReceiverMetrics) -> None:
        self._secrets = [secret.encode() for secret in config.secret_tokens]
        self._tolerance = config.tolerance_seconds
        self._bodies = Bodies(each=config.max_body_bytes, together=config.max_unread_bytes)
        self._inbox, self._clock, self._metrics = inbox, clock, metrics

    async def handle(self, request: Request) -> Outcome:
        """Authenticate, answer a challenge, keep anything else."""
        request.require_json()
        signature, timestamp = signed_headers(request)
        body = await self._bodies.read(request)
        now = self._clock.now()
        signed = authenticate(signature, timestamp, body, secrets=self._secrets, now=now.timestamp())
        self._metrics.clock_skew.value = abs(signed.age_seconds)
        if abs(signed.age_seconds) > self._tolerance:
            raise Refused(401, "stale_but_valid", facts={"age_seconds": round(signed.age_seconds)})
        event = zoom_event(body, intake="webhook", received_at=now)
        if event.event == URL_VALIDATION:
            outcome = answer_challenge(body, signed.secret)
            self._inbox.note(CHALLENGE_NOTE, now)
            return outcome
        return await keep(self._inbox, event)


class FlowEvents:
    """Posts of flow event scripts, which have no means to sign: a bearer token says who they are."""

    name = "flow"

    def __init__(self, config: ReceiverConfig, inbox: EventSink, *, clock: Clock) -> None:
        self._tokens = [token.encode() for token in config.flow_tokens]
        self._bodies = Bodies(each=config.max_body_bytes, together=config.max_unread_bytes)
        self._inbox, self._clock = inbox, clock

    async def handle(self, request: Request) -> Outcome:
        """Check the token, then the schema, then keep it."""
        self._authenticate(request)
        request.require_json()
        return await keep(self._inbox, flow_event(await self._bodies.read(request), received_at=self._clock.now()))

    def _authenticate(self, request: Request) -> None:
        given = request.values(b"authorization")
        if len(given) != 1:
            raise _unauthorised("duplicate_header" if given else "missing_header")
        scheme, _, token = given[0].partition(b" ")
        token = token.strip()
        matches = [hmac.compare_digest(token, each) for each in self._tokens]
        if scheme.lower() != b"bearer" or not any(matches):
            raise _unauthorised("bad_token")


def _unauthorised(result: str) -> Refused:
    return Refused(401, result, headers=((b"www-authenticate", b"Bearer"),))


async def keep(inbox: EventSink, event: PushedEvent) -> Outcome:
    """Nothing is acknowledged before it is synced; what cannot be kept is refused so that it is sent again."""
    try:
        put = await inbox.put(event)
    except InboxUnavailable as error:
        seconds = error.retry_after_seconds or _RETRY_SECONDS
        raise Refused(503, "unavailable", headers=((b"retry-after", b"%d" % max(1, round(seconds))),)) from None
    result = "duplicate" if put.is_duplicate else "unreadable" if event.event == UNREADABLE else "stored"
    facts = {"event": event.event, "seq": put.seq, "key": event.dedupe_key.hex()[:12]}
    return Outcome(200, result, _DUPLICATE if put.is_duplicate else _STORED, facts=facts)
