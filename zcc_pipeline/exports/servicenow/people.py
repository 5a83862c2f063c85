"""Customers, and the users who may own records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

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
_ROWS_A_QUERY = 10_000
_LONGEST_NAME = 100

Found = Sequence[tuple[str, Sequence[Row]]]
"""Tables, and rows that were found there."""


@dataclass(frozen=True, slots=True)
class _Read:
    """One query, and what is wanted of its rows."""

    table: str
    query: str
    columns: tuple[str, ...]


class People:
    """Looks people up. Every row is compared with what was asked for: a query that is too wide links nobody."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def find_customers(
        self, wanted: Sequence[CustomerKeys], tables: Sequence[TableFacts], *, by_digits: bool
    ) -> dict[CustomerKeys, Sequence[Customer]]:
        """By e-mail, then by phone; of several tables the first that has somebody decides. ``by_digits`` finds numbers
        wherever their digits stand in a row, for which the instance reads the whole table: that is asked only for those
        whom nobody's e-mail address has found; otherwise both are asked for in one call."""
        tables = [table for table in tables if table.columns]
        by_email = _email_reads({key.email for key in wanted if key.email}, tables)
        by_phone = [] if by_digits else _phone_reads({key.phone for key in wanted if key.phone}, tables)
        rows = await self._read([*by_email, *by_phone])
        found = _having_email(tables, rows[: len(by_email)])
        numbers = rows[len(by_email) :]
        left = {key.phone for key in wanted if key.phone and not found.get(key.email or "")}
        if by_digits:
            numbers = await self._read(_phone_reads(left, tables, by_digits=True))
        phones = _having_phone(tables, numbers, left)
        return {key: found.get(key.email or "") or phones.get(key.phone or "", ()) for key in wanted}

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

    async def _read(self, reads: Sequence[_Read]) -> list[tuple[str, list[Row]]]:
        """Table and rows of each, in order."""
        items = [listing(read.table, read.query, ("sys_id", *read.columns), limit=_ROWS_A_QUERY) for read in reads]
        replies = await self._client.read_all(items, "look customers up") if items else []
        for read, reply in zip(reads, replies, strict=True):
            if reply.status == 403:
                raise PermanentError(
                    f"servicenow: {read.table} may not be read; give the integration user the right to, or take the "
                    "table out of customer_columns in the mapping"
                )
        return [(read.table, _rows(reply, "look customers up")) for read, reply in zip(reads, replies, strict=True)]


def _email_reads(emails: Iterable[str], tables: Sequence[TableFacts]) -> list[_Read]:
    asked = one_of("email", sorted(emails))
    return [
        _Read(table.name, query, ("email",)) for table in tables if "email" in table.columns for query in packed(asked)
    ]


def _phone_reads(phones: Iterable[str], tables: Sequence[TableFacts], *, by_digits: bool = False) -> list[_Read]:
    typed = [text for phone in sorted(phones) for text in spellings(phone)]
    ends = [national_digits(phone) for phone in sorted(phones)] if by_digits else []
    reads = []
    for table in tables:
        columns = _phone_columns(table)
        asked = [each for column in columns for each in (*one_of(column, typed), *_holding(column, ends))]
        reads += [_Read(table.name, query, columns) for query in packed(asked)]
    return reads


def _phone_columns(table: TableFacts) -> tuple[str, ...]:
    return tuple(name for name in PHONE_COLUMNS if name in table.columns)


def _having_email(tables: Sequence[TableFacts], rows: Found) -> dict[str, Sequence[Customer]]:
    found: dict[str, Sequence[Customer]] = {}
    for table in reversed(tables):  # so that the first one decides
        people = _grouped((str(row.get("email") or "").lower(), row) for row in _of(table, rows))
        found |= {email: _customers(table, same) for email, same in people.items() if email}
    return found


def _having_phone(tables: Sequence[TableFacts], rows: Found, phones: Iterable[str]) -> dict[str, Sequence[Customer]]:
    found: dict[str, Sequence[Customer]] = {}
    for table in reversed(tables):
        people = _grouped(
            (digits(text)[-_LEAST_DIGITS:], {**row, "typed": text})
            for row in _of(table, rows)
            for text in {str(row.get(column) or "") for column in _phone_columns(table)}
        )
        for phone in phones:
            alike = people.get(national_digits(phone)[-_LEAST_DIGITS:], ())
            same = [row for row in alike if is_same(phone, str(row["typed"]))]
            if same:
                found[phone] = _customers(table, same)
    return found


def _of(table: TableFacts, rows: Found) -> Iterator[Row]:
    return (row for name, some in rows if name == table.name for row in some)


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
