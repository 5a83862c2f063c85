"""Customers and owners in an instance."""

from __future__ import annotations

from typing import Any

import pytest

from zcc_pipeline.domain.errors import PermanentError, RecordRejected
from zcc_pipeline.exports.destination import Customer, CustomerKeys
from zcc_pipeline.simulator.crm.base import Faults, Person
from zcc_pipeline.simulator.crm.servicenow import Setup
from zcc_pipeline_tests.integration.exports.servicenow.adapter import instance_of
from zcc_pipeline_tests.integration.exports.servicenow.desk import changed, insert, instance, rows, run

pytestmark = pytest.mark.integration

PHONE = "+41446680001"
ADA = CustomerKeys("ada@example.com", None)
BY_PHONE = CustomerKeys(None, PHONE)


def find(served: Any, *keys: CustomerKeys, **more: Any) -> dict[CustomerKeys, list[str]]:
    """Names of those who were found."""
    found = run(served, lambda destination: destination.find_customers(keys), **more)
    standin = instance_of(served).instance
    return {
        key: [row["name"] for each in people if (row := standin.get(each.object, each.id)) is not None]
        for key, people in found.items()
    }


def test_customers_are_found_by_address_whatever_its_case_and_by_phone_where_nobody_has_it() -> None:
    people = (Person("Ada", "Ada@Example.com"), Person("Bea", "bea@example.com", PHONE))
    with instance(people=people) as served:
        both = CustomerKeys("ada@example.com", PHONE)
        nobody = CustomerKeys("nobody@example.com", PHONE)
        assert find(served, ADA, both, nobody, BY_PHONE) == {
            ADA: ["Ada"],
            both: ["Ada"],
            nobody: ["Bea"],
            BY_PHONE: ["Bea"],
        }


@pytest.mark.parametrize(
    "typed", ["+41 44 668 00 01", "044 668 00 01", "0446680001", "0041446680001", "41446680001", "+41446680001"]
)
def test_a_phone_is_found_as_people_type_it(typed: str) -> None:
    with instance(people=(Person("Ada", None, typed), Person("Other", None, "+41 44 668 00 02"))) as served:
        assert find(served, BY_PHONE) == {BY_PHONE: ["Ada"]}


def test_a_phone_among_words_is_found_by_its_digits_where_that_is_wanted() -> None:
    with instance(people=(Person("Ada", None, "Tel. 0446680001"),)) as served:
        assert find(served, BY_PHONE) == {BY_PHONE: []}
        wide = changed({"phone_search: spellings": "phone_search: digits"})
        assert find(served, BY_PHONE, mapping=wide) == {BY_PHONE: ["Ada"]}


def test_a_number_that_only_ends_alike_is_nobodys() -> None:
    with instance(people=(Person("Ada", None, "+49 446680001"), Person("Bea", None, "+1 446 680 001"))) as served:
        assert find(served, BY_PHONE) == {BY_PHONE: []}


def test_several_are_several_and_one_person_with_two_numbers_is_one() -> None:
    with instance(people=(Person("Ada", None, PHONE), Person("Bea", None, PHONE))) as served:
        assert find(served, BY_PHONE) == {BY_PHONE: ["Ada", "Bea"]}
    with instance() as served:
        insert(served, "sys_user", name="Ada", phone=PHONE, mobile_phone="044 668 00 01")
        assert find(served, BY_PHONE) == {BY_PHONE: ["Ada"]}


def test_the_first_table_that_has_somebody_decides() -> None:
    with instance() as served:
        insert(served, "csm_consumer", name="Consumer", email="ada@example.com")
        assert find(served, ADA) == {ADA: ["Consumer"]}
        insert(served, "sys_user", name="User", email="ada@example.com")
        assert find(served, ADA) == {ADA: ["User"]}


def test_without_customer_service_its_tables_are_not_asked() -> None:
    with instance(
        people=(Person("Ada", "ada@example.com"),), settings={"setup": Setup(customer_service=False)}
    ) as served:
        assert find(served, ADA) == {ADA: ["Ada"]}


def test_a_table_of_customers_that_may_not_be_read_is_named() -> None:
    with (
        instance(settings={"hidden": ("csm_consumer",)}) as served,
        pytest.raises(PermanentError, match="csm_consumer may not be read"),
    ):
        find(served, ADA)


def test_hostile_addresses_are_not_sent_and_find_nobody() -> None:
    people = tuple(Person(f"P{number}", f"p{number}@example.com") for number in range(5))
    hostile = [
        CustomerKeys(text, None)
        for text in ("x^ORactive=true", "javascript:gs.getuserid()", "a,p1@example.com", "x^NQemailLIKE@", "^")
    ]
    with instance(people=people) as served:
        assert find(served, *hostile) == {key: [] for key in hostile}


def test_a_batch_of_customers_costs_one_call() -> None:
    people = tuple(Person(f"P{number}", f"p{number}@example.com") for number in range(50))
    keys = [CustomerKeys(f"p{number}@example.com", f"+4144668{number:04d}") for number in range(100)]
    with instance(people=people) as served:
        run(served, _find_after_metadata(keys))


def _find_after_metadata(keys: list[CustomerKeys]) -> Any:
    async def find_them(destination: Any) -> Any:
        await destination.validate()
        calls = destination.usage().api_calls
        found = await destination.find_customers(keys)
        assert sum(1 for people in found.values() if people) == 50
        assert destination.usage().api_calls - calls == 1

    return find_them


def test_owners_are_active_users_and_nobody_is_chosen_among_several() -> None:
    with instance() as served:
        one = insert(served, "sys_user", name="One", email="One@example.com", active="true")
        insert(served, "sys_user", name="Left", email="left@example.com", active="false")
        insert(served, "sys_user", name="A", email="two@example.com", active="true")
        insert(served, "sys_user", name="B", email="two@example.com", active="true")
        asked = ["one@example.com", "left@example.com", "two@example.com", "nobody@example.com", "x^ORactive=true"]
        assert run(served, lambda destination: destination.find_owners(asked)) == {"one@example.com": one.id}


def test_a_new_customer_is_a_consumer_with_name_address_and_number() -> None:
    with instance() as served:
        keys = CustomerKeys("ada@example.com", PHONE)
        made = run(served, lambda destination: destination.create_customer(keys, "Ada King Byron"))
        (row,) = rows(served, "csm_consumer")
        assert made == Customer("csm_consumer", row["sys_id"])
        assert (row["first_name"], row["last_name"]) == ("Ada King", "Byron")
        assert (row["email"], row["mobile_phone"]) == ("ada@example.com", PHONE)


def test_a_customer_whom_the_instance_refuses_is_refused_in_its_words() -> None:
    with (
        instance(faults=Faults(refuse_where="ada@")) as served,
        pytest.raises(RecordRejected, match="Business Rule"),
    ):
        run(served, lambda destination: destination.create_customer(ADA, "Ada"))
