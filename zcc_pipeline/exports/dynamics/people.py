"""Contacts and users: looked up many at a time, by texts that cannot leave their quotes.

Each look-up is a GET of its own inside one ``$batch``: one request for all of a chunk, and one answer for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zcc_pipeline.domain.errors import RecordRejected, TransientError
from zcc_pipeline.exports.calls import CrmRefused, Safety, safe_code
from zcc_pipeline.exports.cutting import clean, cut
from zcc_pipeline.exports.destination import Customer, CustomerKeys
from zcc_pipeline.exports.dynamics import queries
from zcc_pipeline.exports.dynamics.client import CREATE_ONLY, KEY_TAKEN, DynamicsClient, Json, is_for_later, refusal
from zcc_pipeline.exports.dynamics.multipart import Operation
from zcc_pipeline.exports.dynamics.rows import CONTACTS, USERS
from zcc_pipeline.exports.phones import is_same, spellings

_ENOUGH = "2"
_ENOUGH_BY_PHONE = "20"
"""More than two, as spellings without a country code fit numbers of other countries too."""
_LONGEST_NAME = 50
_ACTIVE = "statecode eq 0"


class People:
    """Who is in the CRM."""

    def __init__(self, client: DynamicsClient, *, email_columns: Sequence[str], phone_columns: Sequence[str]) -> None:
        self._client = client
        self._email_columns = email_columns
        self._phone_columns = phone_columns

    async def find_customers(self, wanted: Sequence[CustomerKeys]) -> Mapping[CustomerKeys, Sequence[Customer]]:
        """By e-mail address; where nobody has it, by phone. Both are asked in the same request."""
        asked = [(keys, self._email_query(keys)) for keys in wanted if keys.email]
        number = len(asked)
        asked += [(keys, self._phone_query(keys)) for keys in wanted if keys.phone]
        answers = await self._answers([_lookup(CONTACTS, options) for _, options in asked], "find contacts")
        found: dict[CustomerKeys, list[Customer]] = {keys: [] for keys in wanted}
        for (keys, _), rows in zip(asked[:number], answers[:number], strict=True):
            found[keys] = _customers(rows)
        for (keys, _), rows in zip(asked[number:], answers[number:], strict=True):
            if not found[keys]:
                found[keys] = _customers([row for row in rows if self._has_phone(row, keys.phone or "")])
        return found

    async def create_customer(self, keys: CustomerKeys, name: str | None) -> Customer:
        """A contact whose id follows from address and number: made twice, it is the same one."""
        contact = queries.contact_id(keys.email, keys.phone)
        first, last = _names(name or keys.email or keys.phone or "")
        body = {"firstname": first, "lastname": last, "emailaddress1": keys.email, "telephone1": keys.phone}
        operation = Operation("PATCH", queries.address(CONTACTS, contact), body, CREATE_ONLY)
        (part,) = await self._client.batch([operation], "create contact", Safety.REPEATABLE)
        if is_for_later(part):
            raise TransientError(f"create contact: {part.status}")
        if not part.is_success and part.code not in KEY_TAKEN:
            raise RecordRejected(part.message or safe_code(part.code))
        return Customer("contact", contact)

    async def find_owners(self, emails: Sequence[str]) -> Mapping[str, str]:
        """Users who are not disabled."""
        operations = [
            _lookup(
                USERS,
                {
                    "$select": "systemuserid",
                    "$filter": f"{queries.equals('internalemailaddress', email)} and isdisabled eq false",
                    "$top": _ENOUGH,
                },
            )
            for email in emails
        ]
        found = {}
        for email, rows in zip(emails, await self._answers(operations, "find users"), strict=True):
            if rows:
                found[email] = str(rows[0]["systemuserid"])
        return found

    async def _answers(self, operations: Sequence[Operation], describe: str) -> list[list[Json]]:
        answers = await self._client.batch(operations, describe, Safety.READ) if operations else []
        return [part_rows(part.body) if part.is_success else _fail(refusal(describe, part)) for part in answers]

    def _email_query(self, keys: CustomerKeys) -> dict[str, str]:
        tests = queries.any_of(queries.equals(column, keys.email or "") for column in self._email_columns)
        return {"$select": "contactid", "$filter": f"{tests} and {_ACTIVE}", "$top": _ENOUGH}

    def _phone_query(self, keys: CustomerKeys) -> dict[str, str]:
        tests = queries.any_of(
            queries.equals(column, spelling)
            for spelling in spellings(keys.phone or "")
            for column in self._phone_columns
        )
        columns = ",".join(["contactid", *self._phone_columns])
        return {"$select": columns, "$filter": f"{tests} and {_ACTIVE}", "$top": _ENOUGH_BY_PHONE}

    def _has_phone(self, row: Json, phone: str) -> bool:
        return any(is_same(phone, row.get(column)) for column in self._phone_columns)


def part_rows(body: object) -> list[Json]:
    """The rows of a list."""
    value = body.get("value") if isinstance(body, dict) else None
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _lookup(entity_set: str, options: Mapping[str, str]) -> Operation:
    return Operation("GET", f"{entity_set}{queries.query(options)}")


def _customers(rows: Sequence[Json]) -> list[Customer]:
    return [Customer("contact", str(row["contactid"])) for row in rows]


def _names(name: str) -> tuple[str | None, str]:
    first, _, last = clean(name).strip().rpartition(" ")
    return cut(first, _LONGEST_NAME) or None, cut(last, _LONGEST_NAME)


def _fail(refused: CrmRefused) -> list[Json]:
    raise refused
