"""Ticket fields, custom objects with their fields, and their records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zcc_pipeline.simulator.crm.base import Answer, Request, json_answer
from zcc_pipeline.simulator.crm.zendesk.custom_objects import CustomObject, check_items, record_json
from zcc_pipeline.simulator.crm.zendesk.jobs import job_json
from zcc_pipeline.simulator.crm.zendesk.refusals import refuse

if TYPE_CHECKING:
    from zcc_pipeline.simulator.crm.zendesk.standin import ZendeskStandIn

_PAGE_SIZE = 100
_SYSTEM_FIELDS = ("subject", "description", "status", "priority", "tickettype", "group", "assignee")


def _ticket_fields(standin: ZendeskStandIn, request: Request) -> Answer:  # noqa: ARG001 one page
    fields: list[dict[str, Any]] = [
        {"id": index, "type": name, "title": name.capitalize(), "active": True, "removable": False}
        for index, name in enumerate(_SYSTEM_FIELDS, start=1)
    ]
    fields += [
        {"id": field_id, "type": kind, "title": title, "active": True, "removable": True}
        for field_id, kind, title in standin.settings.ticket_fields
    ]
    return json_answer({"ticket_fields": fields, "meta": {"has_more": False, "after_cursor": None}})


def _object(standin: ZendeskStandIn, request: Request) -> CustomObject:
    if not standin.settings.has_custom_objects:
        raise refuse(403, "Forbidden", "Custom objects are not part of this plan")
    return standin.custom_objects.get(request.values["key"])


def _show_object(standin: ZendeskStandIn, request: Request) -> Answer:
    return json_answer({"custom_object": _object(standin, request).as_json()})


def _create_object(standin: ZendeskStandIn, request: Request) -> Answer:
    if not standin.settings.is_admin or not standin.settings.has_custom_objects:
        raise refuse(403, "Forbidden", "You do not have access to this page.")
    made = standin.custom_objects.create_object(request.json_object().get("custom_object") or {})
    return json_answer({"custom_object": made.as_json()}, status=201)


def _list_fields(standin: ZendeskStandIn, request: Request) -> Answer:
    return json_answer({"custom_object_fields": list(_object(standin, request).fields.values())})


def _create_field(standin: ZendeskStandIn, request: Request) -> Answer:
    target = _object(standin, request)
    if not standin.settings.is_admin:
        raise refuse(403, "Forbidden", "You do not have access to this page.")
    made = standin.custom_objects.create_field(target, request.json_object().get("custom_object_field") or {})
    return json_answer({"custom_object_field": made}, status=201)


def _list_records(standin: ZendeskStandIn, request: Request) -> Answer:
    target = _object(standin, request)
    records = list(target.records.values())
    if "filter[external_ids]" in request.query:
        wanted = set(request.query["filter[external_ids]"].split(","))
        records = [record for record in records if record.external_id in wanted]
    after = int(request.query.get("page[after]") or 0)
    page = records[after : after + _PAGE_SIZE]
    has_more = after + _PAGE_SIZE < len(records)
    cursor = str(after + _PAGE_SIZE) if has_more else None
    return json_answer(
        {
            "custom_object_records": [record_json(target, record, standin.base_url) for record in page],
            "meta": {"has_more": has_more, "after_cursor": cursor, "before_cursor": None},
            "links": {"next": None, "prev": None},
        }
    )


def _upsert_record(standin: ZendeskStandIn, request: Request) -> Answer:
    item = dict(request.json_object().get("custom_object_record") or {})
    item["external_id"] = request.query.get("external_id")
    target = _object(standin, request)
    record, _ = standin.custom_objects.upsert(target, item)
    return json_answer({"custom_object_record": record_json(target, record, standin.base_url)})


def _start_job(standin: ZendeskStandIn, request: Request) -> Answer:
    """Results hold the records, whose ids are texts: so says this operation's description, while that of job statuses
    knows numbers only."""
    target = _object(standin, request)
    job = request.json_object().get("job") or {}
    if job.get("action") != "create_or_update_by_external_id":
        raise refuse(400, "InvalidJob", "this action is not known here")
    items = check_items(job.get("items"))

    def upsert(index: int) -> dict[str, Any]:
        record, is_new = standin.custom_objects.upsert(target, items[index])
        status = "Created" if is_new else "Updated"
        return {**record_json(target, record, standin.base_url), "index": index, "success": True, "status": status}

    made = standin.jobs.add("Bulk Custom Object Records", len(items), upsert, action="upsert")
    return json_answer({"job_status": job_json(made, standin.base_url)}, status=201)


ROUTES = (
    ("GET", "/api/v2/ticket_fields", _ticket_fields),
    ("POST", "/api/v2/custom_objects", _create_object),
    ("GET", "/api/v2/custom_objects/{key}", _show_object),
    ("GET", "/api/v2/custom_objects/{key}/fields", _list_fields),
    ("POST", "/api/v2/custom_objects/{key}/fields", _create_field),
    ("GET", "/api/v2/custom_objects/{key}/records", _list_records),
    ("PATCH", "/api/v2/custom_objects/{key}/records", _upsert_record),
    ("POST", "/api/v2/custom_objects/{key}/jobs", _start_job),
)
