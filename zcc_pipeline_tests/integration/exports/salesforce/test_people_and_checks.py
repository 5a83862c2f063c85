"""Customers and owners found, created and confused with nobody; and what an org is told to lack."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from zcc_pipeline.domain.errors import ConfigurationError, RecordRejected
from zcc_pipeline.exports.destination import Customer, CustomerKeys
from zcc_pipeline.exports.salesforce import SalesforceDestination
from zcc_pipeline.simulator.crm.base import CrmOptions, Person
from zcc_pipeline_tests.integration.exports.salesforce.adapter import ADAPTER
from zcc_pipeline_tests.integration.exports.salesforce.org import Org, addressed, org, organisation
from zcc_pipeline_tests.keys import OTHER_PRIVATE_KEY, PRIVATE_KEY, PUBLIC_KEY

pytestmark = pytest.mark.integration

__all__ = ["organisation"]


def find(there: Org, *wanted: CustomerKeys) -> dict[CustomerKeys, list[Customer]]:
    found: dict[CustomerKeys, list[Customer]] = there.tell(lambda destination: destination.find_customers(wanted))
    assert set(found) == set(wanted)
    return found


def names(there: Org, customers: list[Customer]) -> list[str]:
    return sorted(there.standin.store.get(each.object, each.id)["Name"] for each in customers)


def test_an_address_goes_before_a_phone_and_a_contact_before_a_lead(organisation: Org) -> None:
    store = organisation.standin
    lead = store.add_to("Lead", Person("Lea Dern", "lea@example.com", "030 901820"))
    by_phone = CustomerKeys("nobody@example.com", "+4930901820")
    by_lead = CustomerKeys("LEA@example.com", "+4930901820")
    both = CustomerKeys("ada@example.com", "+14155552671")
    none = CustomerKeys(None, "+4915155555555")
    found = find(organisation, by_phone, by_lead, both, none)
    assert names(organisation, found[by_phone]) == ["Ada Byron"]
    assert found[by_lead] == [Customer("Lead", lead)]
    assert names(organisation, found[both]) == ["Ada Byron"]
    assert found[none] == []
    assert organisation.calls("query") == 2


@pytest.mark.parametrize("typed", ["+4930901820", "030 901820", "030901820", "+49 30 901820", "004930901820"])
def test_a_phone_is_found_as_people_type_it(organisation: Org, typed: str) -> None:
    organisation.standin.add_to("Contact", Person("Typed So", phone=typed))
    keys = CustomerKeys(None, "+4930901820")
    assert "Typed So" in names(organisation, find(organisation, keys)[keys])


def test_two_with_one_phone_are_two_and_a_mobile_number_counts_once(organisation: Org) -> None:
    twin = organisation.standin.add_to("Contact", Person("Twin", phone="030 901820"))
    organisation.standin.store.update("Contact", twin, {"MobilePhone": "030 901820"})
    keys = CustomerKeys(None, "+4930901820")
    assert names(organisation, find(organisation, keys)[keys]) == ["Ada Byron", "Twin"]


def test_hostile_names_and_addresses_find_themselves_and_nobody_else(organisation: Org) -> None:
    hostile = ["x' OR Name LIKE '%", "\\", "a\\' OR Id != null OR Email = \\'", "o'neil@example.com", "%", "_"]
    found = find(organisation, *(CustomerKeys(text, None) for text in hostile))
    assert all(customers == [] for customers in found.values())


def test_where_many_are_wanted_and_few_are_there_all_are_read_and_however_typed_found(organisation: Org) -> None:
    for number in range(300):
        person = Person(f"P {number}", f"person.{number}@example.com", f"+49 (0)30 / 5{number:05d}")
        organisation.standin.add_to("Contact", person)
    organisation.standin.add_to("Lead", Person("Lea Dern", phone="030-5-0000-0"))
    wanted = [CustomerKeys(None, f"+49305{number:05d}") for number in range(400)]
    wanted.append(CustomerKeys("PERSON.7@example.com", "+4930901820"))
    found = find(organisation, *wanted)
    assert [len(found[keys]) for keys in wanted] == [1] * 300 + [0] * 100 + [1]
    assert names(organisation, found[wanted[-1]]) == ["P 7"]
    assert organisation.calls("query") == 4


def test_where_many_are_there_only_those_who_are_wanted_are_asked_for_address_first(organisation: Org) -> None:
    for number in range(20_000):
        organisation.standin.add_to("Contact", Person(f"P {number}", f"person.{number}@example.com"))
    phoned = organisation.standin.add_to("Contact", Person("Phoned", phone="030 500001"))
    wanted = [CustomerKeys(f"person.{number}@example.com", f"+4930{500_000 + number}") for number in range(150)]
    wanted.append(CustomerKeys("nobody@example.com", "+4930500001"))
    found = find(organisation, *wanted)
    assert all(len(customers) == 1 for customers in found.values())
    assert names(organisation, found[wanted[3]]) == ["P 3"]
    assert found[wanted[-1]] == [Customer("Contact", phoned)]
    assert organisation.calls("query") <= 6


def test_a_converted_lead_is_nobody(organisation: Org) -> None:
    lead = organisation.standin.add_to("Lead", Person("Lea Dern", "lea@example.com"))
    organisation.standin.store.update_unchecked("Lead", lead, {"IsConverted": True})
    keys = CustomerKeys("lea@example.com", None)
    assert find(organisation, keys)[keys] == []


def test_a_new_customer_is_a_contact_that_is_found_from_then_on(organisation: Org) -> None:
    keys = CustomerKeys("new@example.com", "+14155550000")
    made = organisation.tell(lambda destination: destination.create_customer(keys, "Nora van Dijk"))
    assert find(organisation, keys)[keys] == [made]
    held = organisation.standin.store.get("Contact", made.id)
    assert (held["FirstName"], held["LastName"], held["Phone"]) == ("Nora van", "Dijk", "+14155550000")
    nameless = organisation.tell(
        lambda destination: destination.create_customer(CustomerKeys(None, "+14155550001"), None)
    )
    assert organisation.standin.store.get("Contact", nameless.id)["LastName"] == "+14155550001"


def test_a_customer_whose_creation_was_never_answered_is_looked_for_and_not_made_twice(organisation: Org) -> None:
    organisation.faults(timeout_after_commit=[1])
    keys = CustomerKeys("new@example.com", None)
    made = organisation.tell(lambda destination: destination.create_customer(keys, "Nora"))
    assert organisation.counts("Contact") == 2
    assert find(organisation, keys)[keys] == [made]


def test_a_customer_whom_the_org_refuses_is_refused_in_its_words(organisation: Org) -> None:
    with pytest.raises(RecordRejected, match="INVALID_EMAIL_ADDRESS"):
        organisation.tell(lambda destination: destination.create_customer(CustomerKeys("a@b", None), "N"))


def test_owners_are_active_users_and_of_several_the_one_whose_name_it_is(organisation: Org) -> None:
    put = organisation.standin.store.put
    shared = {"Email": "team@example.com", "IsActive": True, "UserType": "Standard", "Name": "x"}
    put("User", shared | {"Username": "one"})
    put("User", shared | {"Username": "two"})
    named = put("User", shared | {"Email": "boss@example.com", "Username": "Boss@example.com"})
    put("User", shared | {"Email": "boss@example.com", "Username": "other"})
    put("User", shared | {"Email": "gone@example.com", "Username": "gone", "IsActive": False})
    put("User", shared | {"Email": "guest@example.com", "Username": "guest", "UserType": "Guest"})
    emails = ["one@example.com", "team@example.com", "boss@example.com", "gone@example.com", "guest@example.com"]
    found = organisation.tell(lambda destination: destination.find_owners(emails))
    assert set(found) == {"one@example.com", "boss@example.com"}
    assert found["boss@example.com"] == named


def checks(there: Org, **settings: Any) -> dict[str, str]:
    found = there.tell(lambda destination: destination.examine(), **settings)
    return {each.topic: f"{each.verdict}: {each.text}" for each in found}


def test_an_org_that_is_ready_is_said_to_be_and_nothing_is_written(organisation: Org) -> None:
    found = checks(organisation)
    assert all(text.startswith("ok") for text in found.values())
    assert "of 100,000 calls" in found["salesforce calls"]
    assert all(each.is_done for each in organisation.tell(lambda destination: destination.set_up()))
    assert organisation.state()["writes"] == 0


def test_what_an_org_lacks_is_named_with_what_to_do(organisation: Org) -> None:
    organisation.command(
        "fields",
        object="Contact_Center_Engagement__c",
        remove=["Notes__c"],
        change=[{"name": "Engagement_Id__c", "is_unique": False}],
    )
    organisation.command("fields", object="Contact", remove=["MobilePhone"])
    problems = organisation.tell(lambda destination: destination.validate())
    assert {each.where[-1] for each in problems} == {"key", "Notes__c", "customer"}
    steps = {each.name: each for each in organisation.tell(lambda destination: destination.set_up())}
    assert "sf project deploy start" in steps["Contact_Center_Engagement__c"].text
    assert not steps["customer"].is_done


def test_a_quota_that_is_nearly_used_is_a_warning() -> None:
    with org(quota=5) as there:
        assert checks(there)["salesforce calls"].startswith("warning")


def test_refused_credentials_are_told_by_the_setting_and_not_shown() -> None:
    options = CrmOptions(settings={"public_key": PUBLIC_KEY, "username": "integration@example.com"})
    with ADAPTER.standin(options) as running:
        there = Org(running)
        jwt = {"client_secret": None, "username": "integration@example.com", "private_key": PRIVATE_KEY}
        assert checks(there, **jwt)["salesforce"].startswith("ok")
        refused = checks(there, **(jwt | {"private_key": OTHER_PRIVATE_KEY}))
        assert "ZCC_SALESFORCE_PRIVATE_KEY" in refused["salesforce"]
        assert "BEGIN" not in refused["salesforce"]


def test_an_address_that_leads_elsewhere_is_told_by_the_setting(organisation: Org) -> None:
    with pytest.raises(ConfigurationError, match="ZCC_SALESFORCE_API_VERSION"):
        checks(organisation, api_version="12.0")


def test_a_preview_is_the_request_that_would_be_sent_without_credentials(organisation: Org) -> None:
    one = addressed("e1", customer=Customer("Contact", "003000000000001AAA"))

    async def story(destination: SalesforceDestination) -> Any:
        await destination.validate()
        return destination.preview(one)

    (shown,) = organisation.tell(story)
    assert (shown.method, shown.url.rpartition("/")[2]) == ("PATCH", "Engagement_Id__c")
    assert shown.url.startswith(organisation.running.url)
    assert "authorization" not in {name.lower() for name in shown.headers}
    (row,) = msgspec.json.decode(shown.body)["records"]
    assert (row["Engagement_Id__c"], row["Contact__c"], row["Answered__c"]) == ("e1", "003000000000001AAA", False)
    assert organisation.state()["writes"] == 0


def test_an_unknown_option_of_a_target_is_told_by_its_line(organisation: Org) -> None:
    text = organisation.mapping.section.targets["engagement"]
    changed = text.model_copy(update={"options": {"lead": "Lead__c"}})
    section = organisation.mapping.section.model_copy(update={"targets": {"engagement": changed}})
    organisation.mapping = replace(organisation.mapping, section=section)
    with pytest.raises(ConfigurationError, match=r"m\.yml:\d+: salesforce\.targets\.engagement\.options\.lead"):
        checks(organisation)
