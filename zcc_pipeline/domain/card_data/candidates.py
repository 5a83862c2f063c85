"""Which of many JSON documents are to be read for card data, found without reading them one by one.

One regular expression over all of them at once (RE2, 200 to 700 MB/s) takes whatever any spelling of a card number or
any name of a security code could be; what it leaves out cannot hold one. It reads the bytes as they stand, so it knows
JSON's escapes, and it is looser than the scan in every way: gaps of any length, words without their borders, digits of
unknown value.

A run of 13 digits either is of digits alone, or it has number words; a word stands for three digits at most, so then it
has five pieces. A number said over several turns of a list is in no one place: documents with such lists are counted.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from zcc_pipeline.domain.card_data.documents import MACHINE_NAME, MESSAGE_KEYS
from zcc_pipeline.domain.card_data.numbers import FILLERS, NUMBER_WORDS
from zcc_pipeline.domain.card_data.security_codes import NAMES

_FEW_BYTES = 16_000
"""Reading these takes less time than compiling the expression."""
_FEW_ROWS = 16
_SHORTEST_RUN, _FEWEST_PIECES, _DIGITS_OF_A_WORD = 13, 5, 3
_ESCAPE = "\\u"
_BACKSLASH, _U, _LAST_ASCII = ord("\\"), ord("u"), 0x7F
_NO_LETTER_CODES = 0x20000
"""No script has its digits beyond."""

_SEPARATOR = r"[\x00-\x20\-.,_\\]|\\[nrtf]"
_ANY_SEPARATOR = rf"{_SEPARATOR}|[^\x00-\x7f]|\\u[0-9a-f]{{4}}"
_ESCAPED_TEXT = r"\\u(?:00(?:2[0d]|3[0-9]|[46][1-9a-f]|[57][0-9a])|212a)"
"""Letters, digits, blanks and dashes that nobody has to escape: who does so is read."""
_TURN_KEY = rf'"(?:{"|".join(sorted(MESSAGE_KEYS))})"'
_MACHINE_VALUE = (
    rf'([^\\])"(?:[A-Za-z_]{{0,32}}_)?(?:{MACHINE_NAME})"\s*:\s*'
    rf'(?:"[^"\\]*"|-?[0-9][0-9.eE+\-]*)'
)
"""A value that the scan passes over as well, where its name and itself have no escapes."""
_TURN = re.compile(rf'{_TURN_KEY}\s*:\s*"((?:[^"\\]|\\.)*)"', re.DOTALL)
_WORD = re.compile("|".join(NUMBER_WORDS))


def candidate_rows(documents: pa.StringArray) -> list[int]:
    """Rows that are to be read with ``scan_document``, in order; all others hold no card data."""
    if documents.nbytes < _FEW_BYTES:
        return list(range(len(documents)))
    is_plain = _is_plain(documents)
    found = _where(documents, _pattern(is_plain=is_plain, turns=True))
    rows: list[int] = found.to_pylist()
    if len(rows) <= _FEW_ROWS:
        return rows
    # ids and addresses are often long numbers, and many records are lists of named values
    held = pc.take(documents, found)
    texts = pc.replace_substring_regex(held, _MACHINE_VALUE, r"\1 ")
    near = frozenset(_where(texts, _pattern(is_plain=is_plain, turns=False)).to_pylist())
    return [row for at, row in enumerate(rows) if at in near or not _is_harmless(held[at].as_py(), texts[at].as_py())]


def _is_plain(documents: pa.StringArray) -> bool:
    """Whether all is ASCII without escaped characters. NumPy lets other threads run meanwhile, ``bytes`` would not."""
    held = np.frombuffer(documents.buffers()[2], np.uint8)
    if held.max(initial=0) > _LAST_ASCII:
        return False
    is_escape = held == _BACKSLASH
    return not (is_escape.any() and (is_escape[:-1] & (held[1:] == _U)).any())


def _where(documents: pa.StringArray, pattern: str) -> pa.Array:
    return pc.indices_nonzero(pc.match_substring_regex(documents, pattern, ignore_case=True))


@cache
def _pattern(*, is_plain: bool, turns: bool) -> str:
    digit, first, gap = "[0-9]", "[2-6]", _SEPARATOR
    if not is_plain:
        others = _other_digits()
        digit, first, gap = f"(?:[0-9]|{others})", f"(?:[2-6]|{others})", _ANY_SEPARATOR
    gaps = f"(?:{gap}|{FILLERS})*"
    word = f"(?:{'|'.join(NUMBER_WORDS)})"
    piece = f"(?:{digit}|{word})"
    parts = [f"{first}(?:{gaps}{digit}){{{_SHORTEST_RUN - 1}}}"]
    parts += [
        f"(?:{digit}{gaps}){{{digits}}}{word}(?:{gaps}{piece}){{{_FEWEST_PIECES - 1 - digits}}}"
        for digits in range(_FEWEST_PIECES)
    ]
    parts.append(NAMES.pattern.replace(r"\b", "").replace(r"(?! removed\])", ""))
    if turns:
        parts.append(f"{_TURN_KEY}(?s:.*){_TURN_KEY}")
    if not is_plain:
        parts.append(_ESCAPED_TEXT)
    return "|".join(parts)


@cache
def _other_digits() -> str:
    """Digits of other scripts, as they are and escaped; any pair of escapes beyond the first plane counts as one."""
    codes = [code for code in range(128, _NO_LETTER_CODES) if chr(code).isdecimal()]
    last_places: dict[str, str] = defaultdict(str)
    for code in codes:
        if code < 0x10000:
            last_places[f"{code:04x}"[:3]] += f"{code:x}"[-1]
    escaped = "|".join(f"{start}[{ends}]" for start, ends in last_places.items())
    letters = "".join(f"\\x{{{code:x}}}" for code in codes)
    return rf"[{letters}]|\\u(?:{escaped})|\\ud8[0-9a-f]{{2}}\\ud[c-f][0-9a-f]{{2}}"


def _is_harmless(document: str, without_ids: str) -> bool:
    """Whether the texts of its lists have too few digits for a number over several of them, taken together."""
    try:
        msgspec.json.decode(document)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return False  # where no values end, none can be told apart
    said = " ".join(_TURN.findall(without_ids)).lower()
    if not said.isascii() or _ESCAPE in said:
        return False
    digits = sum(map(said.count, "0123456789"))
    return digits + _DIGITS_OF_A_WORD * len(_WORD.findall(said)) < _SHORTEST_RUN
