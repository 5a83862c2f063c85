"""Look-ups: whatever stands in a value, the question stays the same and within HubSpot's limits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Any

import httpx
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.exports.destination import CustomerKeys
from zcc_pipeline.exports.hubspot.client import HubSpotClient
from zcc_pipeline.exports.hubspot.config import HubSpotConfig
from zcc_pipeline.exports.hubspot.queries import MOST_VALUES, ContactFinder, any_of
from zcc_pipeline.simulator.crm.base import CrmOptions, Person
from zcc_pipeline.simulator.crm.hubspot import make
from zcc_pipeline_tests.crm_definitions import definition_of
from zcc_pipeline_tests.examples import of_all

HOSTILE = st.one_of(
    st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable()),
    st.sampled_from(['"}]}', "' OR '1'='1", "\\", "{{x}}", "*", "%", "a;b", "null", "<b>", "🦉", "\u202e", "IN", "EQ"]),
)
PHONES = st.from_regex(r"\+(?:49|1|44|33|81|61)[1-9][0-9]{7,10}", fullmatch=True)
PROPERTIES = ["phone", "mobilephone"]


@given(st.lists(HOSTILE, min_size=1, max_size=20), st.text(min_size=1, max_size=8) | st.none())
def test_values_only_ever_stand_as_values(values: list[str], after: str | None) -> None:
    body = msgspec.json.decode(msgspec.json.encode(any_of(PROPERTIES, values, properties=["phone"], after=after)))
    assert set(body) - {"after"} == {"filterGroups", "properties", "limit"}
    for group, name in zip(body["filterGroups"], PROPERTIES, strict=True):
        (one,) = group["filters"]
        assert (one["propertyName"], one["operator"]) == (name, "IN")
        assert one["values"] == list(dict.fromkeys(value.lower() for value in values))


class Watched(httpx.AsyncBaseTransport):
    """The stand-in without a network, and the searches that it was asked for."""

    def __init__(self, people: tuple[Person, ...]) -> None:
        self.standin = make(CrmOptions(people=people, limits={}, definition=definition_of("hubspot")))
        self._inner = httpx.ASGITransport(app=self.standin)
        self.searches: list[dict[str, Any]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/search"):
            self.searches.append(msgspec.json.decode(request.content))
        return await self._inner.handle_async_request(request)


def find(
    transport: Watched, keys: Sequence[CustomerKeys], *, knows_calculated: bool = True
) -> dict[CustomerKeys, list[str]]:
    names = {"email", "phone", "mobilephone"} | (
        {"hs_searchable_calculated_phone_number"} if knows_calculated else set()
    )

    async def run() -> dict[CustomerKeys, list[str]]:
        config = HubSpotConfig("key", "http://hubspot.test", searches_per_second=10_000, calls_per_ten_seconds=100_000)
        async with HubSpotClient(config, clock=SystemClock(), transport=transport) as client:
            found = await ContactFinder(client, contact_properties=frozenset(names)).find(keys)
        return {key: [each.id for each in people] for key, people in found.items()}

    return asyncio.run(run())


@cache
def crowd() -> Watched:
    return Watched((Person("Ada Byron", "ada@example.com", "+49 30 901820"), Person("Bob Kay", "bob@example.com")))


@settings(max_examples=of_all(60), deadline=None)
@given(st.lists(HOSTILE.map(str.lower), min_size=1, max_size=5, unique=True))
def test_hostile_addresses_find_nobody_and_hide_nobody(addresses: list[str]) -> None:
    ada = CustomerKeys("ada@example.com", None)
    keys = [ada, *(CustomerKeys(each, None) for each in addresses)]
    found = find(crowd(), keys)
    assert set(found) == set(keys)
    assert len(found[ada]) == 1
    assert all(not found[key] for key in keys[1:])
    assert crowd().standin.violations == []


@settings(max_examples=of_all(25), deadline=None)
@given(st.lists(PHONES, min_size=1, max_size=30, unique=True), st.booleans())
def test_searches_stay_within_limits_and_each_number_finds_its_owner(phones: list[str], knows_calculated: bool) -> None:
    transport = Watched(tuple(Person(f"P {number}", None, phone) for number, phone in enumerate(phones)))
    found = find(transport, [CustomerKeys(None, phone) for phone in phones], knows_calculated=knows_calculated)
    contacts = {each["id"]: each["properties"]["phone"] for each in transport.standin.records()["contacts"]}
    for keys, people in found.items():
        assert keys.phone in {contacts[each] for each in people}
    for body in transport.searches:
        assert len(body["filterGroups"]) <= 5
        assert all(len(one["values"]) <= MOST_VALUES for group in body["filterGroups"] for one in group["filters"])
