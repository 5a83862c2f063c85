"""Customers (contacts, then leads) and owners (users), found by e-mail address and phone, and new contacts.

A query is part of an address, and a phone has a dozen spellings in two fields: some twenty people fill one. Where that
would cost more calls than reading all contacts in pages of two thousand, they are read, and nobody is kept but those
who were asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zcc_pipeline.domain.errors import NotFound, RecordRejected, TransientError
from zcc_pipeline.exports.calls import CrmRefused, OutcomeUnknown
from zcc_pipeline.exports.cutting import clean, cut
from zcc_pipeline.exports.destination import Customer, CustomerKeys
from zcc_pipeline.exports.salesforce.client import ROWS_PER_PAGE, Record, SalesforceClient
from zcc_pipeline.exports.salesforce.found import PHONE_FIELDS, FoundPeople
from zcc_pipeline.exports.salesforce.queries import LONGEST_ADDRESS, any_of

_COLUMNS = ("Id", "Email", *PHONE_FIELDS)
_CONDITIONS = {"Contact": "", "Lead": "IsConverted = false"}
_OWNERS = " AND IsActive = true AND UserType = 'Standard'"
_ROOM = LONGEST_ADDRESS - 500
"""For values, beside what a query begins and ends with."""
_FEW_QUERIES = 4
"""Up to so many nobody asks how many people there are."""
_COUNTLESS = 1_000_000_000


class People:
    """Looks people up in as few calls as their keys need."""

    def __init__(self, client: SalesforceClient, *, with_leads: bool) -> None:
        self._client = client
        self._sources = ("Contact", "Lead") if with_leads else ("Contact",)
        self._counts: dict[str, int] = {}

    async def find_customers(self, wanted: Sequence[CustomerKeys]) -> Mapping[CustomerKeys, Sequence[Customer]]:
        """By e-mail address among contacts, then leads; where nobody has it, by phone in the same order.

        Where everything fits into one query it is asked at once; else phones are only looked for where the address
        found nobody.
        """
        found = FoundPeople(wanted, self._sources)
        everything = list(any_of(found.values(wanted, emails=True, phones=True), room=_ROOM))
        read = {source for source in self._sources if await self._is_cheaper_to_read(source, len(everything))}
        steps = [(True, True)] if len(everything) <= 1 else [(True, False), (False, True)]
        for emails, phones in steps:
            for source in self._sources:
                missing = [keys for keys in wanted if not found.of(keys, with_phone=not emails)]
                if source in read and emails:
                    await self._read_all(source, found)
                elif source not in read and missing:
                    await self._ask(source, found, missing, emails=emails, phones=phones)
        return {keys: found.of(keys) for keys in wanted}

    async def create_customer(self, keys: CustomerKeys, name: str | None) -> Customer:
        """A new contact; looked for before it is ever sent a second time. ``RecordRejected`` with the org's words."""
        try:
            return Customer("Contact", await self._client.create("Contact", _contact(keys, name)))
        except OutcomeUnknown:
            there = (await self.find_customers([keys]))[keys]
            if not there:
                raise TransientError("create contact: nobody knows whether it is there") from None
            return there[0]
        except CrmRefused as refused:
            raise RecordRejected(f"{refused.code}: {refused.message}") from None
        except NotFound:
            raise RecordRejected("NOT_FOUND: the integration user may not create contacts") from None

    async def find_owners(self, emails: Sequence[str]) -> Mapping[str, str]:
        """Active users by e-mail address. Where several share one, the user whose name it is; else nobody: guessing
        would hand records to strangers."""
        users: dict[str, list[Record]] = {}
        for condition in any_of({"Email": emails}, room=_ROOM):
            for user in await self._client.query(("Id", "Email", "Username"), "User", f"({condition}){_OWNERS}"):
                users.setdefault(str(user.get("Email") or "").casefold(), []).append(user)
        chosen = {email: _owner(email, users.get(email.casefold(), [])) for email in emails}
        return {email: user_id for email, user_id in chosen.items() if user_id is not None}

    async def _ask(
        self, source: str, found: FoundPeople, missing: Sequence[CustomerKeys], *, emails: bool, phones: bool
    ) -> None:
        for condition in any_of(found.values(missing, emails=emails, phones=phones), room=_ROOM):
            where = " AND ".join(filter(None, (f"({condition})", _CONDITIONS[source])))
            async for page in self._client.pages(_COLUMNS, source, where):
                for record in page:
                    found.add_asked_for(source, record)

    async def _read_all(self, source: str, found: FoundPeople) -> None:
        async for page in self._client.pages(_COLUMNS, source, _CONDITIONS[source]):
            for record in page:
                found.add_if_wanted(source, record)

    async def _is_cheaper_to_read(self, source: str, queries: int) -> bool:
        if queries <= _FEW_QUERIES:
            return False
        if source not in self._counts:
            try:
                self._counts[source] = await self._client.count(source)
            except CrmRefused:  # an org may have too many to be counted
                self._counts[source] = _COUNTLESS
        return self._counts[source] // ROWS_PER_PAGE + 1 < queries


def _owner(email: str, users: Sequence[Record]) -> str | None:
    if len(users) > 1:
        users = [user for user in users if str(user.get("Username") or "").casefold() == email.casefold()]
    return str(users[0]["Id"]) if len(users) == 1 else None


def _contact(keys: CustomerKeys, name: str | None) -> dict[str, str]:
    """A last name is required: without any, the address or number stands for it."""
    first, _, last = clean(name or "").strip().rpartition(" ")
    fields = {
        "FirstName": cut(first.strip(), 40),
        "LastName": cut(last or keys.email or keys.phone or "", 80),
        "Email": keys.email or "",
        "Phone": keys.phone or "",
    }
    return {field: value for field, value in fields.items() if value}
