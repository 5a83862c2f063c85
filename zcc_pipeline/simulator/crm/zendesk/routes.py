"""Zendesk's operations: what each reads from a request, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from zcc_pipeline.simulator.crm.base import Answer, RefusedError, Request, Route, json_answer, read_grant
from zcc_pipeline.simulator.crm.zendesk import schema_routes, user_routes
from zcc_pipeline.simulator.crm.zendesk.jobs import Job, job_json
from zcc_pipeline.simulator.crm.zendesk.refusals import InvalidRecordError, refusal, refuse
from zcc_pipeline.simulator.crm.zendesk.standin import (
    LONGEST_TOKEN_SECONDS,
    SHORTEST_TOKEN_SECONDS,
    UPDATE_TICKET,
    ZendeskStandIn,
    msgspec_answer,
)
from zcc_pipeline.simulator.crm.zendesk.tickets import (
    UPDATES_PER_TICKET,
    UPDATES_WINDOW_SECONDS,
    VOICE_VIA,
    Ticket,
)

Serve = Callable[[ZendeskStandIn, Request], Answer]

MOST_ROWS = 100
PAGE_SIZE = 100


def build(standin: ZendeskStandIn) -> Sequence[Route]:
    """All routes of one stand-in."""

    def route(method: str, path: str, serve: Serve, **more: Any) -> Route:  # noqa: ANN401 as ``Route``
        writes = more.pop("writes", method != "GET")
        return Route(method, path, partial(_refusing_invalid, serve, standin), writes=writes, **more)

    return [
        route("POST", "/oauth/tokens", _issue_token, needs_token=False, writes=False),
        route("GET", "/api/v2/tickets", _list_tickets),
        route("POST", "/api/v2/tickets", _create_ticket),
        route("GET", "/api/v2/tickets/show_many", _show_tickets),
        route("PUT", "/api/v2/tickets/update_many", _update_tickets),
        route("POST", "/api/v2/tickets/create_many", partial(_create_tickets, imported=False)),
        route("GET", "/api/v2/tickets/{ticket_id}", _show_ticket),
        route("PUT", "/api/v2/tickets/{ticket_id}", _update_ticket),
        route("GET", "/api/v2/tickets/{ticket_id}/comments", _list_comments),
        route("POST", "/api/v2/imports/tickets", _import_ticket),
        route("POST", "/api/v2/imports/tickets/create_many", partial(_create_tickets, imported=True)),
        route("POST", "/api/v2/channels/voice/tickets", _create_voice_ticket),
        route("GET", "/api/v2/job_statuses", _list_jobs),
        route("GET", "/api/v2/job_statuses/show_many", _show_jobs),
        route("GET", "/api/v2/job_statuses/{job_id}", _show_job),
        route("POST", "/api/v2/uploads", _upload),
        *(route(*each) for each in user_routes.ROUTES),
        *(route(*each) for each in schema_routes.ROUTES),
    ]


def _refusing_invalid(serve: Serve, standin: ZendeskStandIn, request: Request) -> Answer:
    standin.jobs.settle()
    try:
        return serve(standin, request)
    except InvalidRecordError as invalid:
        raise invalid.as_refusal() from None


def _issue_token(standin: ZendeskStandIn, request: Request) -> Answer:
    grant = read_grant(request)
    if grant.grant_type != "client_credentials":
        return msgspec_answer({"error": "unsupported_grant_type", "error_description": "not supported"}, 400)
    if not standin.accepts(grant):
        return msgspec_answer({"error": "invalid_client", "error_description": "Client authentication failed."}, 401)
    asked = grant.fields.get("expires_in")
    seconds = standin.tokens.lifetime_seconds
    if asked is not None:
        if not asked.isdigit() or not SHORTEST_TOKEN_SECONDS <= int(asked) <= LONGEST_TOKEN_SECONDS:
            return msgspec_answer({"error": "invalid_request", "error_description": "expires_in is out of range"}, 400)
        seconds = min(seconds, int(asked))
    token = standin.tokens.issue(scope=grant.fields.get("scope", ""), lifetime_seconds=seconds)
    body = {"access_token": token.value, "token_type": "bearer", "scope": token.scope, "expires_in": int(seconds)}
    return msgspec_answer(body, 200)


def _list_tickets(standin: ZendeskStandIn, request: Request) -> Answer:
    wanted = request.query.get("external_id")
    found: list[Ticket] = list(standin.tickets.by_id.values())
    if wanted is not None:
        several = wanted.split(",") if standin.settings.lists_external_ids else [wanted]
        found = standin.tickets.with_external_ids(several)
    size = min(int(request.query.get("page[size]", PAGE_SIZE)), PAGE_SIZE)
    after = int(request.query.get("page[after]") or 0)
    page = found[after : after + size]
    has_more = after + size < len(found)
    return json_answer(
        {
            "tickets": [ticket.as_json(standin.base_url) for ticket in page],
            "meta": {"has_more": has_more, "after_cursor": str(after + size) if has_more else None},
        }
    )


def _create_ticket(standin: ZendeskStandIn, request: Request) -> Answer:
    """With ``Idempotency-Key`` the first answer is repeated, and another body under the same key is refused."""
    key, now = request.header("idempotency-key"), standin.options.monotonic()
    until, body, first = standin.idempotent.get(key, (0.0, b"", None))
    if key and first is not None and now < until:
        if body != request.body:
            raise refuse(400, "IdempotentRequestError", "The body differs from the first request with this key")
        return Answer(first.body, first.status, headers={"x-idempotency-lookup": "hit"}, wrote=False)
    ticket = standin.tickets.create(_object(request, "ticket"), imported=False)
    answer = json_answer({"ticket": ticket.as_json(standin.base_url)}, status=201)
    if key:
        answer.headers["x-idempotency-lookup"] = "miss"
        standin.idempotent[key] = (now + standin.settings.idempotency_seconds, request.body, answer)
    return answer


def _create_tickets(standin: ZendeskStandIn, request: Request, *, imported: bool) -> Answer:
    if imported:
        _only_admins(standin)
    rows = _rows(request)

    def create(index: int) -> dict[str, Any]:
        return {"id": standin.tickets.create(rows[index], imported=imported).id, "index": index}

    kind = "Bulk Import Ticket" if imported else "Bulk Create Ticket"
    return _job_answer(standin, standin.jobs.add(kind, len(rows), create, action="create"))


def _import_ticket(standin: ZendeskStandIn, request: Request) -> Answer:
    _only_admins(standin)
    ticket = standin.tickets.create(_object(request, "ticket"), imported=True)
    return json_answer({"ticket": ticket.as_json(standin.base_url)}, status=201)


def _create_voice_ticket(standin: ZendeskStandIn, request: Request) -> Answer:
    """Refuses with a bare text where the others have an object: so says Zendesk's own description."""
    row = _object(request, "ticket")
    voice = row.get("voice_comment")
    try:
        if row.get("via_id") not in VOICE_VIA or not isinstance(voice, dict):
            raise InvalidRecordError("via_id", "44, 45 or 46 and a voice_comment are required")
        ticket = standin.tickets.create(row, imported=False, voice=voice)
    except InvalidRecordError as invalid:
        return json_answer(str(invalid), status=422)
    return json_answer({"ticket": ticket.as_json(standin.base_url)}, status=201)


