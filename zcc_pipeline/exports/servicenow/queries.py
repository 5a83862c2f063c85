"""Encoded queries from values that come from outside.

An encoded query is one string: ``^`` ends a condition, ``,`` ends a value of ``IN``, and a value that begins with
``javascript:`` is run as a script on the instance. No way of escaping all of them is documented, so a value that holds
any is never sent: it can be looked for nowhere, and found nowhere. And the platform drops a condition that it does not
understand and answers with whatever is left, so every row that comes back is compared with what was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_COLUMN = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*", re.ASCII)
_SYS_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_NEVER = frozenset("^,\\\"'`<>;{}")
_LONGEST_VALUE = 255
_LONGEST_QUERY = 3_000
"""Characters: queries travel in addresses, inside of batches too."""
_LONGEST_LIST = 2_700


class Unsearchable(ValueError):
    """A value that may not stand in a query. Says nothing of it."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison with a value that is known to be harmless."""

    column: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.column}{self.operator}{self.value}"


def is_searchable(value: str) -> bool:
    """Whether a value can stand in a query and mean nothing but itself."""
    return (
        0 < len(value) <= _LONGEST_VALUE
        and value == value.strip()
        and value.isprintable()
        and not _NEVER.intersection(value)
        and "javascript:" not in value.lower()
    )


def condition(column: str, operator: str, value: str) -> Condition:
    """``operator`` is ``=`` or ``LIKE``. ``Unsearchable`` for a value that means more than itself."""
    if not _COLUMN.fullmatch(column) or operator not in {"=", "LIKE"}:
        raise ValueError("no column or operator of ours")
    if not is_searchable(value):
        raise Unsearchable
    return Condition(column, operator, value)


def any_of(conditions: Sequence[Condition]) -> str:
    """Rows for which one of them holds."""
    return "^OR".join(str(each) for each in conditions)


def one_of(column: str, values: Iterable[str]) -> list[Condition]:
    """Conditions of which one holds where the column has one of the values; values that cannot be looked for are left
    out. Values go into lists as long as a query takes, those with a ``=`` alone: an operator is looked for in the whole
    of a condition, and what a list with a second one means is nowhere said."""
    some: list[Condition] = []
    listed: list[str] = []
    size = 0
    for value in dict.fromkeys(values):
        if not is_searchable(value):
            continue
        if "=" in value:
            some.append(condition(column, "=", value))
            continue
        if listed and size + len(value) >= _LONGEST_LIST:
            some.append(_in(column, listed))
            listed, size = [], 0
        listed.append(value)
        size += len(value) + 1
    return [*some, _in(column, listed)] if listed else some


def _in(column: str, values: Sequence[str]) -> Condition:
    if not _COLUMN.fullmatch(column):
        raise ValueError("no column or operator of ours")
    return Condition(column, "IN", ",".join(values)) if len(values) > 1 else condition(column, "=", values[0])


def packed(conditions: Sequence[Condition], *, extra: str = "") -> Iterator[str]:
    """Queries that together ask for any of the conditions, none of them too long. ``extra`` is appended to each."""
    some: list[Condition] = []
    size = len(extra)
    for each in conditions:
        length = len(str(each)) + 3
        if some and size + length > _LONGEST_QUERY:
            yield any_of(some) + extra
            some, size = [], len(extra)
        some.append(each)
        size += length
    if some:
        yield any_of(some) + extra


def ids(column: str, sys_ids: Iterable[str]) -> str:
    """Rows whose column holds one of these ids of the instance's own."""
    good = [sys_id for sys_id in dict.fromkeys(sys_ids) if _SYS_ID.fullmatch(sys_id)]
    return f"{column}IN{','.join(good)}"


def names(column: str, values: Iterable[str]) -> str:
    """Rows whose column holds one of these names of tables or columns, which come from the mapping file."""
    good = [value for value in dict.fromkeys(values) if _COLUMN.fullmatch(value)]
    return f"{column}IN{','.join(good)}"


def is_sys_id(text: object) -> bool:
    """Whether it looks like a row's id: it becomes part of paths."""
    return isinstance(text, str) and _SYS_ID.fullmatch(text) is not None
