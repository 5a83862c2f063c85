"""The search syntax, as far as it matters: ``property:value``, phrases in quotes, a leading ``-``, wildcards.

Values of the same property widen a search, different properties narrow it. A ``+`` in front of a telephone number
finds nothing, since only digits are indexed; other spellings are found by a leading ``*``
(https://developer.zendesk.com/documentation/voice/talk-partner-edition/, read November 2026).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from zcc_pipeline.simulator.crm.zendesk.people import User
from zcc_pipeline.simulator.crm.zendesk.tickets import Ticket

_TERM = re.compile(r'(-?)(?:(\w+)(:|<|>))?("[^"]*"|\S+)')


class Query:
    """One query, taken apart."""

    def __init__(self, text: str, *, widens: bool = True) -> None:
        self.wanted: dict[str, list[str]] = defaultdict(list)
        self.unwanted: dict[str, list[str]] = defaultdict(list)
        self.words: list[str] = []
        for minus, name, _, value in _TERM.findall(text):
            plain = value.strip('"').lower()
            if name:
                (self.unwanted if minus else self.wanted)[name.lower()].append(plain)
            elif plain:
                self.words.append(plain)
        self._needed = [
            (name, _Patterns(group))
            for name, values in self.wanted.items()
            if name != "type"
            for group in ([values] if widens else [[value] for value in values])
        ]
        self._barred = [(name, _Patterns(values)) for name, values in self.unwanted.items()]

    @property
    def kinds(self) -> list[str]:
        """``type:`` keywords; none means everything."""
        return self.wanted.get("type", [])

    def users(self, users: Iterable[User]) -> list[User]:
        """Those who fit."""
        if self.kinds and "user" not in self.kinds:
            return []
        return [user for user in users if self._fits(user)]

    def tickets(self, tickets: Iterable[Ticket]) -> list[Ticket]:
        """Those that fit; a phrase is found anywhere in a custom field."""
        if "ticket" not in self.kinds:
            return []
        return [ticket for ticket in tickets if self._holds(_known_of(ticket))]

    def _fits(self, user: User) -> bool:
        return self._holds(_known_of_user(user))

    def _holds(self, known: dict[str, list[str]]) -> bool:
        if not all(patterns.fit(known.get(name, ())) for name, patterns in self._needed):
            return False
        if any(patterns.fit(known.get(name, ())) for name, patterns in self._barred):
            return False
        text = " ".join(value for values in known.values() for value in values) if self.words else ""
        return all(word in text for word in self.words)


def _known_of_user(user: User) -> dict[str, list[str]]:
    return {
        "role": [user.role],
        "email": [each.lower() for each in (user.email, *user.other_emails) if each],
        "phone": [re.sub(r"\D", "", user.phone)] if user.phone else [],
        "name": [user.name.lower()],
        "external_id": [user.external_id.lower()] if user.external_id else [],
    }


def _known_of(ticket: Ticket) -> dict[str, list[str]]:
    known = {f"custom_field_{key}": [str(value).lower()] for key, value in ticket.custom_fields.items()}
    words = {name: [word for text in texts for word in (text, *text.split())] for name, texts in known.items()}
    return words | {"external_id": [ticket.external_id.lower()] if ticket.external_id else []}


class _Patterns:
    """Several values of one property, ready to be held against thousands of records."""

    def __init__(self, patterns: Iterable[str]) -> None:
        given = list(patterns)
        self._plain = {each for each in given if "*" not in each}
        self._ends = tuple(each[1:] for each in given if each.startswith("*") and "*" not in each[1:])
        others = [each for each in given if "*" in each and each[1:] not in self._ends]
        self._others = [re.compile(".*".join(map(re.escape, each.split("*")))) for each in others]

    def fit(self, known: Iterable[str]) -> bool:
        return any(
            value in self._plain
            or value.endswith(self._ends)
            or any(each.fullmatch(value) is not None for each in self._others)
            for value in known
        )
