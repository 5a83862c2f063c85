"""The search syntax, as far as it matters: ``property:value``, phrases in quotes, a leading ``-``, wildcards.

Values of the same property widen a search, different properties narrow it. A ``+`` in front of a telephone number
finds nothing, since only digits are indexed; other spellings are found by a leading ``*``
(https://developer.zendesk.com/documentation/voice/talk-partner-edition/, read November 2026).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from fnmatch import fnmatchcase

from zcc_pipeline.simulator.crm.zendesk.people import User

_TERM = re.compile(r'(-?)(?:(\w+)(:|<|>))?("[^"]*"|\S+)')


class Query:
    """One query, taken apart."""

    def __init__(self, text: str, *, widens: bool = True) -> None:
        self._widens = widens
        self.wanted: dict[str, list[str]] = defaultdict(list)
        self.unwanted: dict[str, list[str]] = defaultdict(list)
        self.words: list[str] = []
        for minus, name, _, value in _TERM.findall(text):
            plain = value.strip('"').lower()
            if name:
                (self.unwanted if minus else self.wanted)[name.lower()].append(plain)
            elif plain:
                self.words.append(plain)

    @property
    def kinds(self) -> list[str]:
        """``type:`` keywords; none means everything."""
        return self.wanted.get("type", [])

    def users(self, users: Iterable[User]) -> list[User]:
        """Those who fit."""
        if self.kinds and "user" not in self.kinds:
            return []
        return [user for user in users if self._fits(user)]

    def _fits(self, user: User) -> bool:
        known = {
            "role": [user.role],
            "email": [each.lower() for each in (user.email, *user.other_emails) if each],
            "phone": [re.sub(r"\D", "", user.phone)] if user.phone else [],
            "name": [user.name.lower()],
            "external_id": [user.external_id.lower()] if user.external_id else [],
        }
        for name, values in self.wanted.items():
            groups = [values] if self._widens else [[value] for value in values]
            if name != "type" and not all(_any(known.get(name, []), group) for group in groups):
                return False
        if any(_any(known.get(name, []), values) for name, values in self.unwanted.items()):
            return False
        text = " ".join(value for values in known.values() for value in values)
        return all(word in text for word in self.words)


def _any(known: list[str], patterns: list[str]) -> bool:
    return any(fnmatchcase(value, pattern.replace("[", "[[]")) for value in known for pattern in patterns)
