"""The descriptions of the CRMs' APIs say no to what the real ones say no to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from zcc_pipeline.simulator.crm.base import Request, empty, json_answer
from zcc_pipeline_tests.crm_definitions import FILES, definition_of

UPSERT = "/services/data/v65.0/composite/sobjects/Engagement__c/Engagement_Id__c"


def request(method: str, path: str, content: Any = None, query: str = "") -> Request:
    body = b"" if content is None else json.dumps(content).encode()
    return Request(method, path, query, {"content-type": "application/json"}, body)


def upsert(number: int) -> Request:
    records = [{"attributes": {"type": "Engagement__c"}, "Engagement_Id__c": f"e{each}"} for each in range(number)]
    return request("PATCH", UPSERT, {"allOrNone": False, "records": records})


@pytest.mark.parametrize("crm", FILES)
def test_every_description_can_be_read(crm: str) -> None:
    assert definition_of(crm).check_request(Request("GET", "/nothing/of/the/kind")) == []


def test_as_many_records_as_allowed_pass_and_one_more_does_not() -> None:
    salesforce = definition_of("salesforce")
    assert salesforce.check_request(upsert(200)) == []
    assert len(salesforce.check_request(upsert(201))) == 1


def test_a_missing_body_a_wrong_media_type_and_a_missing_query_name_are_found() -> None:
    salesforce = definition_of("salesforce")
    assert "the body is missing" in salesforce.check_request(Request("PATCH", UPSERT))[0]
    text = Request("PATCH", UPSERT, headers={"content-type": "text/plain"}, body=b"x")
    assert "text/plain is not taken" in salesforce.check_request(text)[0]
    assert "parameter q is missing" in salesforce.check_request(request("GET", "/services/data/v65.0/query"))[0]
    assert salesforce.check_request(request("GET", "/services/data/v65.0/query", query="q=SELECT+Id")) == []


def test_hubspot_takes_strings_only() -> None:
    hubspot = definition_of("hubspot")
    path = "/crm/objects/2026-09/calls/batch/upsert"
    call = {"idProperty": "zcc_engagement_id", "id": "e1", "properties": {"hs_call_duration": "1000"}}
    assert hubspot.check_request(request("POST", path, {"inputs": [call]})) == []
    call["properties"]["hs_call_duration"] = 1000
    assert hubspot.check_request(request("POST", path, {"inputs": [call]}))


def test_keys_in_brackets_belong_to_their_operation() -> None:
    dataverse = definition_of("dynamics")
    found = dataverse.check_request(Request("PATCH", "/api/data/v9.2/phonecalls(new_id='e1')"))
    assert "the body is missing" in found[0]


def test_answers_are_held_to_it_as_well() -> None:
    salesforce = definition_of("salesforce")
    good = [{"id": "a01000000000001AAA", "success": True, "created": True, "errors": []}]
    assert salesforce.check_answer(upsert(1), json_answer(good)) == []
    assert salesforce.check_answer(upsert(1), json_answer({"results": good}))
    assert "never answers 202" in salesforce.check_answer(upsert(1), empty(202))[0]


def test_a_null_is_allowed_where_the_older_dialect_says_so_and_nowhere_else() -> None:
    zendesk = definition_of("zendesk")
    found = {"results": [], "count": 0, "next_page": None, "previous_page": None, "facets": None}
    assert zendesk.check_answer(request("GET", "/api/v2/search", query="query=x"), json_answer(found)) == []
    assert zendesk.check_answer(request("GET", "/api/v2/search", query="query=x"), json_answer(found | {"count": None}))


def test_zendesk_takes_a_hundred_tickets_at_once() -> None:
    zendesk = definition_of("zendesk")
    path, ticket = "/api/v2/imports/tickets/create_many", {"subject": "x", "external_id": "e1"}
    assert zendesk.check_request(request("POST", path, {"tickets": [ticket] * 100})) == []
    assert zendesk.check_request(request("POST", path, {"tickets": [ticket] * 101}))
