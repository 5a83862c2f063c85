"""Digits as people write and say them: runs of groups, with the place of each group in the text.

Digits of all scripts count, and English number words; between two groups may stand what separates digits in writing
and what people say in between. Every pattern is bounded, so that a text takes time in proportion to its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_UNIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEEN_WORDS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS_WORDS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_UNITS = {word: str(number) for number, word in enumerate(_UNIT_WORDS)} | {
    "oh": "0",
    "o": "0",
    "nought": "0",
    "naught": "0",
    "niner": "9",
}
_TEENS = {word: str(number) for number, word in enumerate(_TEEN_WORDS, 10)}
_TENS = {word: str(number) for number, word in enumerate(_TENS_WORDS, 2)} | {"fourty": "4"}
_REPEATS = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
_ZEROS = {"hundred": "00", "thousand": "000"}
NUMBER_WORDS = sorted({**_UNITS, **_TEENS, **_TENS, **_REPEATS, **_ZEROS}, key=len, reverse=True)

_TOKEN = re.compile(rf"\d+|(?<![^\W\d_])(?:{'|'.join(NUMBER_WORDS)})(?![^\W\d_])")
FILLERS = "and|then|um+|uh+|er+m?|ah|eh|hm+|okay|ok|so|yeah|yes|dash|hyphen|space|dot|comma|point|again|next"
_SEPARATOR = r"\s\-.,·•‐-―_\u00ad\u200b-\u200d\u2060\ufeff"
_GAP = re.compile(rf"[{_SEPARATOR}]*(?:(?:{FILLERS})[{_SEPARATOR}]+)*")
_TENS_AND_UNITS = re.compile(r"[\s\-]{1,3}")
_LONGEST_GAP = 32
_NEIGHBOURS = re.compile(
    rf"\d{{13}}|(?:\d|{'|'.join(NUMBER_WORDS)})[{_SEPARATOR}]{{1,31}}(?:(?:{FILLERS})[{_SEPARATOR}]{{1,9}}){{0,6}}(?:\d|{'|'.join(NUMBER_WORDS)})"
)
"""What every number that is written or said in pieces has: two of them side by side."""
_FOREIGN_DIGIT = re.compile(r"[^\D0-9]")

_CHUNK = 160
"""Characters in which digits are counted; three chunks hold any number that is read out."""
_ENOUGH = 13
"""Digits of the shortest card number; no word says more of them than it has letters."""
_MARGIN = 96
"""Characters around two numbers side by side in which a third may be: the longest gap and the longest word."""
_COUNTED = (
    *("zero", "one", "two", "hree", "four", "five", "six", "even", "eigh", "nine"),
    *("ten", "elve", "teen", "ty", "ought", "triple", "treble", "quadruple", "hundred", "thousand", " oh ", " o "),
)
"""Parts that every number word has one of: each pass over the text costs, so ``even`` stands for two of them."""


@dataclass(slots=True)
class Group:
    """Digits that are written or said together."""

    start: int
    end: int
    digits: str
    is_spoken: bool


@dataclass(slots=True)
class Run:
    """Groups with nothing but separators and fillers between them."""

    groups: list[Group]
    digits: str = field(init=False)

    def __post_init__(self) -> None:
        self.digits = "".join(group.digits for group in self.groups)

    @property
    def start(self) -> int:
        """Of the first group."""
        return self.groups[0].start

    @property
    def end(self) -> int:
        """Behind the last group."""
        return self.groups[-1].end


def plain(text: str) -> str:
    """The text in small letters and with the digits of all scripts as 0 to 9, of the same length."""
    if text.isascii():
        return text.lower()
    lowered = text.lower()
    if len(lowered) != len(text):  # a letter whose small form is two characters
        lowered = "".join([low if len(low := letter.lower()) == 1 else letter for letter in text])
    return _FOREIGN_DIGIT.sub(lambda found: str(int(found[0])), lowered)


def iter_runs(text: str) -> Iterator[Run]:
    """All runs of a ``plain`` text, in order; those with too few digits for a card number may be missing."""
    for start, end in _dense_parts(text):
        yield from runs_between(text, start, end)


def runs_between(text: str, start: int, end: int) -> Iterator[Run]:
    """All runs of a part of a ``plain`` text."""
    groups: list[Group] = []
    for group in _groups(text, start, end):
        if groups and not _belongs(text, groups[-1].end, group.start):
            yield Run(groups)
            groups = []
        groups.append(group)
    if groups:
        yield Run(groups)


def _dense_parts(text: str) -> list[tuple[int, int]]:
    """Parts in which a number can be: enough digits and number words, and two of them side by side.

    Counting takes a third of the time of looking at each word, and nearly all text has too few.
    """
    if len(text) < _ENOUGH:
        return []
    weights = [_weight(text[at : at + _CHUNK]) for at in range(0, len(text), _CHUNK)]
    parts: list[tuple[int, int]] = []
    for number in range(max(1, len(weights) - 2)):
        if sum(weights[number : number + 3]) >= _ENOUGH:
            _extend(parts, number * _CHUNK, min(len(text), (number + 3) * _CHUNK))
    near: list[tuple[int, int]] = []
    for start, end in parts:
        for found in _NEIGHBOURS.finditer(text, start, end):
            _extend(near, max(0, found.start() - _MARGIN), min(len(text), found.end() + _MARGIN))
    return near


def _extend(parts: list[tuple[int, int]], start: int, end: int) -> None:
    """Append a part, or make the last one longer where they touch."""
    if parts and start <= parts[-1][1]:
        parts[-1] = (parts[-1][0], max(end, parts[-1][1]))
    else:
        parts.append((start, end))


def _weight(text: str) -> int:
    """About how many digits the text can have, never too few: a word counts for two."""
    raw = text.encode("ascii", "replace")
    return len(raw) - len(raw.translate(None, b"0123456789")) + 2 * sum(map(text.count, _COUNTED))


def _belongs(text: str, start: int, end: int) -> bool:
    if end - start <= 1 or end - start > _LONGEST_GAP:
        return end - start <= 1 and (start == end or _GAP.fullmatch(text, start, end) is not None)
    return _GAP.fullmatch(text, start, end) is not None


def _groups(text: str, start: int, end: int) -> Iterator[Group]:
    """Tokens made digits: ``forty two`` is 42, ``double four`` 44, ``four hundred`` 400."""
    pending: Group | None = None
    repeat: tuple[int, int, int] | None = None
    for found in _TOKEN.finditer(text, start, end):
        word, at, behind = found[0], found.start(), found.end()
        if word in _REPEATS:
            repeat = (_REPEATS[word], at, behind)
            continue
        if pending is not None and word in _ZEROS and _belongs(text, pending.end, at):
            pending = Group(pending.start, behind, pending.digits + _ZEROS[word], is_spoken=True)
            continue
        group = _group(word, at, behind)
        if group is None:
            continue
        if repeat is not None and len(group.digits) == 1 and _belongs(text, repeat[2], at):
            group = Group(repeat[1], behind, group.digits * repeat[0], is_spoken=True)
        repeat = None
        if pending is not None and _completes(text, pending, word, at):
            pending = Group(pending.start, behind, pending.digits[0] + group.digits, is_spoken=True)
            continue
        if pending is not None:
            yield pending
        pending = group
    if pending is not None:
        yield pending


def _group(word: str, start: int, end: int) -> Group | None:
    if word[0].isdigit():
        return Group(start, end, word, is_spoken=False)
    digits = _UNITS.get(word) or _TEENS.get(word) or (_TENS[word] + "0" if word in _TENS else None)
    return None if digits is None else Group(start, end, digits, is_spoken=True)


def _completes(text: str, pending: Group, word: str, at: int) -> bool:
    """Whether ``word`` is the ``two`` of ``forty two``."""
    return (
        word in _UNITS
        and _UNITS[word] != "0"
        and pending.is_spoken
        and len(pending.digits) == 2
        and text[pending.start : pending.end] in _TENS
        and _TENS_AND_UNITS.fullmatch(text, pending.end, at) is not None
    )


def sizes(groups: Sequence[Group]) -> tuple[int, ...]:
    """How many digits each group has."""
    return tuple(len(group.digits) for group in groups)
