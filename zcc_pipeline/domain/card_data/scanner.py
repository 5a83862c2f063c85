"""Card data in one text: every 13 to 19 digits of a run that can be a card number, and codes that follow their name.

A prefix, a length and a check digit let one number in fifty through that is none. So where a window is only a part of a
longer run, the groups have to be those of a card, or words nearby have to speak of one. A number that proves to be
something else (an IBAN with its own check digits, a UUID, a part of a longer word) is passed over.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator

from zcc_pipeline.domain.card_data.findings import Match, Rule, merged, replaced
from zcc_pipeline.domain.card_data.networks import SHORTEST, CheckDigits, lengths_for
from zcc_pipeline.domain.card_data.numbers import Group, Run, iter_runs, plain, sizes
from zcc_pipeline.domain.card_data.security_codes import SHORTEST_CODE, find_codes

Speaks = Callable[[int, int], bool]
"""Whether what stands around a place speaks of cards."""

_BEFORE, _AFTER = 160, 48
"""Characters around a number in which words may speak of cards."""
_CONTEXT = re.compile(
    r"\b(?:(?:credit|debit)\b|cards?\b(?! number removed\])|visa\b|master ?card\b|amex\b|american express\b"
    r"|discover card\b|diners\b|maestro\b|union ?pay\b|cv[vc]2?\b|expir[a-z]{1,4}\b|exp\b)"
)
_CARD_LAYOUTS = frozenset({(4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 3, 3, 3)})
_WORD_BEFORE = re.compile(r"[a-z0-9]{1,32}\Z")
_WORD_AFTER = re.compile(r"[a-z0-9]{1,32}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_IBAN = re.compile(r"(?<![a-z0-9])[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?(?![a-z0-9])")
_ROUNDS = 8


def scan_text(text: str) -> list[Match]:
    """Places of card numbers and security codes, sorted, without overlap."""
    if len(text) < SHORTEST_CODE:
        return []
    small = plain(text)
    return scan_plain(small, speaks=lambda start, end: speaks_of_cards(small, start, end))


def redact_text(text: str) -> str:
    """The text with words in place of the digits; scanning it finds nothing any more."""
    for _ in range(_ROUNDS):
        matches = scan_text(text)
        if not matches:
            return text
        text = replaced(text, matches)
    return without_long_runs(text)


def scan_plain(small: str, *, speaks: Speaks) -> list[Match]:
    """``scan_text`` for a text that is ``plain`` already."""
    cards = [match for run in iter_runs(small) if len(run.digits) >= SHORTEST for match in _cards(small, run, speaks)]
    cards = merged(cards)
    return merged([*cards, *(code for code in find_codes(small) if not _touches(cards, code))])


def speaks_of_cards(small: str, start: int, end: int) -> bool:
    """Whether words near a place of a ``plain`` text are those that people use for cards."""
    return (
        _CONTEXT.search(small, max(0, start - _BEFORE), start) is not None
        or _CONTEXT.search(small, end, min(len(small), end + _AFTER)) is not None
    )


def without_long_runs(text: str) -> str:
    """The text without any run that is long enough for a card number, whatever it is: the last resort."""
    matches = [
        Match(run.start, run.end, Rule.CARD_NUMBER) for run in iter_runs(plain(text)) if len(run.digits) >= SHORTEST
    ]
    return replaced(text, matches)


def _touches(cards: list[Match], code: Match) -> bool:
    at = bisect_left(cards, code.end, key=lambda card: card.end)
    return any(card.start < code.end and code.start < card.end for card in cards[max(0, at - 1) : at + 1])


def _cards(small: str, run: Run, speaks: Speaks) -> Iterator[Match]:
    digits, checks = run.digits, CheckDigits(run.digits)
    owner: list[int] = []
    offsets: list[int] = []
    for number, group in enumerate(run.groups):
        offsets.append(len(owner))
        owner += [number] * len(group.digits)
    for start in range(len(digits) - SHORTEST + 1):
        for length in lengths_for(digits[start : start + 4]):
            end = start + length
            if end > len(digits) or not checks.are_right(start, end):
                continue
            first, last = owner[start], owner[end - 1]
            is_whole = start == offsets[first] and end == offsets[last] + len(run.groups[last].digits)
            match = Match(
                _place(run.groups[first], start - offsets[first]),
                _place(run.groups[last], end - 1 - offsets[last], is_end=True),
                Rule.CARD_NUMBER,
            )
            if _is_card(small, run, first, last, match, is_whole=is_whole, speaks=speaks):
                yield match


def _place(group: Group, offset: int, *, is_end: bool = False) -> int:
    """Where a digit of a group stands in the text; a spoken group is taken whole."""
    if group.is_spoken:
        return group.end if is_end else group.start
    return group.start + offset + is_end


def _is_card(small: str, run: Run, first: int, last: int, match: Match, *, is_whole: bool, speaks: Speaks) -> bool:
    """Whether digits with the numbers of a card are written or spoken of like one."""
    if small[max(0, match.start - 1) : match.start] == "+" or _is_something_else(small, match):
        return False
    if is_whole and _looks_like_card(run, run.groups[first : last + 1], small):
        return True
    return speaks(match.start, match.end)


def _looks_like_card(run: Run, groups: list[Group], small: str) -> bool:
    layout = sizes(groups)
    if sum(layout) == SHORTEST and len(layout) > 1 and layout not in _CARD_LAYOUTS:
        return False  # no network gives out numbers of 13 digits today, and phone numbers with a country code have them
    if len(groups) == len(run.groups):
        return not _has_thousands(groups, small)
    if sum(group.is_spoken for group in groups) * 2 > len(groups):
        return True
    return (len(set(layout[:-1])) <= 1 and layout[-1] <= layout[0] and layout[0] in {1, 2, 4}) or (
        layout in _CARD_LAYOUTS or len(layout) == 1
    )


def _has_thousands(groups: list[Group], small: str) -> bool:
    """``4,111,111,111,111``: an amount."""
    return (
        len(groups) > 1
        and len(groups[0].digits) <= 3
        and all(len(group.digits) == 3 for group in groups[1:])
        and all(small[group.start - 1] in ",." for group in groups[1:])
    )


def _is_something_else(small: str, match: Match) -> bool:
    before = _WORD_BEFORE.search(small, max(0, match.start - 32), match.start)
    after = _WORD_AFTER.match(small, match.end, min(len(small), match.end + 32))
    for word in (before, after):
        letters = "" if word is None else word[0].strip("0123456789")
        if word is not None and letters and any(letter.isdigit() for letter in word[0]):
            return True  # a part of a word of letters and digits
    start, end = max(0, match.start - 48), min(len(small), match.end + 48)
    around = [*_UUID.finditer(small, start, end), *_IBAN.finditer(small, start, end)]
    return any(
        found.start() <= match.start and match.end <= found.end() and ("-" in found[0] or _is_iban(found[0]))
        for found in around
    )


def _is_iban(text: str) -> bool:
    """Whether its own two check digits are right (ISO 13616: modulo 97)."""
    packed = text.replace(" ", "")
    return 15 <= len(packed) <= 34 and int("".join(str(int(sign, 36)) for sign in packed[4:] + packed[:4])) % 97 == 1
