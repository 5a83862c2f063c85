"""Contacts, owners and records of other programs, looked up in HubSpot's stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from zcc_pipeline.domain.errors import RecordRejected
from zcc_pipeline.exports.destination import CustomerKeys
from zcc_pipeline.exports.hubspot import HubSpotDestination
from zcc_pipeline.exports.mapping import CrmMapping
from zcc_pipeline.exports.session import OutcomeUnknown
from zcc_pipeline.simulator.crm.base import Faults, Limit, Person, RunningStandIn
from zcc_pipeline_tests.integration.exports.hubspot.account import Log, account, calls, destination, mapping, record

pytestmark = pytest.mark.integration

T = TypeVar("T")


def ask(
    served: RunningStandIn,
    work: Callable[[HubSpotDestination], Awaitable[T]],
    *,
    with_mapping: CrmMapping | None = None,
    **config: Any,
) -> T:
    async def run() -> T:
        async with destination(served, with_mapping, **config) as hub:
            return await work(hub)

    return asyncio.run(run())


def found(served: RunningStandIn, *keys: CustomerKeys) -> list[list[str]]:
    """E-mail addresses (or names) of whoever was found, in the order asked."""
    contacts = {each["id"]: each["properties"] for each in served.standin.records()["contacts"]}

    async def work(hub: HubSpotDestination) -> list[list[str]]:
        answer = await hub.find_customers(keys)
        assert set(answer) == set(keys)
        return [
            sorted(contacts[each.id].get("email") or contacts[each.id]["lastname"] for each in answer[k]) for k in keys
        ]

    return ask(served, work)


def test_people_are_found_by_e_mail_without_a_search() -> None:
    people = (Person("Ada Byron", "Ada@Example.com", "+49 30 901820"), Person("Bob Kay", "bob@example.com"))
    with account(people=people) as served:
        keys = [
            CustomerKeys("ada@example.com", None),
            CustomerKeys("bob@example.com", "+15005550006"),
            CustomerKeys("nobody@example.com", None),
        ]
        assert found(served, *keys) == [["Ada@Example.com"], ["bob@example.com"], []]
        assert calls(served, "/search") == 0


@pytest.mark.parametrize("typed", ["+49 30 901820", "030 901820", "+4930901820", "(030) 901820", "004930901820"])
def test_a_phone_is_found_in_the_spellings_of_its_country(typed: str) -> None:
    with account(people=(Person("Ada Byron", "ada@example.com", typed),)) as served:
        assert found(served, CustomerKeys(None, "+4930901820"))[0] == ["ada@example.com"]


def test_a_national_number_of_another_country_is_somebody_else() -> None:
    with account(people=(Person("Ada Byron", "ada@example.com", "+1 309 018 2000"),)) as served:
        assert found(served, CustomerKeys(None, "+493090182000")) == [[]]


def test_the_phone_counts_only_where_nobody_has_the_e_mail() -> None:
    people = (
        Person("Ada Byron", "ada@example.com", "+4930901820"),
        Person("Bob Kay", "bob@example.com", "+4930901821"),
    )
    with account(people=people) as served:
        assert found(served, CustomerKeys("bob@example.com", "+4930901820")) == [["bob@example.com"]]
        assert found(served, CustomerKeys("new@example.com", "+4930901820")) == [["ada@example.com"]]


def test_a_number_that_several_share_is_several() -> None:
    people = tuple(Person(f"P {n}", f"p{n}@example.com", "+4930901820") for n in range(3))
    with account(people=people) as served:
        assert len(found(served, CustomerKeys(None, "+4930901820"))[0]) >= 2


def test_a_switchboard_with_hundreds_of_contacts_does_not_hide_the_others() -> None:
    crowd = tuple(Person(f"P {n}", f"p{n}@example.com", "+4930901820") for n in range(450))
    with account(people=(*crowd, Person("Ada Byron", "ada@example.com", "+4930777777"))) as served:
        answers = found(served, CustomerKeys(None, "+4930901820"), CustomerKeys(None, "+4930777777"))
        assert len(answers[0]) >= 2
        assert answers[1] == ["ada@example.com"]


def test_many_are_asked_for_at_once() -> None:
    people = tuple(Person(f"P {n}", f"p{n}@example.com", f"+49 30 90{n:04d}") for n in range(150))
    with account(people=people) as served:
        keys = [CustomerKeys(None, f"+493090{n:04d}") for n in range(150)]
        assert all(len(each) == 1 for each in found(served, *keys))
        assert calls(served, "/search") == 2


def test_searches_keep_within_their_own_limit() -> None:
    limits = {"api": Limit(190, 10), "search": Limit(5, 1)}
    people = (Person("Ada Byron", "ada@example.com", "+4930901820"),)
    with account(people=people, limits=limits) as served:

        async def work(hub: HubSpotDestination) -> None:
            for number in range(4):
                await hub.find_customers([CustomerKeys(None, f"+493090182{number}")])

        ask(served, work)
        assert served.standin.counters.limited == 0


@pytest.mark.parametrize(
    "hostile", ['"}],"a":"', "x' OR 1=1 --@y", "<script>@x", "a\\u0000b@x", "*@*", "ünï@exämple.com"]
)
def test_hostile_addresses_find_nobody(hostile: str) -> None:
    with account(people=(Person("Ada Byron", "ada@example.com"),)) as served:
        assert found(served, CustomerKeys(hostile, None)) == [[]]


def test_an_address_that_hubspot_will_not_read_hides_nobody() -> None:
    people = (Person("Ada Byron", "ada@example.com"), Person("Bob Kay", "bob@example.com"))
    with account(people=people, strict_emails=True) as served:
        keys = [CustomerKeys(each, None) for each in ("ada@example.com", "no address", "bob@example.com")]
        assert found(served, *keys) == [["ada@example.com"], [], ["bob@example.com"]]


def test_a_contact_is_created_once_by_its_e_mail() -> None:
    with account() as served:
        keys = CustomerKeys("new@example.com", "+4930901820")

        async def work(hub: HubSpotDestination) -> list[str]:
            return [(await hub.create_customer(keys, "Grace Brewster Hopper")).id for _ in range(2)]

        first, second = ask(served, work)
        assert first == second
        (made,) = served.standin.records()["contacts"]
        assert made["properties"]["firstname"] == "Grace Brewster"
        assert made["properties"]["lastname"] == "Hopper"
        assert made["properties"]["phone"] == "+4930901820"


def test_a_contact_without_an_e_mail_is_never_created_twice() -> None:
    with account() as served:
        served.standin.set_faults(Faults(timeout_after_commit=(1,)))
        with pytest.raises(OutcomeUnknown):
            ask(served, lambda hub: hub.create_customer(CustomerKeys(None, "+4930901820"), None))
        assert len(served.standin.records()["contacts"]) == 1


def test_a_refused_contact_is_rejected_with_the_vendors_words() -> None:
    with account() as served:
        served.standin.set_faults(Faults(refuse_keys=("new@example.com",)))
        with pytest.raises(RecordRejected, match="refused by a rule"):
            ask(served, lambda hub: hub.create_customer(CustomerKeys("new@example.com", None), "N"))


def test_owners_are_found_by_e_mail_and_listed_once() -> None:
    agents = tuple(Person(f"A {n}", f"A{n}@example.com", kind="agent") for n in range(150))
    with account(people=agents) as served:

        async def work(hub: HubSpotDestination) -> list[set[str]]:
            return [
                set(await hub.find_owners([email, "nobody@example.com"]))
                for email in ("a7@example.com", "a149@example.com")
            ]

        assert ask(served, work) == [{"a7@example.com"}, {"a149@example.com"}]
        assert calls(served, "/crm/owners/{version}") == 2


COEXISTING = """
  targets:
    call: {object: calls, key: zcc_engagement_id, fields: {hs_timestamp: {from: started_at, as: datetime}}}
  channels: {voice: call}
  coexistence:
    queues: {"*": enrich}
    lookup: {object: calls, field: hs_call_external_id, from: engagement_id}
    enrich_fields: {hs_call_title: subject}
"""


def test_calls_that_the_connector_logged_are_recognised_and_our_own_are_not_taken_for_them() -> None:
    with account() as served:
        table = served.standin.tables["calls"]  # type: ignore[attr-defined]
        theirs = table.create({"hs_timestamp": "0", "hs_call_external_id": "E1"})

        async def work(hub: HubSpotDestination) -> Any:
            await hub.write([record("e2", fields={"hs_call_external_id": "e2"})], Log())
            wanted = [replace(record(key).outgoing, logged_as=key.upper()) for key in ("e1", "e2", "e3")]
            return await hub.find_logged(wanted)

        logged = ask(served, work, with_mapping=mapping(COEXISTING))
        assert {key: ref.id for key, ref in logged.items()} == {"e1": theirs.id}