def _show_ticket(standin: ZendeskStandIn, request: Request) -> Answer:
    ticket = standin.tickets.get(request.values["ticket_id"])
    return json_answer({"ticket": ticket.as_json(standin.base_url)})


def _show_tickets(standin: ZendeskStandIn, request: Request) -> Answer:
    if "external_ids" in request.query:  # answered so to the vendor's own PHP client, issue 385
        raise refuse(400, "InvalidParameter", "ids is required")
    ids = request.query.get("ids", "").split(",")
    if len(ids) > MOST_ROWS:
        raise refuse(400, "TooManyIds", "At most 100 ids are allowed")
    found = [standin.tickets.by_id[int(each)] for each in ids if each.isdigit() and int(each) in standin.tickets.by_id]
    return json_answer({"tickets": [ticket.as_json(standin.base_url) for ticket in found]})


def _update_ticket(standin: ZendeskStandIn, request: Request) -> Answer:
    exceeded = standin.limits.take(UPDATE_TICKET)
    if exceeded is not None:
        raise RefusedError(standin.limited(request, exceeded))
    ticket = standin.tickets.get(request.values["ticket_id"])
    _take_update(standin, ticket)
    row = _object(request, "ticket")
    if row.get("safe_update") and row.get("updated_stamp") != ticket.updated_at:
        raise refuse(409, "UpdateConflict", "Safe Update prevented the update due to outdated ticket data.")
    standin.tickets.update(ticket, row)
    return json_answer({"ticket": ticket.as_json(standin.base_url), "audit": {"ticket_id": ticket.id}})


