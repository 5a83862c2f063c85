"""Reads SOQL, strictly: what Salesforce would not parse is refused, so that a value that was pasted into a query
unescaped shows as an error or as a different query, never as luck.

Grammar (https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select.htm),
as far as integrations of this kind use it::

    SELECT field, … FROM object [WHERE condition] [ORDER BY field [ASC|DESC], …] [LIMIT n] [OFFSET n]
    condition: comparison | NOT condition | ( condition ) | condition AND … | condition OR …
    comparison: field (= != < <= > >= LIKE) literal | field [NOT] IN ( literal, … )
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NoReturn

from zcc_pipeline.simulator.crm.salesforce.errors import refuse

LONGEST_QUERY = 100_000
LONGEST_LITERAL = 4_000

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\\r\n]|\\.)*')
    | (?P<moment>\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))?)
    | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*(?:\(\))?)
    | (?P<sign><=|>=|!=|<>|[=<>(),])
    )""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPES = {
    "n": "\n", "N": "\n", "r": "\r", "R": "\r", "t": "\t", "T": "\t", "b": "\b", "B": "\b", "f": "\f", "F": "\f",
    '"': '"', "'": "'", "\\": "\\", "_": "\\_", "%": "\\%",
}  # fmt: skip
_OPERATORS = frozenset({"=", "!=", "<>", "<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class Comparison:
    """``operator`` is one of = != < <= > >= like in; ``is_negated`` for NOT IN."""

    field: str
    operator: str
    values: tuple[Any, ...]
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Combined:
    """``how`` is and, or, not."""

    how: str
    parts: tuple[Condition, ...]


Condition = Comparison | Combined


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT."""

    fields: tuple[str, ...]
    object: str
    where: Condition | None = None
    order: tuple[tuple[str, bool], ...] = ()
    """Field and whether descending."""
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def malformed(message: str) -> NoReturn:
    """HTTP 400, MALFORMED_QUERY."""
    raise refuse(400, "MALFORMED_QUERY", message)


def parse(text: str) -> Query:
    """A query; refused with MALFORMED_QUERY where Salesforce would."""
    if len(text) > LONGEST_QUERY:
        raise refuse(400, "QUERY_TOO_COMPLICATED", "SOQL statements cannot be longer than 100000 characters.")
    return _Parser(list(_tokens(text))).query()


def comparisons(condition: Condition | None) -> Iterator[Comparison]:
    """All comparisons of a condition."""
    if isinstance(condition, Comparison):
        yield condition
    elif condition is not None:
        for part in condition.parts:
            yield from comparisons(part)


def _tokens(text: str) -> Iterator[_Token]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at, end)
        if found is None:
            malformed(f"line 1:{at} no viable alternative at character {text[at:].lstrip()[:1]!r}")
        yield _Token(found.lastgroup or "", found[found.lastgroup or 0], found.start(found.lastgroup or 0))
        at = found.end()


def _text_of(token: _Token, *, is_pattern: bool) -> str:
    def put(found: re.Match[str]) -> str:
        escaped = found[1]
        if len(escaped) == 5:
            return chr(int(escaped[1:], 16))
        if escaped not in _ESCAPES:
            malformed(f"Illegal escape sequence \\{escaped}")
        return escaped if escaped in "_%" and not is_pattern else _ESCAPES[escaped]

    value = _ESCAPE.sub(put, token.text[1:-1])
    if len(value) > LONGEST_LITERAL:
        malformed("string literal is too long")
    return value


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def query(self) -> Query:
        self._expect("SELECT")
        fields = [self._name()]
        while self._takes(","):
            fields.append(self._name())
        self._expect("FROM")
        source = self._name()
        where = self._condition() if self._takes("WHERE") else None
        order = self._order() if self._takes("ORDER") else ()
        limit = self._whole() if self._takes("LIMIT") else None
        offset = self._whole() if self._takes("OFFSET") else 0
        if self._at < len(self._tokens):
            self._unexpected()
        return Query(tuple(fields), source, where, order, limit, offset)

    def _order(self) -> tuple[tuple[str, bool], ...]:
        self._expect("BY")
        found = []
        while True:
            name, is_descending = self._name(), False
            if self._takes("DESC"):
                is_descending = True
            else:
                self._takes("ASC")
            found.append((name, is_descending))
            if not self._takes(","):
                return tuple(found)

    def _condition(self) -> Condition:
        """AND and OR side by side need parentheses, as in Salesforce."""
        parts = [self._single()]
        how = ""
        while (word := self._word()) in {"AND", "OR"}:
            if how and how != word:
                self._unexpected()
            how = word
            self._at += 1
            parts.append(self._single())
        return Combined(how.lower(), tuple(parts)) if how else parts[0]

    def _single(self) -> Condition:
        if self._takes("NOT"):
            return Combined("not", (self._single(),))
        if self._takes("("):
            inner = self._condition()
            self._expect(")")
            return inner
        field = self._name()
        if self._takes("NOT"):
            self._expect("IN")
            return Comparison(field, "in", self._list(), is_negated=True)
        if self._takes("IN"):
            return Comparison(field, "in", self._list())
        if self._takes("LIKE"):
            return Comparison(field, "like", (self._literal(is_pattern=True),))
        sign = self._next()
        if sign.kind != "sign" or sign.text not in _OPERATORS:
            self._at -= 1
            self._unexpected()
        return Comparison(field, {"<>": "!="}.get(sign.text, sign.text), (self._literal(),))

    def _list(self) -> tuple[Any, ...]:
        self._expect("(")
        values = [self._literal()]
        while self._takes(","):
            values.append(self._literal())
        self._expect(")")
        return tuple(values)

    def _literal(self, *, is_pattern: bool = False) -> Any:  # noqa: ANN401 JSON
        token = self._next()
        if token.kind == "string":
            return _text_of(token, is_pattern=is_pattern)
        if token.kind == "number":
            return float(token.text)
        if token.kind == "moment":
            kind = datetime if "T" in token.text else date
            return kind.fromisoformat(token.text)
        words = {"true": True, "false": False, "null": None}
        if token.text.lower() not in words:
            self._at -= 1
            self._unexpected()
        return words[token.text.lower()]

    def _whole(self) -> int:
        token = self._next()
        if token.kind != "number" or not token.text.isdigit():
            self._at -= 1
            self._unexpected()
        return int(token.text)

    def _name(self) -> str:
        token = self._next()
        if token.kind != "name":
            self._at -= 1
            self._unexpected()
        return token.text

    def _word(self) -> str:
        if self._at >= len(self._tokens):
            return ""
        token = self._tokens[self._at]
        return token.text.upper() if token.kind in {"name", "sign"} else ""

    def _takes(self, word: str) -> bool:
        if self._word() != word:
            return False
        self._at += 1
        return True

    def _expect(self, word: str) -> None:
        if not self._takes(word):
            self._unexpected()

    def _next(self) -> _Token:
        if self._at >= len(self._tokens):
            malformed("unexpected token: '<EOF>'")
        self._at += 1
        return self._tokens[self._at - 1]

    def _unexpected(self) -> NoReturn:
        if self._at >= len(self._tokens):
            malformed("unexpected token: '<EOF>'")
        token = self._tokens[self._at]
        malformed(f"ERROR at Row:1:Column:{token.at + 1} unexpected token: '{token.text[:40]}'")
