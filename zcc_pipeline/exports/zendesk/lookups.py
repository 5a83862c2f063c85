"""Finding tickets and people, with as few calls as the account demonstrably allows.

Zendesk documents ``GET /tickets?external_id=`` for one id, and one connector's documentation says that several may be
given with commas. Nobody says in so many words that a search for several values of one property finds all of them. So
neither is taken for granted: each is shown once a run, with as many values as are to be asked for later, of which only
the last is known to exist. Where that one does not come back everything is asked for one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zcc_pipeline.exports.destination import Customer, CustomerKeys
from zcc_pipeline.exports.phones import is_same
from zcc_pipeline.exports.session import CrmRefused
from zcc_pipeline.exports.together import together
from zcc_pipeline.exports.zendesk.api import Json, ZendeskApi
from zcc_pipeline.exports.zendesk.queries import (
    IDS_PER_LOOKUP,
    VALUES_PER_QUERY,
    can_be_searched,
    email_query,
    lists_of,
    phone_query,
)

USER = "user"
_FEW = 3
"""Up to so many, showing costs as much as it saves."""

_NOBODY = "nobody-{:04}-of-some-length@zcc.invalid"
_NO_TICKET = "zcc-pipeline-no-such-engagement-{:04}"


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to look for people."""

    query: Callable[[Sequence[str]], str]
    shown: str
    """Where a search result has the first of them."""
    fits: Callable[[str, str], bool]
    """Whether what was looked for is what somebody has."""


_BY_EMAIL = _Way(email_query, "email", lambda wanted, has: wanted == has.lower())
_BY_PHONE = _Way(phone_query, "phone", is_same)


class TicketLookup:
    """Tickets by external id: consistent, unlike search."""

    def __init__(self, api: ZendeskApi) -> None:
        self._api = api
        self._takes_lists: bool | None = None
        self._known: str | None = None

    @property
    def wants_example(self) -> bool:
        """Whether it could be shown that lists are taken, if only one ticket were known."""
        return self._takes_lists is None and self._known is None

    def know(self, external_id: str) -> None:
        """A ticket with that id exists for certain."""
        if self._known is None and "," not in external_id:
            self._known = external_id

    async def find(self, external_ids: Sequence[str]) -> dict[str, list[Json]]:
        """Tickets by external id, oldest first; ids without any are left out."""
        lists = [[each] for each in external_ids]
        if len(external_ids) > _FEW and await self._may_list():
            lists = lists_of(external_ids)
        found: dict[str, list[Json]] = defaultdict(list)
        wanted = set(external_ids)
        for tickets in await together(self._api.tickets_with(each) for each in lists):
            for ticket in tickets:
                if ticket.get("external_id") in wanted:
                    found[ticket["external_id"]].append(ticket)
        for external_id, tickets in found.items():
            tickets.sort(key=lambda ticket: int(ticket["id"]))
            self.know(external_id)
        return found

    async def _may_list(self) -> bool:
        if self._takes_lists is None and self._known is not None:
            others = [_NO_TICKET.format(number) for number in range(IDS_PER_LOOKUP - 1)]
            shown = await self._api.tickets_with([*others, self._known])
            self._takes_lists = any(ticket.get("external_id") == self._known for ticket in shown)
        return bool(self._takes_lists)


class PeopleLookup:
    """Users by e-mail address and telephone number."""

    def __init__(self, api: ZendeskApi) -> None:
        self._api = api
        self._at_once: int | None = None

    async def customers(self, wanted: Sequence[CustomerKeys]) -> dict[CustomerKeys, list[Customer]]:
        """By e-mail; where nobody has that, by phone."""
        by_email = await self._by_email(keys.email for keys in wanted if keys.email)
        found = {keys: _end_users(by_email.get(keys.email or "", ())) for keys in wanted}
        left = [keys for keys in wanted if keys.phone and not found[keys]]
        by_phone = await self._by_phone(keys.phone for keys in left if keys.phone)
        return found | {keys: _end_users(by_phone.get(keys.phone or "", ())) for keys in left}

    async def agents(self, emails: Sequence[str]) -> dict[str, str]:
        """Ids of agents and administrators by e-mail, as it was asked for."""
        users = await self._by_email(emails)
        found = {}
        for email in emails:
            ids = {str(user["id"]) for user in users.get(email.lower(), ()) if user.get("role") in ("agent", "admin")}
            if len(ids) == 1:
                found[email] = ids.pop()
        return found

    async def _by_email(self, emails: Iterable[str]) -> dict[str, list[Json]]:
        wanted = list(dict.fromkeys(email.lower() for email in emails if can_be_searched(email)))
        return await self._matched(wanted, _BY_EMAIL)

    async def _by_phone(self, phones: Iterable[str]) -> dict[str, list[Json]]:
        return await self._matched(list(dict.fromkeys(phones)), _BY_PHONE)

    async def _matched(self, wanted: Sequence[str], way: _Way) -> dict[str, list[Json]]:
        """Users by what they were looked for."""
        size = await self._values_at_once() if len(wanted) > _FEW else 1
        found: dict[str, list[Json]] = defaultdict(list)
        parts = lists_of(wanted, most=size, longest=size * len(_NOBODY))
        for part in await together(self._match(chunk, way) for chunk in parts):
            for value, user in part:
                found[value].append(user)
        return found

    async def _match(self, wanted: Sequence[str], way: _Way) -> list[tuple[str, Json]]:
        """Pairs of a value and a user who has it. The search also finds people by their second address or number,
        which it does not show: for values that are nobody's first, those whom it finds are asked for all they have."""
        users = await self._search(way.query(wanted))
        pairs = [(value, user) for user in users for value in wanted if way.fits(value, str(user.get(way.shown) or ""))]
        left = [value for value in wanted if value not in {value for value, _ in pairs}]
        if not users or not left:
            return pairs
        for user in users if len(left) == len(wanted) else await self._search(way.query(left)):
            has = [str(each.get("value") or "") for each in await self._api.identities(user.get("id"))]
            pairs += [(value, user) for value in left if any(way.fits(value, each) for each in has)]
        return pairs

    async def _search(self, query: str) -> list[Json]:
        """Users whom the query finds, each once."""
        found = await self._api.search(query)
        users = {user["id"]: user for user in found if user.get("id") and user.get("active") is not False}
        return [user for user in users.values() if user.get("result_type", USER) == USER]

    async def _values_at_once(self) -> int:
        """How many values of one property a search demonstrably looks at: the last of so many is found."""
        if self._at_once is None:
            email = str((await self._api.me()).get("email") or "").lower()
            self._at_once = 1
            for size in VALUES_PER_QUERY if can_be_searched(email) else ():
                if await self._finds_the_last(email, size):
                    self._at_once = size
                    break
        return self._at_once

    async def _finds_the_last(self, email: str, size: int) -> bool:
        query = email_query([*(_NOBODY.format(number) for number in range(size - 1)), email])
        try:
            shown = await self._api.search(query)
        except CrmRefused:
            return False
        return any(str(user.get("email") or "").lower() == email for user in shown)


def _end_users(users: Iterable[Mapping[str, Any]]) -> list[Customer]:
    return [Customer(USER, str(user["id"])) for user in users if user.get("role") == "end-user"]
