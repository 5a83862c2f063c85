"""Operations on users, and search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zcc_pipeline.simulator.crm.base import Answer, RefusedError, Request, json_answer
from zcc_pipeline.simulator.crm.zendesk.people import User
from zcc_pipeline.simulator.crm.zendesk.refusals import missing, refuse, titled
from zcc_pipeline.simulator.crm.zendesk.search import Query

if TYPE_CHECKING:
    from zcc_pipeline.simulator.crm.zendesk.standin import ZendeskStandIn

_PAGE_SIZE = 100


def _me(standin: ZendeskStandIn, request: Request) -> Answer:  # noqa: ARG001 takes nothing
    role = "admin" if standin.settings.is_admin else "agent"
    return json_answer({"user": {**standin.users.me.as_json(), "role": role}})


def _search_users(standin: ZendeskStandIn, request: Request) -> Answer:
    if "external_id" in request.query:
        wanted = request.query["external_id"]
        found = [user for user in standin.users.by_id.values() if user.external_id == wanted]
    else:
        found = _query(standin, request.query.get("query", "")).users(standin.users.searchable())
    page, following = _page(standin, request, found)
    return json_answer({"users": [user.as_json() for user in page], "count": len(found), "next_page": following})


def _search(standin: ZendeskStandIn, request: Request) -> Answer:
    """Users and tickets, as far as the index knows them."""
    query = request.query.get("query", "")
    if not query.strip():
        raise refuse(422, "InvalidQuery", "query is required")
    taken = _query(standin, query)
    now = standin.options.monotonic()
    tickets = taken.tickets(each for each in standin.tickets.by_id.values() if each.indexed_at <= now)
    page, following = _page(standin, request, taken.users(standin.users.searchable()))
    results = [{**user.as_json(), "result_type": "user"} for user in page]
    results += [{**ticket.as_json(standin.base_url), "result_type": "ticket"} for ticket in tickets]
    return json_answer({"results": results, "count": len(results), "next_page": following, "previous_page": None})


def _query(standin: ZendeskStandIn, text: str) -> Query:
    return Query(text, widens=standin.settings.search_widens)


def _page(standin: ZendeskStandIn, request: Request, found: list[User]) -> tuple[list[User], str | None]:
    number = max(1, int(request.query.get("page", "1")))
    page = found[(number - 1) * _PAGE_SIZE : number * _PAGE_SIZE]
    if number * _PAGE_SIZE >= len(found):
        return page, None
    others = "&".join(each for each in request.query_string.split("&") if not each.startswith("page="))
    return page, f"{standin.base_url}{request.path}?{others}&page={number + 1}"


def _identities(standin: ZendeskStandIn, request: Request) -> Answer:
    user_id = request.values["user_id"]
    user = standin.users.by_id.get(int(user_id)) if user_id.isdigit() else None
    if user is None:
        raise missing()
    known: list[dict[str, Any]] = [
        {"type": "email", "value": value, "primary": value == user.email}
        for value in (user.email, *user.other_emails)
        if value
    ]
    if user.phone:
        known.append({"type": "phone_number", "value": user.phone, "primary": True})
    return json_answer({"identities": known})


def _create_or_update(standin: ZendeskStandIn, request: Request) -> Answer:
    fields = request.json_object().get("user")
    if not isinstance(fields, dict):
        raise refuse(400, "InvalidPayload", "user is missing")
    if standin.faults.refuses(str(fields.get("email") or fields.get("phone") or ""), str(fields.get("name"))):
        raise refuse(422, "RecordInvalid", "Record validation errors", details={"base": [{"description": "refused"}]})
    user, is_new = standin.users.create_or_update(fields)
    standin.count("user_created" if is_new else "user_updated")
    return json_answer({"user": user.as_json()}, status=201 if is_new else 200)


def _create_or_update_many(standin: ZendeskStandIn, request: Request) -> Answer:
    """Off in every account until Zendesk's support turns it on; the refusal is an ``error`` that is an object."""
    if not standin.settings.bulk_user_upsert:
        raise RefusedError(titled(403, "Forbidden", "Please contact Zendesk to enable this endpoint."))
    rows = request.json_object().get("users") or []

    def upsert(index: int) -> dict[str, Any]:
        return {"id": standin.users.create_or_update(rows[index])[0].id, "index": index}

    job = standin.jobs.add("Bulk User Upsert", len(rows), upsert, action="create")
    return json_answer({"job_status": {"id": job.id, "status": job.status, "total": job.total}})


ROUTES = (
    ("GET", "/api/v2/users/me", _me),
    ("GET", "/api/v2/users/search", _search_users),
    ("GET", "/api/v2/users/{user_id}/identities", _identities),
    ("GET", "/api/v2/search", _search),
    ("POST", "/api/v2/users/create_or_update", _create_or_update),
    ("POST", "/api/v2/users/create_or_update_many", _create_or_update_many),
)
