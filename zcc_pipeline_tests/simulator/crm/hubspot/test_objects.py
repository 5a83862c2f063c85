"""HubSpot's stand-in: properties, batches, search, associations."""

from __future__ import annotations

import pytest

from zcc_pipeline.simulator.crm.base import Faults, Person
from zcc_pipeline_tests.simulator.crm.hubspot.account import KEY, account, call, key_property


def test_an_upsert_needs_a_property_that_is_unique() -> None:
    with account() as hub:
        refused = hub.upsert(call("e1"))
        assert refused.status_code == 400
        assert "by non-unique" in refused.json()["message"]
        hub.add_key()
        assert hub.upsert(call("e1")).json()["results"][0]["new"] is True
        assert hub.upsert(call("e1")).json()["results"][0]["new"] is False
        assert len(hub.records()["calls"]) == 1


def test_a_property_is_made_once_and_only_in_a_group_that_is_there() -> None:
    with account() as hub:
        path = "/crm/properties/{v}/calls"
        assert hub.post(path, key_property()).status_code == 400
        hub.add_key()
        again = hub.post(path, key_property())
        assert (again.status_code, again.json()["category"]) == (409, "CONFLICT")
        listed = {each["name"]: each for each in hub.get(path).json()["results"]}
        assert listed[KEY]["hasUniqueValue"] is True
        assert listed["hs_object_id"]["modificationMetadata"]["readOnlyValue"] is True


def test_results_come_in_another_order_and_say_themselves_which_record_they_are() -> None:
    with account() as hub:
        hub.add_key()
        results = hub.upsert(*(call(f"e{number}") for number in range(5))).json()["results"]
        assert [each["properties"][KEY] for each in results] == ["e4", "e3", "e2", "e1", "e0"]


def test_a_hundred_inputs_pass_and_one_more_is_too_many() -> None:
    with account() as hub:
        hub.add_key()
        assert hub.upsert(*(call(f"e{number}") for number in range(100))).status_code == 200
        assert hub.upsert(*(call(f"e{number}") for number in range(101))).status_code == 400


def test_the_same_id_twice_refuses_the_whole_batch() -> None:
    with account() as hub:
        hub.add_key()
        refused = hub.upsert(call("e1"), call("e2"), call("e1"))
        assert refused.status_code == 400
        assert "Duplicate IDs" in refused.json()["message"]
        assert hub.records()["calls"] == []


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"hs_call_status": "DONE"}, "INVALID_OPTION"),
        ({"hs_call_disposition": "Connected"}, "INVALID_OPTION"),
        ({"hs_call_duration": "two minutes"}, "INVALID_LONG"),
        ({"hs_timestamp": "yesterday"}, "INVALID_DATE"),
        ({"no_such_property": "x"}, "PROPERTY_DOESNT_EXIST"),
        ({"hs_object_id": "7"}, "READ_ONLY_VALUE"),
        ({"hs_call_body": "x" * 65_537}, "PROPERTY_VALUE_TOO_LONG"),
    ],
)
def test_one_value_that_does_not_fit_refuses_the_whole_batch(properties: dict[str, str], code: str) -> None:
    with account() as hub:
        hub.add_key()
        refused = hub.upsert(call("e1"), call("e2", **properties))
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["code"] == code
        assert hub.records()["calls"] == []


def test_numbers_and_booleans_are_refused_because_every_value_is_a_text() -> None:
    with account() as hub:
        hub.add_key()
        one = call("e1")
        one["properties"]["hs_call_duration"] = 1000
        assert hub.upsert(one).status_code == 400


def test_a_new_call_without_its_timestamp_is_refused_and_an_update_needs_none() -> None:
    with account() as hub:
        hub.add_key()
        bare = {"id": "e1", "idProperty": KEY, "properties": {"hs_call_title": "x"}}
        assert hub.upsert(bare).status_code == 400
        hub.upsert(call("e1"))
        assert hub.upsert(bare).status_code == 200


def test_moments_come_back_as_text_whatever_they_came_as() -> None:
    with account() as hub:
        hub.add_key()
        written = hub.upsert(call("e1", hs_timestamp="1793527200000")).json()["results"][0]
        assert written["properties"]["hs_timestamp"] == "2026-11-01T10:00:00.000Z"


def test_what_one_record_lacks_is_a_207_where_the_version_has_it_and_a_refused_batch_where_not() -> None:
    with account(faults=Faults(refuse_keys=("e2",))) as hub:
        hub.add_key()
        partial = hub.upsert(call("e1"), call("e2"), version="2026-03")
        assert partial.status_code == 207
        assert partial.json()["errors"][0]["context"]["ids"] == ["e2"]
        assert [each["properties"][KEY] for each in partial.json()["results"]] == ["e1"]
        whole = hub.upsert(call("e2"), call("e3"))
        assert whole.status_code == 400
        assert len(hub.records()["calls"]) == 1


