"""Encoded queries: parsed as the platform does it, and held against rows.

``a=1^ORb=2^cLIKEx^NQd!=3^ORDERBYDESCe``: ``^`` is and, ``^OR`` joins alternatives to the condition before it, ``^NQ``
starts another query. A ``^`` inside a value has to be doubled. A condition on a column that does not exist is dropped
without a word, unless ``glide.invalid_query.returns_no_rows`` is on: this is how an update meets a stranger's record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from zcc_pipeline.domain.errors import ZccPipelineError

_COLUMN = re.compile(r"[a-z_][a-z0-9_.]*")
_OPERATORS = (
    "NOT LIKE", "STARTSWITH", "ISNOTEMPTY", "ENDSWITH", "NOT IN", "ISEMPTY", "DYNAMIC", "LIKE", "IN",
    "!=", ">=", "<=", "=", ">", "<",
)  # fmt: skip
_CARET = "\x00"


class MalformedQueryError(ZccPipelineError):
    """No encoded query."""


class ScriptInQueryError(ZccPipelineError):
    """A value that the platform would evaluate as a script: nobody who takes values from outside may send one."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison."""

    column: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Order:
    """By which column rows are put in order."""

    column: str
    is_descending: bool


@dataclass(frozen=True, slots=True)
class Query:
    """Any of ``branches``, each all of its groups, each any of its conditions."""

    branches: tuple[tuple[tuple[Condition, ...], ...], ...]
    orders: tuple[Order, ...] = ()

    def columns(self) -> set[str]:
        """Every column that is asked for."""
        return {condition.column for branch in self.branches for group in branch for condition in group}


def parse(text: str) -> Query:
    """Strict where the platform is lenient: what does not parse is an error, so that nothing is sent by accident."""
    branches: list[list[list[Condition]]] = [[]]
    orders: list[Order] = []
    for term in text.replace("^^", _CARET).split("^"):
        if not term or term == "EQ":
            continue
        if term.startswith("ORDERBY"):
            orders.append(_order(term))
        elif term.startswith("NQ"):
            branches.append([[_condition(term[2:])]])
        elif term.startswith("OR"):
            if not branches[-1]:
                raise MalformedQueryError("an alternative to nothing")
            branches[-1][-1].append(_condition(term[2:]))
        else:
            branches[-1].append([_condition(term)])
    return Query(tuple(tuple(tuple(group) for group in branch) for branch in branches), tuple(orders))


def _order(term: str) -> Order:
    is_descending = term.startswith("ORDERBYDESC")
    column = term.removeprefix("ORDERBYDESC" if is_descending else "ORDERBY")
    if not _COLUMN.fullmatch(column):
        raise MalformedQueryError("no column to order by")
    return Order(column, is_descending)


def _condition(term: str) -> Condition:
    found = _COLUMN.match(term)
    if found is None:
        raise MalformedQueryError("a condition without a column")
    rest = term[found.end() :]
    for operator in _OPERATORS:
        if rest.startswith(operator):
            value = rest[len(operator) :].replace(_CARET, "^")
            if value.lstrip().lower().startswith("javascript:") or operator == "DYNAMIC":
                raise ScriptInQueryError("a script in a query")
            return Condition(found[0], operator, value)
    raise MalformedQueryError("a condition without an operator")


def matches(query: Query, get: Callable[[str], str | None], *, drop_invalid: bool) -> bool:
    """Whether a row is meant. ``get`` gives a column's text, None for a column that does not exist."""
    return any(all(_any_of(group, get, drop_invalid) for group in branch) for branch in query.branches)


def _any_of(group: Sequence[Condition], get: Callable[[str], str | None], drop_invalid: bool) -> bool:
    verdicts = []
    for condition in group:
        value = get(condition.column)
        if value is None:
            if drop_invalid:
                continue
            return False
        verdicts.append(_holds(condition, value))
    return any(verdicts) if verdicts else True


def _holds(condition: Condition, value: str) -> bool:
    """Text is compared without regard to case, as the platform's database does it."""
    return _COMPARE[condition.operator](value.lower(), condition.value.lower())


_COMPARE: Mapping[str, Callable[[str, str], bool]] = {
    "=": lambda found, wanted: found == wanted,
    "!=": lambda found, wanted: found != wanted,
    "IN": lambda found, wanted: found in wanted.split(","),
    "NOT IN": lambda found, wanted: found not in wanted.split(","),
    "LIKE": lambda found, wanted: wanted in found,
    "NOT LIKE": lambda found, wanted: wanted not in found,
    "STARTSWITH": lambda found, wanted: found.startswith(wanted),
    "ENDSWITH": lambda found, wanted: found.endswith(wanted),
    "ISEMPTY": lambda found, _: not found,
    "ISNOTEMPTY": lambda found, _: bool(found),
    ">": lambda found, wanted: found > wanted,
    ">=": lambda found, wanted: found >= wanted,
    "<": lambda found, wanted: found < wanted,
    "<=": lambda found, wanted: found <= wanted,
}
