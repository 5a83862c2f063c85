"""Phone numbers as people type them into CRMs, where the field is free text.

A CRM is asked for the spellings that are likely; whether a number that it hands back is really the one looked for,
``is_same`` decides, so that a look-up that is too wide (``LIKE``, a search) links nobody to the wrong person.
"""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat

_NO_DIGITS = re.compile(r"[^0-9]", re.ASCII)
_PLAIN = re.compile(r"[\x00-@\[-`{-\x7f]*", re.ASCII)
_GLANCE = 3
"""Last digits compared: fewer than any number has behind its country code."""
_FORMATS = (PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL)


def spellings(e164: str) -> tuple[str, ...]:
    """The ways in which a number is likely to be written, the likeliest first, each once, ``e164`` among them.

    Made of digits, spaces and ``+ - ( ) . /`` only.
    """
    number = _parsed(e164)
    if number is None:
        return tuple(text for text in (e164, digits(e164)) if _is_harmless(text))
    found = [e164, digits(e164), f"00{digits(e164)}"]
    for form in _FORMATS:
        text = phonenumbers.format_number(number, form)
        found += [text, digits(text), text.replace("-", " "), text.replace(" ", "-")]
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    if number.country_code == 1:  # North America writes the same number in three more ways
        area, rest = digits(national)[:3], digits(national)[3:]
        found += [f"{area}-{rest[:3]}-{rest[3:]}", f"{area}.{rest[:3]}.{rest[3:]}", f"1{area}{rest}"]
    return tuple(text for text in dict.fromkeys(found) if _is_harmless(text))


def digits(text: str) -> str:
    """Only the digits: ``+49 (30) 12`` gives ``493012``."""
    return _NO_DIGITS.sub("", text)


def national_digits(e164: str) -> str:
    """The digits behind the country code, without a trunk prefix: what every spelling of the number ends with."""
    number = _parsed(e164)
    return phonenumbers.national_significant_number(number) if number is not None else digits(e164)


def is_same(e164: str, typed: str | None) -> bool:
    """Whether a number typed by hand is this one; without a country code it is read as one of the same country.

    A national spelling fits a number of any country, so it counts only where a whole number was typed.
    """
    if not typed or _ends_otherwise(e164, typed):
        return False
    number = _parsed(e164)
    if number is None:
        return digits(typed) == digits(e164)
    region = phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(
        number.country_code or 0
    )
    for text in (typed, f"+{digits(typed)}"):
        try:
            found = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        if found.extension is None and _identity(found) == _identity(number):
            return True
    return False


def _ends_otherwise(e164: str, typed: str) -> bool:
    """Whether a glance is enough: a search finds many, and parsing each is what takes the time.

    Letters may stand for digits or an extension, and other scripts have digits of their own: those are parsed.
    """
    return _PLAIN.fullmatch(typed) is not None and not digits(e164).endswith(digits(typed)[-_GLANCE:])


@lru_cache(maxsize=1024)
def _parsed(e164: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return None


def _identity(number: PhoneNumber) -> tuple[int | None, str]:
    return number.country_code, phonenumbers.national_significant_number(number)


def _is_harmless(text: str) -> bool:
    return re.fullmatch(r"[0-9 +\-()./]+", text, flags=re.ASCII) is not None
