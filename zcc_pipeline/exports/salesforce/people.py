"""Customers (contacts, then leads) and owners (users), found by e-mail address and phone, and new contacts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from zcc_pipeline.domain.errors import NotFound, RecordRejected, TransientError
from zcc_pipeline.exports.calls import CrmRefused, OutcomeUnknown
from zcc_pipeline.exports.cutting import clean, cut
from zcc_pipeline.exports.destination import Customer, CustomerKeys
from zcc_pipeline.exports.phones import spellings
from zcc_pipeline.exports.salesforce.client import Record, SalesforceClient
from zcc_pipeline.exports.salesforce.queries import LONGEST_ADDRESS, address_length, any_of, literal

PHONE_FIELDS = ("Phone", "MobilePhone")
_COLUMNS = ("Id", "Email", *PHONE_FIELDS)
_CONDITIONS = {"Contact": "", "Lead": " AND IsConverted = false"}
_OWNERS = " AND IsActive = true AND UserType = 'Standard'"
_ROOM = LONGEST_ADDRESS - 500
"""For values, beside what a query begins and ends with."""


class People:
    """Looks people up in as few queries as their keys fit into."""

    def __init__(self, client: SalesforceClient, *, with_leads: bool) -> None:
        self._client = client
        self._sources = ("Contact", "Lead") if with_leads else ("Contact",)

    async def find_customers(self, wanted: Sequence[CustomerKeys]) -> Mapping[CustomerKeys, Sequence[Customer]]:
        """By e-mail address among contacts, then leads; where nobody has it, by phone in the same order.

        Everything is asked at once where it fits into one query; else phones, whose spellings fill many queries, are
        only looked for where the address found nobody.
        """
        found = _Found(self._sources)
        if _fits_one_query(wanted):
            await self._search(found, wanted, emails=True, phones=True)
        else:
            await self._search(found, wanted, emails=True)
            await self._search(found, wanted, phones=True)
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

    async def _search(
        self, found: _Found, wanted: Sequence[CustomerKeys], *, emails: bool = False, phones: bool = False
    ) -> None:
        for source in self._sources:
            missing = [keys for keys in wanted if not found.of(keys, with_phone=phones and not emails)]
            values: dict[str, Iterable[str]] = {}
            if emails:
                values["Email"] = [keys.email for keys in missing if keys.email]
            if phones:
                typed = [text for keys in missing if keys.phone for text in spellings(keys.phone)]
                values |= dict.fromkeys(PHONE_FIELDS, typed)
            for condition in any_of(values, room=_ROOM):
                where = f"({condition}){_CONDITIONS[source]}"
                for record in await self._client.query(_COLUMNS, source, where):
                    found.add(source, record)


class _Found:
    """People by what they were found by."""

    def __init__(self, sources: Sequence[str]) -> None:
        self._sources = sources
        self._by_email: dict[tuple[str, str], dict[str, Customer]] = {}
        self._by_phone: dict[tuple[str, str], dict[str, Customer]] = {}

    def add(self, source: str, record: Record) -> None:
        customer = Customer(source, str(record["Id"]))
        if isinstance(email := record.get("Email"), str):
            self._by_email.setdefault((source, email.strip().casefold()), {})[customer.id] = customer
        for name in PHONE_FIELDS:
            if isinstance(typed := record.get(name), str):
                self._by_phone.setdefault((source, typed.strip().casefold()), {})[customer.id] = customer

    def of(self, keys: CustomerKeys, *, with_phone: bool = True) -> list[Customer]:
        """Of the first kind of people among whom there is anybody."""
        return next(filter(None, self._candidates(keys, with_phone=with_phone)), [])

    def _candidates(self, keys: CustomerKeys, *, with_phone: bool) -> Iterator[list[Customer]]:
        if keys.email:
            for source in self._sources:
                yield list(self._by_email.get((source, keys.email.casefold()), {}).values())
        if keys.phone and with_phone:
            typed = spellings(keys.phone)
            for source in self._sources:
                there: dict[str, Customer] = {}
                for text in typed:
                    there |= self._by_phone.get((source, text.casefold()), {})
                yield list(there.values())


def _fits_one_query(wanted: Sequence[CustomerKeys]) -> bool:
    used = 0
    for keys in wanted:
        texts = [keys.email] if keys.email else []
        texts += len(PHONE_FIELDS) * spellings(keys.phone) if keys.phone else ()
        used += sum(address_length(f"{literal(text)}, ") for text in texts)
        if used > _ROOM:
            return False
    return True


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
