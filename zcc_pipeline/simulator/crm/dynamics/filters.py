"""``$filter``: a small OData parser that takes nothing it does not understand.

Strict about quotes on purpose: a client that forgets to double one gets a syntax error or another result, as it would
from the real service. Grammar: comparisons of a column with a literal, ``contains``/``startswith``/``endswith``,
``and``, ``or``, ``not`` and brackets. Texts compare without regard to case, as Dataverse's collation does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from zcc_pipeline.simulator.crm.dynamics.refusals import UNKNOWN_SEGMENT, refuse

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """A test of rows. ``values`` are columns with texts of which a row must have one to pass; None where rows may pass
    without: whoever has an index need not look at the others."""

    test: Callable[[Row], bool]
    values: tuple[tuple[str, Any], ...] | None = None

    def __call__(self, row: Row) -> bool:
        """Whether a row passes."""
        return self.test(row)


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^']|'')*')
    | (?P<guid>[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})(?![\w-])
    | (?P<date>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z)?)(?![\w:-])
    | (?P<number>-?\d+(?:\.\d+)?)(?![\w.])
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<mark>[(),])
    )""",
    re.VERBOSE | re.ASCII,
)
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda left, right: bool(left == right),
    "ne": lambda left, right: bool(left != right),
    "gt": lambda left, right: left is not None and right is not None and left > right,
    "ge": lambda left, right: left is not None and right is not None and left >= right,
    "lt": lambda left, right: left is not None and right is not None and left < right,
    "le": lambda left, right: left is not None and right is not None and left <= right,
}
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": lambda text, part: text.startswith(part),
    "endswith": lambda text, part: text.endswith(part),
}
_CONSTANTS = {"null": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse_filter(text: str, columns: Collection[str]) -> Filter:
    """A test of rows; a refusal where the text is no filter or names a column that is not there."""
    return _Parser(text, columns).parse()


def read_literal(text: str) -> str | None:
    """The value of a quoted OData string, where all of ``text`` is one."""
    if len(text) < 2 or text[0] != "'" or text[-1] != "'" or "'" in text[1:-1].replace("''", ""):
        return None
    return text[1:-1].replace("''", "'")


class _Parser:
    def __init__(self, text: str, columns: Collection[str]) -> None:
        self._text = text
        self._columns = columns
        self._tokens = self._split()
        self._next = 0

    def parse(self) -> Filter:
        test = self._any_of()
        if self._peek() is not None:
            raise self._syntax_error()
        return test

    def _split(self) -> list[_Token]:
        tokens, at, end = [], 0, len(self._text.rstrip())
        while at < end:
            found = _TOKEN.match(self._text, at)
            if found is None or found.lastgroup is None:
                raise self._syntax_error(at)
            tokens.append(_Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup)))
            at = found.end()
        return tokens

    def _peek(self) -> _Token | None:
        return self._tokens[self._next] if self._next < len(self._tokens) else None

    def _take(self, text: str = "", kind: str = "") -> _Token:
        token = self._peek()
        if token is None or (text and token.text != text) or (kind and token.kind != kind):
            raise self._syntax_error()
        self._next += 1
        return token

    def _is_word(self, word: str) -> bool:
        token = self._peek()
        return token is not None and token.kind == "name" and token.text == word

    def _any_of(self) -> Filter:
        tests = [self._all_of()]
        while self._is_word("or"):
            self._next += 1
            tests.append(self._all_of())
        if len(tests) == 1:
            return tests[0]
        known = [test.values for test in tests if test.values is not None]
        values = tuple(value for each in known for value in each) if len(known) == len(tests) else None
        return Filter(lambda row: any(test(row) for test in tests), values)

    def _all_of(self) -> Filter:
        tests = [self._one()]
        while self._is_word("and"):
            self._next += 1
            tests.append(self._one())
        if len(tests) == 1:
            return tests[0]
        values = next((test.values for test in tests if test.values is not None), None)
        return Filter(lambda row: all(test(row) for test in tests), values)

    def _one(self) -> Filter:
        if self._is_word("not"):
            self._next += 1
            inner = self._one()
            return Filter(lambda row: not inner(row))
        token = self._peek()
        if token is not None and token.text == "(":
            self._next += 1
            inside = self._any_of()
            self._take(")")
            return inside
        name = self._take(kind="name").text
        following = self._peek()
        if name in _FUNCTIONS and following is not None and following.text == "(":
            return self._function(name)
        return self._comparison(name)

    def _function(self, name: str) -> Filter:
        function = _FUNCTIONS[name]
        self._take("(")
        column = self._column(self._take(kind="name").text)
        self._take(",")
        part = comparable(read_literal(self._take(kind="string").text))
        self._take(")")
        return Filter(lambda row: function(str(comparable(row.get(column)) or ""), part))

    def _comparison(self, name: str) -> Filter:
        column = self._column(name)
        operator = self._take(kind="name").text
        compare = _COMPARISONS.get(operator)
        if compare is None:
            raise self._syntax_error()
        wanted = self._value()
        values = ((column, wanted),) if operator == "eq" and isinstance(wanted, str) else None
        return Filter(lambda row: compare(comparable(row.get(column)), wanted), values)

    def _value(self) -> Any:  # noqa: ANN401 any literal
        token = self._take()
        match token.kind:
            case "string" | "guid":
                return comparable(read_literal(token.text) if token.kind == "string" else token.text)
            case "number":
                return float(token.text)
            case "date":
                return comparable(token.text)
            case "name" if token.text in _CONSTANTS:
                return _CONSTANTS[token.text]
        raise self._syntax_error(token.at)

    def _column(self, name: str) -> str:
        known = name.removeprefix("_").removesuffix("_value") if name.endswith("_value") else name
        if known not in self._columns:
            raise refuse(400, UNKNOWN_SEGMENT, f"Could not find a property named '{name}' on type.")
        return known

    def _syntax_error(self, at: int | None = None) -> Exception:
        if at is None:
            token = self._peek()
            at = token.at if token else len(self._text)
        return refuse(400, UNKNOWN_SEGMENT, f"Syntax error at position {at} in '{self._text}'.")


def comparable(value: Any) -> Any:  # noqa: ANN401 whatever a column holds
    """A value as filters see it."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return float(value)
    return _comparable_text(value) if isinstance(value, str) else value


@lru_cache(maxsize=65_536)
def _comparable_text(value: str) -> Any:  # noqa: ANN401 a text or a moment
    """Filters look at the same texts again and again: every row for every condition."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d(T[\d:.]+Z)?", value):
        return _moment(value)
    return value.casefold()


def _moment(text: str) -> Any:  # noqa: ANN401 a moment, or the text where it is none
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return found if found.tzinfo else found.replace(tzinfo=UTC)