def test_validation_rules_of_the_account_hold_from_2026_09_on() -> None:
    with account() as hub:
        hub.add_key()
        hub.command(
            "rules", rules=[{"object_type": "calls", "needs": "hs_call_title", "when": {"hs_call_status": "MISSED"}}]
        )
        assert hub.upsert(call("e1", hs_call_status="MISSED"), version="2026-03").status_code == 200
        assert hub.upsert(call("e2", hs_call_status="MISSED")).json()["category"] == "VALIDATION_ERROR"
        assert hub.upsert(call("e2", hs_call_status="MISSED", hs_call_title="t")).status_code == 200


def test_records_are_read_by_their_unique_value_and_missing_ones_are_named() -> None:
    with account() as hub:
        hub.add_key()
        hub.upsert(call("e1"))
        body = {
            "inputs": [{"id": "e1"}, {"id": "e9"}],
            "idProperty": KEY,
            "properties": [KEY, "hs_call_title"],
            "propertiesWithHistory": [],
        }
        found = hub.post("/crm/objects/{v}/calls/batch/read", body)
        assert found.status_code == 207
        assert found.json()["results"][0]["properties"]["hs_call_title"] is None
        assert found.json()["errors"][0]["context"]["ids"] == ["e9"]


def test_search_sees_a_record_only_a_while_after_it_was_written() -> None:
    with account(search_delay_seconds=60, people=(Person("Ada Byron", "ada@example.com", "+49 30 901820"),)) as hub:
        by_email = {
            "filterGroups": [{"filters": [{"propertyName": "email", "operator": "EQ", "value": "ada@example.com"}]}]
        }
        assert hub.post("/crm/objects/{v}/contacts/search", by_email).json()["total"] == 1
        made = hub.post("/crm/objects/{v}/contacts", {"properties": {"email": "new@example.com"}, "associations": []})
        assert made.status_code == 201
        by_email["filterGroups"][0]["filters"][0]["value"] = "new@example.com"
        assert hub.post("/crm/objects/{v}/contacts/search", by_email).json()["total"] == 0


def test_phones_are_found_as_typed_or_by_area_code_and_number() -> None:
    with account(people=(Person("Ada Byron", None, "+49 30 901820"),)) as hub:

        def total(name: str, value: str) -> int:
            one = {"propertyName": name, "operator": "IN", "values": [value]}
            return int(
                hub.post("/crm/objects/{v}/contacts/search", {"filterGroups": [{"filters": [one]}]}).json()["total"]
            )

        assert total("phone", "+49 30 901820") == 1
        assert total("phone", "+4930901820") == 0
        assert total("hs_searchable_calculated_phone_number", "30901820") == 1


def test_a_search_has_limits() -> None:
    with account() as hub:
        one = {"filters": [{"propertyName": "phone", "operator": "EQ", "value": "1"}]}
        assert hub.post("/crm/objects/{v}/contacts/search", {"filterGroups": [one] * 6}).status_code == 400
        assert hub.post("/crm/objects/{v}/contacts/search", {"limit": 201}).status_code == 400


def test_default_associations_may_be_repeated_and_missing_ends_are_named() -> None:
    with account(people=(Person("Ada Byron", "ada@example.com"),)) as hub:
        hub.add_key()
        record = hub.upsert(call("e1")).json()["results"][0]["id"]
        contact = hub.records()["contacts"][0]["id"]
        path = "/crm/associations/{v}/calls/contacts/batch/associate/default"
        pair = {"from": {"id": record}, "to": {"id": contact}}
        for _ in range(2):
            assert hub.post(path, {"inputs": [pair]}).status_code == 200
        assert hub.records()["calls"][0]["linked"] == {"contacts": [contact]}
        half = hub.post(path, {"inputs": [pair, {"from": {"id": record}, "to": {"id": "1"}}]})
        assert (half.status_code, len(half.json()["results"])) == (207, 1)


def test_associations_by_number_need_the_number_of_that_pair() -> None:
    with account(people=(Person("Ada Byron", "ada@example.com"),)) as hub:
        hub.add_key()
        record = hub.upsert(call("e1")).json()["results"][0]["id"]
        contact = hub.records()["contacts"][0]["id"]
        pair = {"from": {"id": record}, "to": {"id": contact}}

        def link(number: int) -> int:
            types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}]
            body = {"inputs": [pair | {"types": types}]}
            return hub.post("/crm/associations/{v}/calls/contacts/batch/create", body).status_code

        assert link(202) == 400
        assert link(194) == 201
