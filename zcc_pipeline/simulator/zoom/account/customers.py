"""The customers, built when first met: they come back on several channels and spell their number in several ways."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from zcc_pipeline.simulator.zoom.account.chance import new_id, pick, stream
from zcc_pipeline.simulator.zoom.account.names import CUSTOMER_NAMES, FAMILY_FIRST, LANGUAGES

_AREAS = (
    201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228,
    229, 231, 234, 239, 240, 248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270, 276, 281, 301, 302,
    303, 304, 305, 307, 308, 309, 310, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321, 323, 325, 330,
    334, 336, 337, 352, 360, 361, 386, 401, 402, 404, 405, 406, 407, 408, 409, 410, 412, 413, 414, 415,
    417, 419, 423, 425, 432, 434, 435, 440, 443, 469, 478, 479, 480, 484, 501, 502, 503, 504, 505, 507,
)  # fmt: skip
_LINES = 100
_MOST = len(_AREAS) * _LINES
_HOUSEHOLD_EVERY = 29


@dataclass(frozen=True, slots=True)
class Customer:
    """One person. ``phone`` is national digits after +1; people of one household share it."""

    number: int
    name: str
    language: str
    email: str
    phone: str
    consumer_id: str

    @property
    def e164(self) -> str:
        """The number in its international form."""
        return "+1" + self.phone

    def spelled_phone(self, style: int) -> str:
        """The same number as different systems write it; style 0 to 4."""
        area, middle, line = self.phone[:3], self.phone[3:6], self.phone[6:]
        return (
            self.e164,
            f"({area}) {middle}-{line}",
            f"{area}-{middle}-{line}",
            f"+1 {area}-{middle}-{line}",
            f"1 {area} {middle} {line}",
        )[style]


class CustomerBook:
    """All customers of an account; how many there are follows from the load alone, not from the days."""

    def __init__(self, seed: int, engagements_per_day: int) -> None:
        self._seed = seed
        self._met: dict[int, Customer] = {}
        self.size = min(_MOST, max(60, 2 * engagements_per_day))

    def any_customer(self, rng: Random) -> Customer:
        """Somebody; a small part of the people makes a large part of the contacts."""
        return self.customer(int(rng.random() ** 2 * self.size))

    def customer(self, number: int) -> Customer:
        """The customer with this number."""
        known = self._met.get(number)
        if known is None:
            known = self._met[number] = self._meet(number)
        return known

    def _meet(self, number: int) -> Customer:
        rng = stream(self._seed, "customer", number)
        language = pick(rng, LANGUAGES)
        given, family = (pick(rng, names) for names in CUSTOMER_NAMES[language])
        name = family + given if language in FAMILY_FIRST else f"{given} {family}"
        host = pick(rng, ("example.com", "example.org", "example.net"))
        home = number - 1 if number % _HOUSEHOLD_EVERY == _HOUSEHOLD_EVERY - 1 else number
        area, line = divmod(home * 37 % _MOST, _LINES)
        return Customer(
            number, name, language, f"customer.{number}@{host}", f"{_AREAS[area]}55501{line:02d}", new_id(rng)
        )
