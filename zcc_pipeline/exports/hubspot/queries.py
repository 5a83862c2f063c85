"""Looking things up: contacts by e-mail and phone, records that another program logged.

Values only ever stand as values in JSON, so nothing has to be escaped; what has to be kept are HubSpot's limits: a
hundred values an ``IN``, five filter groups, 200 results a page, 10,000 in all (search page, November 2026).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from zcc_pipeline.domain.parts import in_parts
from zcc_pipeline.exports.destination import Customer, CustomerKeys
from zcc_pipeline.exports.hubspot.client import HubSpotClient, Json, next_page
from zcc_pipeline.exports.phones import digits, is_same, national_digits, spellings
from zcc_pipeline.exports.session import CrmRefused

CONTACTS = "contacts"
MOST_VALUES = 100
MOST_RESULTS = 200
_MOST_IN_ALL = 10_000
_ENOUGH = 2
"""Two are enough to know that it is several."""

_PHONES = ("phone", "mobilephone")
_CALCULATED = ("hs_searchable_calculated_phone_number", "hs_searchable_calculated_mobile_number")
_EMAILS = ("email", "hs_additional_emails")


def any_of(names: Sequence[str], values: Sequence[str], *, properties: Sequence[str], after: str | None = None) -> Json:
    """The search for records of which one of these properties holds one of these values.

    ``IN`` compares with texts in lower case (search page), whatever case was stored.
    """
    lowered = list(dict.fromkeys(value.lower() for value in values))
    body: Json = {
        "filterGroups": [{"filters": [{"propertyName": name, "operator": "IN", "values": lowered}]} for name in names],
        "properties": list(properties),
        "limit": MOST_RESULTS,
    }
    return body | ({"after": after} if after else {})


class ContactFinder:
    """Finds contacts. Searches are few and slow: as many people as fit are asked for at once."""

    def __init__(self, client: HubSpotClient, *, contact_properties: frozenset[str]) -> None:
        """``contact_properties`` are the names that this account has: the calculated phone properties are only asked
        for where they exist, and never relied on alone."""
        self._client = client
        self._calculated = [name for name in _CALCULATED if name in contact_properties]
        self._emails = [name for name in _EMAILS if name in contact_properties or name == "email"]
        self._phones = [name for name in _PHONES if name in contact_properties or name == "phone"]

    async def find(self, wanted: Sequence[CustomerKeys]) -> Mapping[CustomerKeys, Sequence[Customer]]:
        """By e-mail; those who are not found by that, by phone."""
        by_email = await self._by_email(list(dict.fromkeys(keys.email for keys in wanted if keys.email)))
        found = {keys: by_email.get(keys.email or "", []) for keys in wanted}
        open_phones = dict.fromkeys(keys.phone for keys, people in found.items() if not people and keys.phone)
        by_phone = await self._by_phone(list(open_phones))
        return {
            keys: [Customer(CONTACTS, each) for each in people or by_phone.get(keys.phone or "", [])]
            for keys, people in found.items()
        }

    async def _by_email(self, emails: Sequence[str]) -> dict[str, list[str]]:
        """Read by their unique value, not searched: fresh contacts are found, and no search is spent."""
        contacts = await self._read(emails)
        owners: dict[str, list[str]] = {}
        for contact in contacts:
            values = _values(contact, self._emails)
            for address in {one.strip().lower() for value in values for one in value.split(";")}:
                owners.setdefault(address, []).append(str(contact.get("id")))
        return {email: owners.get(email.lower(), []) for email in emails}

    async def _read(self, emails: Sequence[str]) -> list[Json]:
        """Addresses are what people typed: one that HubSpot will not even read must not hide the others."""
        try:
            return await self._client.read(CONTACTS, emails, id_property="email", properties=self._emails)
        except CrmRefused:
            if len(emails) <= 1:
                return []
            half = len(emails) // 2
            return [*await self._read(emails[:half]), *await self._read(emails[half:])]

    async def _by_phone(self, phones: Sequence[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {phone: [] for phone in phones}
        if self._calculated:
            for part in _parts(((phone, (national_digits(phone),)) for phone in phones), MOST_VALUES):
                await self._search(self._calculated, part, found)
        missing = [phone for phone in phones if not found[phone]]
        for part in _parts(((phone, spellings(phone)) for phone in missing), MOST_VALUES):
            await self._search(self._phones, part, found)
        return found

    async def _search(
        self, names: Sequence[str], part: Mapping[str, Sequence[str]], found: dict[str, list[str]]
    ) -> None:
        values = [value for spelled in part.values() for value in spelled]
        by_ending: dict[str, list[str]] = {}
        for phone in part:
            by_ending.setdefault(_ending(phone), []).append(phone)
        after: str | None = None
        for _ in range(0, _MOST_IN_ALL, MOST_RESULTS):
            body = any_of(names, values, properties=self._phones, after=after)
            page = await self._client.search(CONTACTS, body)
            for contact in page.get("results") or ():
                for typed in _values(contact, self._phones):
                    for phone in by_ending.get(_ending(typed), ()):
                        if str(contact.get("id")) not in found[phone] and is_same(phone, typed):
                            found[phone].append(str(contact.get("id")))
            after = next_page(page)
            if after is None or all(len(found[phone]) >= _ENOUGH for phone in part):
                return


async def find_by_value(
    client: HubSpotClient, object_type: str, name: str, values: Sequence[str], *, is_unique: bool, also: Sequence[str]
) -> list[Json]:
    """Records of which that property holds one of these values, with the properties ``also``."""
    if is_unique:
        return await client.read(object_type, values, id_property=name, properties=[name, *also])
    found: list[Json] = []
    for part in in_parts(values, MOST_VALUES):
        after: str | None = None
        for _ in range(0, _MOST_IN_ALL, MOST_RESULTS):
            page = await client.search(object_type, any_of([name], part, properties=[name, *also], after=after))
            found += [each for each in page.get("results") or () if isinstance(each, dict)]
            after = next_page(page)
            if after is None:
                break
    return found


def _ending(phone: str) -> str:
    """What every spelling of a number has in common, so that not all are compared with all."""
    return digits(phone)[-4:]


def _parts(spelled: Iterable[tuple[str, Sequence[str]]], most: int) -> Iterator[dict[str, Sequence[str]]]:
    """Phones with their spellings, as many as fit into one search."""
    part: dict[str, Sequence[str]] = {}
    count = 0
    for phone, values in spelled:
        if part and count + len(values) > most:
            yield part
            part, count = {}, 0
        part[phone] = values
        count += len(values)
    if part:
        yield part


def _values(record: Any, names: Sequence[str]) -> list[str]:  # noqa: ANN401 JSON
    properties = record.get("properties") if isinstance(record, dict) else None
    found = [properties.get(name) for name in names] if isinstance(properties, dict) else []
    return [value for value in found if isinstance(value, str) and value]
