"""The stand-in itself: settings, hooks of the base, and what tests look at."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar

import msgspec

from zcc_pipeline.simulator.crm.base import (
    Answer,
    CrmOptions,
    CrmStandIn,
    Exceeded,
    IssuedToken,
    Limit,
    Person,
    RefusedError,
    Request,
    Route,
)
from zcc_pipeline.simulator.crm.zendesk.custom_objects import CustomObjects, record_json
from zcc_pipeline.simulator.crm.zendesk.jobs import Jobs
from zcc_pipeline.simulator.crm.zendesk.people import Users
from zcc_pipeline.simulator.crm.zendesk.refusals import refusal, titled
from zcc_pipeline.simulator.crm.zendesk.tickets import Tickets
from zcc_pipeline.simulator.crm.zendesk.uploads import Uploads

PLAN_LIMITS = {"team": 200, "growth": 400, "professional": 400, "enterprise": 700, "enterprise_plus": 2_500}
"""Requests a minute by plan of the Suite (https://developer.zendesk.com/api-reference/introduction/rate-limits/)."""

UPDATE_TICKET = "update_ticket"
SHORTEST_TOKEN_SECONDS, LONGEST_TOKEN_SECONDS = 301, 172_799


@dataclass(frozen=True, kw_only=True)
class ZendeskSettings:
    """What this account is like."""

    is_admin: bool = True
    """Off: the token belongs to an agent, who may not import."""
    job_seconds: float = 0.02
    job_kept_seconds: float = 86_400
    failed_rows_name_index: bool = False
    """Whether a row that could not be created carries its index, as those do that were; Zendesk's description gives it
    an ``id`` instead, and its place among the results is all that tells which it was."""
    search_delay_seconds: float = 60
    upload_token_seconds: float = 3_600
    idempotency_seconds: float = 7_200
    validates_phones: bool = True
    bulk_user_upsert: bool = False
    """``create_or_update_many`` of users: 403 until Zendesk's support enables it."""
    lists_external_ids: bool = True
    """Whether ``external_id`` takes several ids with commas: one connector's documentation says so, Zendesk's does
    not."""
    search_widens: bool = True
    """Whether several values of one property find everybody who has one of them; off, everybody who has all."""
    has_custom_objects: bool = True
    api_tokens_end: bool = False
    """After 30 April 2027: API tokens are refused."""
    ticket_fields: tuple[tuple[int, str, str], ...] = ((9001, "text", "Zoom queue"), (9002, "integer", "Talk seconds"))
    """Id, type and title of custom ticket fields."""


class ZendeskStandIn(CrmStandIn):
    """Zendesk Support."""

    name: ClassVar[str] = "zendesk"
    limits_by_default: ClassVar[Mapping[str, Limit]] = {
        "api": Limit(PLAN_LIMITS["professional"], 60),
        UPDATE_TICKET: Limit(100, 60),
    }

    def set_up(self) -> None:
        """Empty tables."""
        options = self.options
        self.settings = msgspec.convert(dict(options.settings), ZendeskSettings)
        ids = count(1)
        self.next_id: Callable[[], int] = lambda: next(ids)
        self.jobs = Jobs(
            seconds=self.settings.job_seconds,
            kept_seconds=self.settings.job_kept_seconds,
            names_index=self.settings.failed_rows_name_index,
            monotonic=options.monotonic,
        )
        self.users = Users(
            next_id=self.next_id,
            monotonic=options.monotonic,
            search_delay=self.settings.search_delay_seconds,
            validate_phones=self.settings.validates_phones,
        )
        self.uploads = Uploads(
            next_id=self.next_id, monotonic=options.monotonic, token_seconds=self.settings.upload_token_seconds
        )
        self.tickets = Tickets(
            users=self.users,
            uploads=self.uploads,
            next_id=self.next_id,
            clock=options.clock,
            search_time=lambda: options.monotonic() + self.settings.search_delay_seconds,
            faults=lambda: self.faults,
            count=self.count,
            custom_field_ids=[each[0] for each in self.settings.ticket_fields],
        )
        self.custom_objects = CustomObjects(
            users=self.users,
            next_id=self.next_id,
            clock=options.clock,
            faults=lambda: self.faults,
            count=self.count,
        )
        self.idempotent: dict[str, tuple[float, bytes, Answer]] = {}

    def routes(self) -> Sequence[Route]:
        """Its operations."""
        from zcc_pipeline.simulator.crm.zendesk import routes

        return routes.build(self)

    def count(self, change: str) -> None:
        """Note what a handler did."""
        self.counters.changes[change] += 1

    def add_person(self, person: Person) -> None:
        """An end user or an agent, known to search at once."""
        role = "end-user" if person.kind == "customer" else "agent"
        self.users.add(person.name, role, email=person.email, phone=person.phone)

    def records(self) -> dict[str, Any]:
        """Tickets with their comments, users, and records of custom objects."""
        self.jobs.settle()
        return {
            "tickets": [
                {
                    **ticket.as_json(self.base_url),
                    "comments": [comment.as_json(self.base_url) for comment in ticket.comments],
                }
                for ticket in self.tickets.by_id.values()
            ],
            "users": [user.as_json() for user in self.users.by_id.values()],
            "custom_objects": {
                key: [record_json(each, record, self.base_url) for record in each.records.values()]
                for key, each in self.custom_objects.by_key.items()
            },
        }

    def commands(self) -> Mapping[str, Callable[[dict[str, Any]], object]]:
        """``hold-jobs`` {"is_held"}, ``fail-jobs`` {"jobs"}, ``set-status`` {"ticket_id", "status"}."""
        return {"hold-jobs": self._hold_jobs, "fail-jobs": self._fail_jobs, "set-status": self._set_status}

    def _hold_jobs(self, body: dict[str, Any]) -> object:
        self.jobs.settle()
        self.jobs.is_held = bool(body["is_held"])
        return {"is_held": self.jobs.is_held}

    def _fail_jobs(self, body: dict[str, Any]) -> object:
        self.jobs.fail_next = int(body["jobs"])
        return {"jobs": self.jobs.fail_next}

    def _set_status(self, body: dict[str, Any]) -> object:
        self.tickets.get(body["ticket_id"]).fields["status"] = str(body["status"])
        return {"status": body["status"]}

    # Words of its refusals

    def authorize(self, request: Request) -> IssuedToken:
        """A bearer token, or an e-mail address and an API token while those are still good."""
        scheme, _, encoded = request.header("authorization").partition(" ")
        if scheme.lower() != "basic":
            return super().authorize(request)
        try:
            login, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            login = secret = ""
        if self.settings.api_tokens_end or not login.endswith("/token") or not secret:
            raise RefusedError(self.unauthorized(request))
        return IssuedToken(secret, math.inf)

    def unauthorized(self, request: Request) -> Answer:
        """No token, or one that is unknown, expired or revoked."""
        if request.header("authorization").lower().startswith("bearer"):
            text = "The access token provided is expired, revoked, malformed or invalid for other reasons."
            return msgspec_answer({"error": "invalid_token", "error_description": text}, 401)
        return msgspec_answer({"error": "Couldn't authenticate you"}, 401)

    def limited(self, request: Request, exceeded: Exceeded) -> Answer:  # noqa: ARG002
        """One call too many."""
        wait = exceeded.retry_after if exceeded.kind != "daily" else 3_600
        return refusal(
            429,
            "APIRateLimitExceeded",
            "Number of allowed API requests per minute exceeded",
            headers={"retry-after": str(math.ceil(wait))},
        )

    def not_found(self, request: Request) -> Answer:
        """No such operation."""
        if self.methods(request):
            return titled(405, "Method not allowed", "This operation does not exist")
        return refusal(404, "InvalidEndpoint", "Not found")

    def unavailable(self, request: Request) -> Answer:  # noqa: ARG002
        """The edge answers while the application cannot."""
        return titled(503, "Service unavailable", "Please try again")

    def malformed(self, request: Request, problem: str) -> Answer:  # noqa: ARG002
        """A body that cannot be read."""
        return refusal(400, "InvalidPayload", problem)

    def answer_headers(self, request: Request) -> Mapping[str, str]:  # noqa: ARG002
        """What is left of the minute."""
        limit, left = self.limits.limits.get("api"), self.limits.left("api")
        if limit is None:
            return {}
        return {
            "x-rate-limit": str(limit.calls),
            "x-rate-limit-remaining": str(max(0, left or 0)),
            "ratelimit-limit": str(limit.calls),
            "ratelimit-remaining": str(max(0, left or 0)),
            "ratelimit-reset": str(math.ceil(limit.seconds)),
        }


def msgspec_answer(body: Mapping[str, Any], status: int) -> Answer:
    """A body in neither of the usual shapes."""
    return Answer(msgspec.json.encode(body), status=status)


def make(options: CrmOptions | None = None) -> ZendeskStandIn:
    """A Zendesk account without tickets."""
    return ZendeskStandIn(options)
