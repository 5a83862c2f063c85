"""Which digits a card number may begin with, how long it then is, and its check digit.

Prefixes and lengths as in ISO/IEC 7812 and the ranges that the networks publish: Visa 4; Mastercard 51-55 and
2221-2720; American Express 34 and 37; Discover 6011, 644-649 and 65; JCB 3528-3589; Diners Club 300-305, 3095, 36, 38
and 39; UnionPay 62; Maestro by its own ranges. The check digit alone lets one number in ten through.
"""

from __future__ import annotations

SHORTEST = 13

_MAESTRO = ("5018", "5020", "5038", "5893", "6304", "6759", "6761", "6762", "6763")
_LENGTHS_BY_PREFIX: dict[str, tuple[int, ...]] = {
    "4": (16, 19, 13),
    **{str(prefix): (16,) for prefix in range(51, 56)},
    **{str(prefix): (16,) for prefix in range(2221, 2721)},
    "34": (15,),
    "37": (15,),
    "6011": (16, 19),
    **{str(prefix): (16, 19) for prefix in range(644, 650)},
    "65": (16, 19),
    **{str(prefix): (16, 19) for prefix in range(3528, 3590)},
    **{str(prefix): (14, 16) for prefix in range(300, 306)},
    "3095": (14, 16),
    "36": (14, 16),
    "38": (14, 16),
    "39": (14, 16),
    "62": (16, 19, 17, 18),
    **dict.fromkeys(_MAESTRO, (16, 19, 18, 17, 15, 14, 13)),
}
_BY_FOUR: dict[str, tuple[int, ...]] = {
    four: lengths
    for number in range(10_000)
    for four in [f"{number:04}"]
    for size in (1, 2, 3, 4)
    if (lengths := _LENGTHS_BY_PREFIX.get(four[:size])) is not None
}
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def lengths_for(first_four: str) -> tuple[int, ...]:
    """Lengths of the cards that begin with these four digits, the usual one first; empty where no network has them."""
    return _BY_FOUR.get(first_four, ())


class CheckDigits:
    """Tells for any part of a run of digits whether its Luhn sum is right, in constant time after one pass."""

    def __init__(self, digits: str) -> None:
        self._single, self._double = [0, 0], [0, 0]
        for place, digit in enumerate(map(int, digits)):
            self._single.append(self._single[place] + digit)
            self._double.append(self._double[place] + _DOUBLED[digit])

    def are_right(self, start: int, end: int) -> bool:
        """Whether ``digits[start:end]``, at least two of them, end in their own check digit."""
        odd = (end - start) % 2
        single = self._single[end + 1] - self._single[start + 1 - odd]
        double = self._double[end] - self._double[start + odd]
        return (single + double) % 10 == 0
