"""Customers, and the users who may own records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from zcc_pipeline.domain.errors import PermanentError, RecordRejected, TransientError
from zcc_pipeline.exports.cutting import clean, cut
from zcc_pipeline.exports.destination import Customer, CustomerKeys
from zcc_pipeline.exports.phones import digits, is_same, national_digits, spellings
from zcc_pipeline.exports.servicenow.client import Client, Reply, Row, listing, table_path
from zcc_pipeline.exports.servicenow.metadata import TableFacts
from zcc_pipeline.exports.servicenow.queries import Condition, condition, is_sys_id, one_of, packed
from zcc_pipeline.exports.session import Call, CrmRefused, Safety

PHONE_COLUMNS = ("phone", "mobile_phone", "home_phone", "business_phone")
"""Which of them a table has is read from its dictionary: a condition on a column that is not there is dropped."""
_LEAST_DIGITS = 6
_ROWS_A_QUERY = 1_000
_LONGEST_NAME = 100


class People:
    """Looks people up. Every row is compared with what was asked for: a query that is too wide links nobody."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def find_customers(
        self, wanted: Sequence[CustomerKeys], tables: Sequence[TableFacts], *, by_digits: bool
    ) -> dict[CustomerKeys, Sequence[Customer]]:
        """By e-mail, then by phone; of several tables the first that has somebody decides."""
        keys = list(dict.fromkeys(wanted))
        found: dict[CustomerKeys, Sequence[Customer]] = dict.fromkeys(keys, ())
        tables = [table for table in tables if table.columns]
        by_email = await self._by_email({key.email for key in keys if key.email}, tables)
        for key in keys:
            found[key] = by_email.get(key.email or "", ())
        by_phone = await self._by_phone(
            {key.phone for key in keys if key.phone and not found[key]}, tables, by_digits=by_digits
        )
        return {key: found[key] or by_phone.get(key.phone or "", ()) for key in keys}

    async def find_owners(self, emails: Sequence[str]) -> dict[str, str]:
        """Active users by e-mail; where several have the same one nobody is chosen."""
        queries = packed(one_of("email", emails), extra="^active=true")
        items = [listing("sys_user", query, ("sys_id", "email", "active"), limit=_ROWS_A_QUERY) for query in queries]
        found: dict[str, list[str]] = {}
        for reply in await self._client.read_all(items, "look users up") if items else []:
            for row in _rows(reply, "look users up"):
                if row.get("active") == "true" and is_sys_id(row.get("sys_id")):
                    found.setdefault(str(row.get("email") or "").lower(), []).append(str(row["sys_id"]))
        known = {email: found.get(email.lower(), []) for email in emails}
        return {email: sys_ids[0] for email, sys_ids in known.items() if len(sys_ids) == 1}

    async def create(self, keys: CustomerKeys, name: str | None, table: TableFacts) -> Customer:
        """A new row in that table, of the columns that it has."""
        first, _, last = clean(name or "").strip().rpartition(" ")
        phone = next((column for column in ("mobile_phone", *PHONE_COLUMNS) if column in table.columns), None)
        values = {"first_name": first, "last_name": last or keys.email or keys.phone or "", "email": keys.email or ""}
        if phone is not None and keys.phone:
            values[phone] = keys.phone
        body = {column: cut(value, _LONGEST_NAME) for column, value in values.items() if value}
        path = table_path(table.name, sysparm_fields="sys_id")
        try:
            answer = await self._client.session.fetch_json(
                Call("POST", path, "create a customer", Safety.ONCE, json=body)
            )
        except CrmRefused as refused:
            raise RecordRejected(refused.message or refused.code) from None
        sys_id = answer.get("result", {}).get("sys_id") if isinstance(answer, dict) else None
        if not is_sys_id(sys_id):
            raise RecordRejected("create a customer: an answer without an id")
        return Customer(table.name, str(sys_id))

    async def _by_email(self, emails: set[str], tables: Sequence[TableFacts]) -> dict[str, Sequence[Customer]]:
        asked = {table.name: one_of("email", sorted(emails)) for table in tables if "email" in table.columns}
        rows = await self._search(asked, {table.name: ("email",) for table in tables})
        found: dict[str, Sequence[Customer]] = {}
        for table in reversed(tables):  # so that the first one decides
            people = _grouped((str(row.get("email") or "").lower(), row) for row in rows.get(table.name, ()))
            found |= {email: _customers(table, people[email]) for email in emails if people.get(email)}
        return found

    async def _by_phone(
        self, phones: set[str], tables: Sequence[TableFacts], *, by_digits: bool
    ) -> dict[str, Sequence[Customer]]:
        columns = {table.name: tuple(name for name in PHONE_COLUMNS if name in table.columns) for table in tables}
        typed = [text for phone in sorted(phones) for text in spellings(phone)]
        ends = [national_digits(phone) for phone in sorted(phones)] if by_digits else []
        asked = {
            name: [each for column in found for each in (*one_of(column, typed), *_holding(column, ends))]
            for name, found in columns.items()
        }
        rows = await self._search(asked, columns)
        found: dict[str, Sequence[Customer]] = {}
        for table in reversed(tables):
            people = _grouped(
                (digits(text)[-_LEAST_DIGITS:], {**row, "typed": text})
                for row in rows.get(table.name, ())
                for text in {str(row.get(column) or "") for column in columns[table.name]}
            )
            for phone in phones:
                alike = people.get(national_digits(phone)[-_LEAST_DIGITS:], ())
                same = [row for row in alike if is_same(phone, str(row["typed"]))]
                if same:
                    found[phone] = _customers(table, same)
        return found

    async def _search(
        self, asked: Mapping[str, Sequence[Condition]], columns: Mapping[str, Sequence[str]]
    ) -> dict[str, list[Row]]:
        """Rows by table."""
        items, tables = [], []
        for table, conditions in asked.items():
            for query in packed(conditions):
                items.append(listing(table, query, ("sys_id", *columns[table]), limit=_ROWS_A_QUERY))
                tables.append(table)
        found: dict[str, list[Row]] = {}
        replies = await self._client.read_all(items, "look customers up") if items else []
        for table, reply in zip(tables, replies, strict=True):
            found.setdefault(table, []).extend(_rows(reply, "look customers up"))
        return found


def _holding(column: str, numbers: Iterable[str]) -> list[Condition]:
    """Text that holds the digits in a row, for which the whole table is read."""
    return [condition(column, "LIKE", number) for number in numbers if len(number) >= _LEAST_DIGITS]


def _grouped(pairs: Iterable[tuple[str, Row]]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for key, row in pairs:
        found.setdefault(key, []).append(row)
    return found


def _customers(table: TableFacts, rows: Sequence[Row]) -> list[Customer]:
    """Each person once, however many of their columns hold the number."""
    ids = dict.fromkeys(str(row["sys_id"]) for row in rows if is_sys_id(row.get("sys_id")))
    return [Customer(table.name, sys_id) for sys_id in ids]


def _rows(reply: Reply, what: str) -> list[Row]:
    if reply.is_success:
        return reply.rows
    if reply.may_come_later or reply.is_unknown:
        raise TransientError(f"{what}: {reply.status}")
    raise PermanentError(f"{what}: {reply.status} {reply.error.code}")
