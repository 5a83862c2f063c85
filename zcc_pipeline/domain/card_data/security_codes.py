"""Security codes: they have no check digit, so what counts is that somebody asks for one or names it."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from zcc_pipeline.domain.card_data.findings import Match, Rule
from zcc_pipeline.domain.card_data.numbers import Run, runs_between

NAMES = re.compile(
    r"\b(?:cvv2?|cvc2?|cvn|security code|card verification (?:code|value|number)|"
    r"(?:three|four|3|4)[ -](?:digit|digits)(?: (?:code|number))?(?: (?:on|at|from))? the (?:back|front|reverse)|"
    r"(?:code|number|digits) on the (?:back|reverse)|back of (?:the|your|my) card)\b(?! removed\])"
)
"""Words that ask for a security code or name one, in a ``plain`` text."""
_ANCHORS = (
    "cvv",
    "cvc",
    "cvn",
    "security code",
    "card verification",
    "the back",
    "the front",
    "the reverse",
    "back of",
)
"""Every name has one of them; looking for these is ten times as quick."""
_LONGEST_NAME = 48
SHORTEST_CODE = len("cvv 123")
"""Characters that a code takes with its name; most values of a document have fewer."""

_REACH = 80
"""Characters after the name within which the code follows in the same text."""
_BEFORE = 40
_LEADS_TO_NAME = re.compile(r"[\s,.:;\-]{0,3}(?:(?:is|was|as|for)\s)?(?:(?:the|my|your|a)\s)?\Z")
_SIZES = (3, 4)


def find_codes(small: str) -> list[Match]:
    """Codes beside their names in one ``plain`` text."""
    names = set(iter_names(small))
    return [code for start, end in sorted(names) if (code := _beside(small, start, end)) is not None] if names else []


def iter_names(small: str) -> Iterator[tuple[int, int]]:
    """Where a security code is named in a ``plain`` text; a place may come twice."""
    for anchor in _ANCHORS:
        at = small.find(anchor)
        while at >= 0:
            for name in NAMES.finditer(small, max(0, at - _LONGEST_NAME), at + _LONGEST_NAME):
                if name.start() <= at < name.end():
                    yield name.span()
            at = small.find(anchor, at + len(anchor))


def first_code(small: str, start: int, end: int) -> Match | None:
    """The first code between two places: 3 or 4 digits that stand alone."""
    return next((_match(run) for run in runs_between(small, start, end) if _is_code(small, run)), None)


def _beside(small: str, start: int, end: int) -> Match | None:
    # the run that reaches past the end is looked at whole, or the first digits of a phone number would be a code
    found = first_code(small, end, min(len(small), end + _REACH + 32))
    if found is not None and found.start <= end + _REACH:
        return found
    return _in_front(small, start)


def _in_front(small: str, start: int) -> Match | None:
    """``123 is the security code``."""
    runs: Iterator[Run] = runs_between(small, max(0, start - _BEFORE), start)
    last = next(iter(deque(runs, maxlen=1)), None)
    if last is None or not _is_code(small, last) or not _LEADS_TO_NAME.fullmatch(small, last.end, start):
        return None
    return _match(last)


def _match(run: Run) -> Match:
    return Match(run.start, run.end, Rule.SECURITY_CODE)


def _is_code(small: str, run: Run) -> bool:
    if len(run.digits) not in _SIZES:
        return False
    around = small[max(0, run.start - 1) : run.start] + small[run.end : run.end + 1]
    return not any(sign.isalnum() or sign in "/:$€£%+#" for sign in around)
