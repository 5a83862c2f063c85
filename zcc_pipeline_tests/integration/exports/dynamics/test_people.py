"""Customers and owners in Dynamics: found, several, none, hostile, made once."""

from __future__ import annotations

import pytest

from zcc_pipeline.domain.errors import RecordRejected
from zcc_pipeline.exports.destination import Customer, CustomerKeys
from zcc_pipeline.simulator.crm.base import Person
from zcc_pipeline_tests.integration.exports.dynamics.environment import organisation, run

pytestmark = pytest.mark.integration

PEOPLE = (
    Person("Ada Byron", "ada@example.com", "+49 (30) 901820"),
    Person("Miles O'Brien", "o'brien@example.com", "030 901821"),
    Person("Twin One", "twin1@example.com", "+1 202-555-0100"),
    Person("Twin Two", "twin2@example.com", "(202) 555-0100"),
    Person("Ben Agent", "ben@example.com", kind="agent"),
)


def find(served, *keys: CustomerKeys):
    return run(served, lambda destination: destination.find_customers(keys))


def test_people_are_found_by_address_and_else_by_any_spelling_of_their_number():
    with organisation(people=PEOPLE) as served:
        ids = {row["emailaddress1"]: row["contactid"] for row in served.standin.records()["contact"]}
        by_email = CustomerKeys("ADA@example.com".lower(), "+12025550100")
        by_phone = CustomerKeys("nobody@example.com", "+4930901821")
        twins, nobody = CustomerKeys(None, "+12025550100"), CustomerKeys("x@example.com", None)
        found = find(served, by_email, by_phone, twins, nobody)
        assert found[by_email] == [Customer("contact", ids["ada@example.com"])]
        assert found[by_phone] == [Customer("contact", ids["o'brien@example.com"])]
        assert len(found[twins]) == 2
        assert found[nobody] == []
        assert served.standin.counters.api_calls == 1


@pytest.mark.parametrize(
    "email",
    [
        "o'brien@example.com",
        "x' or contactid ne null or '1'='1",
        "a' or 1 eq 1--@example.com",
        "%27@x.com",
        "a&$top=9@x",
    ],
)
def test_a_hostile_address_finds_nobody_but_its_owner(email):
    with organisation(people=PEOPLE) as served:
        keys = CustomerKeys(email, None)
        names = {row["contactid"]: row["fullname"] for row in served.standin.records()["contact"]}
        found = [names[customer.id] for customer in find(served, keys)[keys]]
        assert found == (["Miles O'Brien"] if email.startswith("o'brien") else [])


def test_people_who_left_are_not_found():
    with organisation(people=PEOPLE) as served:
        for row in served.standin.rows.all("contact").values():
            row["statecode"] = 1
        keys = CustomerKeys("ada@example.com", "+4930901820")
        assert find(served, keys)[keys] == []


def test_a_customer_is_made_once_however_often_it_is_asked_for():
    with organisation() as served:
        keys = CustomerKeys("new@example.com", "+4930901820")
        first = run(served, lambda destination: destination.create_customer(keys, "New van der Berg"))
        again = run(served, lambda destination: destination.create_customer(keys, "Another Name"))
        (row,) = served.standin.records()["contact"]
        assert first == again == Customer("contact", row["contactid"])
        assert (row["firstname"], row["lastname"], row["telephone1"]) == ("New van der", "Berg", "+4930901820")


def test_a_customer_that_dataverse_refuses_comes_back_with_its_words():
    with organisation() as served:
        keys = CustomerKeys("a" * 101 + "@example.com", None)
        with pytest.raises(RecordRejected, match="maximum allowed length"):
            run(served, lambda destination: destination.create_customer(keys, None))


def test_owners_are_users_who_are_not_disabled():
    with organisation(people=PEOPLE) as served:
        emails = ["ben@example.com", "nobody@example.com", "o'hara@example.com"]
        user = served.standin.records()["systemuser"][1]
        assert run(served, lambda destination: destination.find_owners(emails)) == {
            "ben@example.com": user["systemuserid"]
        }
        served.standin.rows.all("systemuser")[user["systemuserid"]]["isdisabled"] = True
        assert run(served, lambda destination: destination.find_owners(emails)) == {}
