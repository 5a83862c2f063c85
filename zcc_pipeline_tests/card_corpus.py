"""A generated corpus of texts with card data and of texts that only look like it; the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
TEENS = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen"),
    *("fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
FILLERS = (" um ", ", ", " and ", " okay ", " then ", ". ")
SENTENCES = (
    "Thank you for calling Northwind, my name is Alex.",
    "The parcel was damaged when it came, so I would like another one.",
    "It should reach you by Thursday, at the latest on the 14th.",
    "Is there anything else I can do for you?",
    "I moved in 2019 and paid 49.90 a month since then.",
)
NETWORKS = (
    *(("4", 16),) * 4,
    *(("51", 16), ("55", 16), ("2221", 16), ("2720", 16), ("34", 15), ("37", 15)),
    *(("6011", 16), ("644", 16), ("65", 16), ("3528", 16), ("3589", 16)),
    *(("300", 14), ("36", 14), ("38", 14), ("62", 16), ("62", 19), ("5018", 16), ("6759", 18)),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One text: how it was made, and the number in it where it holds card data."""

    kind: str
    text: str
    is_card: bool


def luhn(digits: str) -> int:
    """The check digit for these digits; written down apart from the scanner's own."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * 2 if place % 2 == 0 else int(digit)
        total += doubled - 9 if doubled > 9 else doubled
    return -total % 10


def card(rng: random.Random) -> str:
    """A number that a network could have given out."""
    prefix, length = rng.choice(NETWORKS)
    body = prefix + "".join(rng.choices("0123456789", k=length - len(prefix) - 1))
    return body + str(luhn(body))


def grouped(digits: str, separator: str) -> str:
    """As printed on the card."""
    sizes = {15: (4, 6, 5), 14: (4, 6, 4)}.get(len(digits), (4, 4, 4, 4, 4))
    parts, at = [], 0
    for size in sizes:
        parts.append(digits[at : at + size])
        at += size
    return separator.join(part for part in parts if part)


def spoken(digits: str, rng: random.Random) -> str:
    """Digit by digit, with what people say in between."""
    words = [rng.choice(("oh", "zero")) if digit == "0" else UNITS[int(digit)] for digit in digits]
    said = words[0]
    for number, word in enumerate(words[1:], 1):
        said += (rng.choice(FILLERS) if number % 4 == 0 else " ") + word
    return said


def in_pairs(digits: str, _rng: random.Random) -> str:
    """``forty one eleven``: two digits at a time."""
    return ", ".join(_pair(digits[at : at + 2]) for at in range(0, len(digits), 2))


def _pair(pair: str) -> str:
    if len(pair) == 1 or pair[0] == "0":
        return " ".join(UNITS[int(digit)] for digit in pair)
    if pair[0] == "1":
        return TEENS[int(pair[1])]
    return TENS[int(pair[0])] + (f"-{UNITS[int(pair[1])]}" if pair[1] != "0" else "")


def doubled(digits: str, _rng: random.Random) -> str:
    """``double four``, ``triple zero``."""
    said, at = [], 0
    while at < len(digits):
        size = next((n for n in (3, 2) if digits[at : at + n] == digits[at] * n), 1)
        word = UNITS[int(digits[at])]
        said.append({1: word, 2: f"double {word}", 3: f"triple {word}"}[size])
        at += size
    return " ".join(said)


def _other_script(digits: str, rng: random.Random) -> str:
    zero = ord(rng.choice("٠०০０"))
    return grouped("".join(chr(zero + int(digit)) for digit in digits), " ")


SPELLINGS: dict[str, Callable[[str, random.Random], str]] = {
    "plain": lambda digits, _: digits,
    "spaces": lambda digits, _: grouped(digits, " "),
    "dashes": lambda digits, _: grouped(digits, "-"),
    "dots": lambda digits, _: grouped(digits, "."),
    "commas": lambda digits, _: grouped(digits, ", "),
    "typographic": lambda digits, rng: grouped(digits, rng.choice("\u2013\u00a0\u2011")),
    "single digits": lambda digits, _: " ".join(digits),
    "other scripts": _other_script,
    "spoken": spoken,
    "spoken in pairs": in_pairs,
    "spoken with doubles": doubled,
    "half spoken": lambda digits, rng: f"{grouped(digits[:8], ' ')} {spoken(digits[8:], rng)}",
    "after a zip code": lambda digits, _: f"90210 {grouped(digits, ' ')}",
    "glued to a zip code": lambda digits, _: f"card number 90210{digits}",
}


def _number(rng: random.Random, length: int) -> str:
    return str(rng.randint(1, 9)) + "".join(rng.choices("0123456789", k=length - 1))


def _valid_elsewhere(rng: random.Random) -> str:
    """A right check digit, a length of cards, and a prefix that no network has."""
    body = rng.choice(("1", "7", "8", "9", "01", "35060")) + "".join(rng.choices("0123456789", k=13))
    body = body[:14] if body.startswith("35") else body[:15]
    return body + str(luhn(body))


def _iban(rng: random.Random) -> str:
    account = "".join(rng.choices("0123456789", k=18))
    check = 98 - int(account + "131400") % 97
    whole = f"DE{check:02}{account}"
    return " ".join(whole[at : at + 4] for at in range(0, len(whole), 4))


def _off_by_one(digits: str) -> str:
    return digits[:-1] + str((int(digits[-1]) + 1) % 10)


def _phone(rng: random.Random) -> str:
    area, office, line = rng.randint(200, 989), rng.randint(200, 999), rng.randint(0, 9999)
    return rng.choice((f"+1 {area} {office} {line:04}", f"({area}) {office}-{line:04}", f"{area}-{office}-{line:04}"))


LOOK_ALIKES: dict[str, Callable[[random.Random], str]] = {
    "order numbers": lambda rng: f"order number {_number(rng, rng.randint(8, 12))}",
    "long order numbers": lambda rng: f"my order is {_number(rng, rng.randint(13, 18))}",
    "phone numbers": _phone,
    "two phone numbers": lambda rng: f"{_phone(rng)}, or {_phone(rng)}, {_phone(rng)}",
    "tracking numbers": lambda rng: f"it is 9400{_number(rng, 18)} or 1Z{_number(rng, 16)}",
    "IBANs": _iban,
    "times": lambda rng: f"20{_number(rng, 12)} and 2026-11-{rng.randint(10, 28)} 10:32:05.{rng.randint(100, 999)}",
    "zip codes": lambda rng: f"{rng.randint(10000, 99999)} {rng.randint(10000, 99999)}-{rng.randint(1000, 9999)}",
    "right check digit, no network": _valid_elsewhere,
    "wrong check digit": lambda rng: grouped(_off_by_one(card(rng)), " "),
    "spoken numbers": lambda rng: f"it's {spoken(_number(rng, rng.randint(6, 11)), rng)} thanks",
    "amounts": lambda rng: f"${rng.randint(1, 999):,}.{rng.randint(10, 99)} and {rng.randint(10**9, 10**13):,}",
    "ids": lambda rng: (
        f"{rng.getrandbits(128):032x} {rng.getrandbits(32):08x}-{rng.getrandbits(16):04x}-4000-8000-"
        f"{rng.randint(10**11, 10**12 - 1)}"
    ),
    "masked cards": lambda rng: f"card ending in {_number(rng, 4)}, 4111 11** **** {_number(rng, 4)}",
    "codes of other things": lambda rng: f"the code for the door is {_number(rng, 4)}, room {_number(rng, 3)}",
}


def corpus(seed: int = 20261122, each: int = 150) -> list[Sample]:
    """Texts of every kind, ``each`` of them, in everyday sentences."""
    rng = random.Random(seed)
    samples = []
    for kind, spell in SPELLINGS.items():
        samples += [Sample(kind, _said(spell(card(rng), rng), rng), is_card=True) for _ in range(each)]
    for kind, make in LOOK_ALIKES.items():
        samples += [Sample(kind, _said(make(rng), rng), is_card=False) for _ in range(each)]
    return samples


def _said(core: str, rng: random.Random) -> str:
    return f"{rng.choice(SENTENCES)} {rng.choice(('It is', 'Here:', 'So,'))} {core}. {rng.choice(SENTENCES)}"


PROSE = """thank you for calling northwind my name is alex how can i help you today i see that the order was sent on
monday and it should reach you by thursday could you tell me your postal code please yes of course the parcel was
damaged when it came so i would like a refund or another one sent to my address we are sorry about that let me look
into this for you it may take a moment is there anything else no that was all have a good day and goodbye"""


def clean_text(size: int, seed: int = 1) -> str:
    """Everyday text without card data, about ``size`` characters, with a number every hundred words."""
    rng = random.Random(seed)
    prose = PROSE.split()
    words = [rng.choice(prose) for _ in range(size // 5)]
    words[::100] = [str(rng.randint(10, 99999)) for _ in words[::100]]
    return " ".join(words)
