"""Search queries and look-ups, built so that no value can become a part of the query.

Zendesk's search syntax documents no way to escape a quotation mark inside a phrase, and ``*`` is a wildcard within one:
a value that holds such a character is not searched for at all, which is the same as finding nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from zcc_pipeline.exports.phones import digits, national_digits

_ADDRESS = re.compile(r"[^\s\"\\*:<>()\[\],;@\x00-\x1f\x7f]+@[^\s\"\\*:<>()\[\],;@\x00-\x1f\x7f]+")
_SHORTEST_NATIONAL = 6
"""Below that a leading wildcard would match half of the world."""

VALUES_PER_QUERY = (100, 20)
"""Values of one property in one search: how long it may be is not documented, so the larger number is tried first."""

IDS_PER_LOOKUP = 100
LONGEST_ID_LIST = 3_500
"""Characters of a comma-separated list in an address."""


def can_be_searched(email: str) -> bool:
    """Whether an address holds nothing that means something to the search."""
    return len(email) <= 254 and _ADDRESS.fullmatch(email) is not None


def email_query(emails: Iterable[str]) -> str:
    """Users who have one of these addresses; all of them must be searchable."""
    return "type:user " + " ".join(f'email:"{email}"' for email in emails)


def phone_query(phones: Iterable[str]) -> str:
    """End users with one of these numbers, however it is spelled: digits only, no plus, a wildcard in front."""
    return "type:user role:end-user " + " ".join(f"phone:*{searched_digits(phone)}" for phone in phones)


def searched_digits(phone: str) -> str:
    """What all spellings of an E.164 number end with; of a short number all of its digits."""
    national = national_digits(phone)
    return national if len(national) >= _SHORTEST_NATIONAL else digits(phone)


def lists_of(values: Iterable[str], *, most: int = IDS_PER_LOOKUP, longest: int = LONGEST_ID_LIST) -> list[list[str]]:
    """Parts of at most ``most`` values and ``longest`` characters; values that hold a comma stand alone."""
    lists: list[list[str]] = []
    current: list[str] = []
    for each in values:
        if "," in each:
            lists.append([each])
            continue
        if current and (len(current) == most or sum(len(one) + 1 for one in current) + len(each) > longest):
            lists.append(current)
            current = []
        current.append(each)
    return [*lists, current] if current else lists


def custom_field_query(field_id: str, values: Iterable[str]) -> str:
    """Tickets with one of these values in a custom field."""
    return "type:ticket " + " ".join(f'custom_field_{field_id}:"{value}"' for value in values)


def is_plain_value(value: str) -> bool:
    """Whether a value may stand in a phrase."""
    return bool(value) and not re.search(r"[\"\\*\x00-\x1f]", value)
