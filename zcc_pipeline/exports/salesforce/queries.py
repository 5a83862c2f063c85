"""SOQL: how a value becomes part of a query without becoming part of its grammar, and how long a query may be.

https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_quotedstringescapes.htm
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote

from zcc_pipeline.domain.errors import PermanentError

LONGEST_ADDRESS = 14_000
"""Bytes of an escaped query. An address may have 16,384 in all; above, Salesforce answers 414."""

_ESCAPES = {
    "\\": "\\\\",
    "'": "\\'",
    '"': '\\"',
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}
_ESCAPE_TABLE = str.maketrans(_ESCAPES)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}", re.ASCII)


def literal(value: str) -> str:
    """A text as SOQL has it, quotes and all. Whatever it holds, it stays one text: that a query reads it back as the
    same text is shown by a parser of SOQL that shares no code with this."""
    return f"'{value.translate(_ESCAPE_TABLE)}'"


def name(text: str) -> str:
    """An object's or a field's name, which cannot be escaped and therefore has to be one; ``PermanentError``."""
    if not _NAME.fullmatch(text):
        raise PermanentError("an object or field name of the mapping is none")
    return text


def is_name(text: str) -> bool:
    """Whether Salesforce could have an object or field of that name."""
    return _NAME.fullmatch(text) is not None


def select(columns: Sequence[str], source: str, where: str) -> str:
    """One SELECT. ``columns`` may lead through relationships (``ContentDocument.Title``); no condition asks for all."""
    for column in columns:
        for part in column.split("."):
            name(part)
    condition = f" WHERE {where}" if where else ""
    return f"SELECT {', '.join(columns)} FROM {name(source)}{condition}"


def any_of(wanted: Mapping[str, Iterable[str]], *, room: int = LONGEST_ADDRESS) -> Iterator[str]:
    """Conditions that together ask for every value of every field, each short enough for one query.

    ``Email IN (…) OR Phone IN (…)``; a field's values are spread over several where they do not fit into one.
    """
    parts: dict[str, list[str]] = {}
    used = 0
    for field, values in wanted.items():
        opening = len(quote(f"{name(field)} IN () OR ", safe=""))
        for value in dict.fromkeys(values):
            text = literal(value)
            cost = len(quote(f"{text}, ", safe=""))
            if used and used + cost + (opening if field not in parts else 0) > room:
                yield _joined(parts)
                parts, used = {}, 0
            used += cost + (opening if field not in parts else 0)
            parts.setdefault(field, []).append(text)
    if parts:
        yield _joined(parts)


def _joined(parts: Mapping[str, Sequence[str]]) -> str:
    return " OR ".join(f"{field} IN ({', '.join(values)})" for field, values in parts.items())
