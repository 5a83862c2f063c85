"""What a scan tells: which rule, and where. The digits themselves are never part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """What was found."""

    CARD_NUMBER = "card_number"
    SECURITY_CODE = "security_code"


REMOVED: Mapping[Rule, str] = {
    Rule.CARD_NUMBER: "[card number removed]",
    Rule.SECURITY_CODE: "[security code removed]",
}
"""What stands in a redacted text instead of the digits."""


@dataclass(frozen=True, slots=True, order=True)
class Match:
    """A place in one text; ``start`` and ``end`` count characters, the end is outside."""

    start: int
    end: int
    rule: Rule


def merged(matches: Sequence[Match]) -> list[Match]:
    """Sorted, and those that overlap made one: the same digits may end two windows."""
    kept: list[Match] = []
    for match in sorted(matches):
        if kept and match.start < kept[-1].end:
            last = kept[-1]
            kept[-1] = Match(last.start, max(last.end, match.end), last.rule)
        else:
            kept.append(match)
    return kept


def replaced(text: str, matches: Sequence[Match]) -> str:
    """The text with words in place of the digits; ``matches`` are sorted and do not overlap."""
    pieces, at = [], 0
    for match in matches:
        pieces += [text[at : match.start], REMOVED[match.rule]]
        at = match.end
    return "".join([*pieces, text[at:]])
