"""Rows of a Dynamics organisation: upserts by key and id, all-or-nothing bulk, what is refused."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from zcc_pipeline.simulator.crm.base import Faults, Person
from zcc_pipeline_tests.simulator.crm.dynamics.organisation import Organisation, code_of, organisation

pytestmark = pytest.mark.integration


@pytest.fixture
def org() -> Iterator[Organisation]:
    with organisation() as made:
        yield made
        assert made.standin.violations == []


def test_patch_by_alternate_key_creates_then_updates_and_says_204_both_times(org):
    first = org.upsert("e1", {"zcc_name": "one"})
    second = org.upsert("e1", {"zcc_name": "two"})
    assert (first.status_code, second.status_code) == (204, 204)
    (row,) = org.rows("zcc_engagement")
    assert (row["zcc_name"], row["zcc_zoomengagementid"]) == ("two", "e1")
    assert first.headers["OData-EntityId"].endswith("zcc_engagements(zcc_zoomengagementid='e1')")


def test_the_preference_for_a_representation_tells_created_from_updated(org):
    ask = {"Prefer": "return=representation"}
    assert org.upsert("e1", {"zcc_name": "one"}, **ask).status_code == 201
    assert org.upsert("e1", {"zcc_name": "one"}, **ask).status_code == 200


def test_patch_by_id_upserts_as_well(org):
    guid = str(uuid.uuid4())
    assert org.call("PATCH", f"phonecalls({guid})", {"subject": "hello"}).status_code == 204
    assert [row["activityid"] for row in org.rows("phonecall")] == [guid]


def test_conditions_forbid_creating_or_updating(org):
    absent = org.upsert("e1", {"zcc_name": "x"}, If_Match="*")
    org.upsert("e1", {"zcc_name": "x"})
    present = org.upsert("e1", {"zcc_name": "y"}, If_None_Match="*")
    assert (absent.status_code, present.status_code) == (404, 412)
    assert org.rows("zcc_engagement")[0]["zcc_name"] == "x"


def test_a_key_is_quoted_and_may_hold_a_quote_but_no_slash(org):
    assert org.call("PATCH", "zcc_engagements(zcc_zoomengagementid='o%27%27neil')", {}).status_code == 204
    assert org.rows("zcc_engagement")[0]["zcc_zoomengagementid"] == "o'neil"
    assert org.call("PATCH", "zcc_engagements(zcc_zoomengagementid='o%27neil')", {}).status_code == 400
    assert org.call("PATCH", "zcc_engagements(zcc_zoomengagementid='a%2Fb')", {}).status_code == 400


def test_a_second_row_of_the_same_key_is_refused_with_its_own_code(org):
    org.upsert("e1", {})
    refused = org.call("POST", "zcc_engagements", {"zcc_zoomengagementid": "E1"})
    assert (refused.status_code, code_of(refused)) == (412, "0x80060892")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"zcc_nothing": 1}, "0x80048d19"),
        ({"zcc_name": 5}, "0x80048d19"),
        ({"zcc_durationseconds": "5"}, "0x80048d19"),
        ({"zcc_startedat": "2026-11-22 10:00"}, "0x80048d19"),
        ({"zcc_name": "x" * 301}, "0x80044331"),
        ({"zcc_name": "😀" * 151}, "0x80044331"),
        ({"zcc_durationseconds": -1}, "0x80044330"),
        ({"zcc_contactid@odata.bind": "/contacts(00000000-0000-0000-0000-000000000001)"}, "0x80048d19"),
        ({"zcc_ContactId@odata.bind": "/contacts(00000000-0000-0000-0000-000000000001)"}, "0x80040217"),
        ({"zcc_contactid": "00000000-0000-0000-0000-000000000001"}, "0x80048d19"),
        ({"statecode": 1}, "0x80048408"),
    ],
)
def test_what_does_not_fit_the_table_is_refused(org, body, code):
    assert code_of(org.upsert("e1", body)) == code
    assert org.rows("zcc_engagement") == []


def test_upsert_multiple_is_one_transaction(org):
    assert org.upsert_multiple({"e1": {"zcc_name": "a"}, "e2": {"zcc_name": "b"}}).status_code == 204
    refused = org.upsert_multiple({"e1": {"zcc_name": "changed"}, "e3": {"zcc_name": "x" * 301}})
    assert refused.status_code == 400
    assert sorted(row["zcc_name"] for row in org.rows("zcc_engagement")) == ["a", "b"]
    assert org.upsert("e3", {"zcc_name": "c"}, If_None_Match="*").status_code == 204, "the key is free again"


def test_upsert_multiple_of_a_table_without_it_and_of_one_row_twice_is_refused(org):
    calls = {
        "Targets": [{"@odata.type": "Microsoft.Dynamics.CRM.phonecall", "@odata.id": f"phonecalls({uuid.uuid4()})"}]
    }
    unsupported = org.call("POST", "phonecalls/Microsoft.Dynamics.CRM.UpsertMultiple", calls)
    assert code_of(unsupported) == "0x80040800"
    assert org.upsert_multiple({"e1": {}, "E1": {}}).status_code == 400
    assert org.rows("zcc_engagement") == []


def test_a_closed_phone_call_takes_no_change_until_it_is_opened_again(org):
    where = f"phonecalls({uuid.uuid4()})"
    org.call("PATCH", where, {"subject": "one"})
    assert org.call("PATCH", where, {"statecode": 1, "statuscode": 3}).status_code == 400
    assert org.call("PATCH", where, {"statecode": 1, "statuscode": 4}).status_code == 204
    assert org.call("PATCH", where, {"subject": "two"}).status_code == 400
    assert org.call("PATCH", where, {"subject": "two", "statecode": 0, "statuscode": 1}).status_code == 400
    assert org.call("PATCH", where, {"statecode": 0, "statuscode": 1}).status_code == 204
    assert org.call("PATCH", where, {"subject": "two"}).status_code == 204


def test_parties_of_a_phone_call_point_to_people_that_exist(org):
    org.standin.add_person(Person("Ada Lovelace", "ada@example.com", "+44 20 7946 0000"))
    contact = org.rows("contact")[0]["contactid"]
    parties = [
        {"participationtypemask": 1, "partyid_contact@odata.bind": f"/contacts({contact})"},
        {"participationtypemask": 2, "addressused": "+15550100"},
    ]
    body = {"subject": "s", "phonecall_activity_parties": parties}
    body["regardingobjectid_contact_phonecall@odata.bind"] = f"/contacts({contact})"
    assert org.call("PATCH", f"phonecalls({uuid.uuid4()})", body).status_code == 204
    parties[0]["partyid_contact@odata.bind"] = f"/contacts({uuid.uuid4()})"
    assert org.call("PATCH", f"phonecalls({uuid.uuid4()})", body).status_code == 404


def test_an_engagement_that_is_to_be_refused_is_refused_whatever_it_says(org):
    org.standin.set_faults(Faults(refuse_keys=("e2",)))
    assert org.upsert_multiple({"e1": {}, "e2": {}}).status_code == 400
    assert org.upsert("e1", {}).status_code == 204
    assert code_of(org.upsert("e2", {})) == "0x80040265"
    assert org.standin.counters.changes["refused"] == 2


def test_people_are_found_by_filter_and_quotes_decide_where_a_text_ends(org):
    org.standin.add_person(Person("Miles O'Brien", "o'brien@example.com", "+1 555 0100"))
    org.standin.add_person(Person("Agent", "agent@example.com", kind="agent"))

    def found(query: str, entity_set: str = "contacts") -> int:
        response = org.http.get(f"/api/data/v9.2/{entity_set}", params={"$filter": query, "$select": "fullname"})
        return len(response.json()["value"]) if response.is_success else -response.status_code

    assert found("emailaddress1 eq 'O''BRIEN@example.com' and statecode eq 0") == 1
    assert found("telephone1 eq '+1 555 0100' or mobilephone eq '+1 555 0100'") == 1
    assert found("emailaddress1 eq 'nobody' or contactid ne null") == 1
    assert found("emailaddress1 eq 'o'brien@example.com'") == -400
    assert found("emailaddress1 eq 'x' or") == -400
    assert found("telephone9 eq 'x'") == -400
    assert found("not (emailaddress1 eq 'x') and contains(fullname,'O''B')") == 1
    assert found("internalemailaddress eq 'agent@example.com' and isdisabled eq false", "systemusers") == 1