def _take_update(standin: ZendeskStandIn, ticket: Ticket) -> None:
    now = standin.options.monotonic()
    while ticket.updates and now - ticket.updates[0] >= UPDATES_WINDOW_SECONDS:
        ticket.updates.popleft()
    if len(ticket.updates) >= UPDATES_PER_TICKET:
        text = "The rate limit for ticket updates has been exceeded for this ticket"
        raise refuse(429, "TooManyTicketUpdates", text, headers={"retry-after": "600"})
    ticket.updates.append(now)


def _update_tickets(standin: ZendeskStandIn, request: Request) -> Answer:
    rows = _rows(request)
    ids = [row.get("id") for row in rows]
    if not all(isinstance(each, int) for each in ids):
        raise refuse(400, "InvalidPayload", "each ticket needs an id")

    def update(index: int) -> dict[str, Any]:
        found = standin.tickets.by_id.get(rows[index]["id"])
        if found is None:
            raise InvalidRecordError("id", "ticket not found", "RecordNotFound")
        standin.tickets.update(found, rows[index])
        return {"id": found.id, "action": "update", "success": True, "status": "Updated"}

    job = standin.jobs.add(
        "Bulk Update Ticket", len(rows), update, action="update", row_id=lambda index: int(rows[index]["id"])
    )
    return _job_answer(standin, job)


def _list_comments(standin: ZendeskStandIn, request: Request) -> Answer:
    ticket = standin.tickets.get(request.values["ticket_id"])
    size = min(int(request.query.get("page[size]", PAGE_SIZE)), PAGE_SIZE)
    after = int(request.query.get("page[after]") or 0)
    has_more = after + size < len(ticket.comments)
    return json_answer(
        {
            "comments": [each.as_json(standin.base_url) for each in ticket.comments[after : after + size]],
            "meta": {"has_more": has_more, "after_cursor": str(after + size) if has_more else None},
        }
    )


def _list_jobs(standin: ZendeskStandIn, request: Request) -> Answer:  # noqa: ARG001 takes nothing
    return json_answer({"job_statuses": [job_json(job, standin.base_url) for job in standin.jobs.newest()]})


def _show_jobs(standin: ZendeskStandIn, request: Request) -> Answer:
    ids = request.query.get("ids", "").split(",")
    return json_answer({"job_statuses": [job_json(job, standin.base_url) for job in standin.jobs.known(ids)]})


def _show_job(standin: ZendeskStandIn, request: Request) -> Answer:
    return _job_answer(standin, standin.jobs.find(request.values["job_id"].removesuffix(".json")))


def _upload(standin: ZendeskStandIn, request: Request) -> Answer:
    token, attachment = standin.uploads.add(request.query.get("filename", ""), request.media_type, request.body)
    shown = attachment.as_json(standin.base_url)
    return json_answer({"upload": {"token": token, "attachment": shown, "attachments": [shown]}}, status=201)


def _job_answer(standin: ZendeskStandIn, job: Job) -> Answer:
    return json_answer({"job_status": job_json(job, standin.base_url)})


def _only_admins(standin: ZendeskStandIn) -> None:
    if not standin.settings.is_admin:
        raise RefusedError(refusal(403, "Forbidden", "You do not have access to this page."))


def _object(request: Request, name: str) -> dict[str, Any]:
    found = request.json_object().get(name)
    if not isinstance(found, dict):
        raise refuse(400, "InvalidPayload", f"{name} is missing")
    return found


def _rows(request: Request) -> list[dict[str, Any]]:
    rows = request.json_object().get("tickets")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise refuse(400, "InvalidPayload", "tickets is missing")
    if len(rows) > MOST_ROWS:
        raise refuse(400, "TooManyTickets", "At most 100 tickets are allowed")
    for row in rows:
        if row.get("priority") not in (None, "urgent", "high", "normal", "low"):
            raise refuse(400, "InvalidValue", "Invalid value for priority")  # of one row, and the whole list is refused
    return rows
