"""Who has been found so far, by the e-mail addresses and phones that were asked for. Nobody else is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from zcc_pipeline.exports.destination import Customer, CustomerKeys
from zcc_pipeline.exports.phones import digits, is_same, spellings

PHONE_FIELDS = ("Phone", "MobilePhone")
_TELLING_DIGITS = 6
"""A number and any spelling of it end with the same ones."""


class FoundPeople:
    """People of several kinds (``sources``), the first kind that has anybody going before the others."""

    def __init__(self, wanted: Iterable[CustomerKeys], sources: Sequence[str]) -> None:
        self._sources = sources
        self._spellings: dict[str, tuple[str, ...]] = {}
        self._by_email: dict[tuple[str, str], dict[str, Customer]] = {}
        self._by_phone: dict[tuple[str, str], dict[str, Customer]] = {}
        self._emails: set[str] = set()
        self._typed: dict[str, set[str]] = defaultdict(set)
        self._by_end: dict[str, set[str]] = defaultdict(set)
        for keys in wanted:
            if keys.email:
                self._emails.add(keys.email.casefold())
            if keys.phone and keys.phone not in self._spellings:
                self._enter(keys.phone)

    def values(self, wanted: Iterable[CustomerKeys], *, emails: bool, phones: bool) -> Mapping[str, Iterable[str]]:
        """What to ask for, by field."""
        keys = list(wanted)
        typed = [text for each in keys if phones and each.phone for text in self._spellings[each.phone]]
        return {
            "Email": [each.email for each in keys if emails and each.email],
            **dict.fromkeys(PHONE_FIELDS, typed),
        }

    def add_asked_for(self, source: str, record: Mapping[str, Any]) -> None:
        """Somebody who was found by address or by the spelling of a number."""
        self._add(source, record, lambda typed: self._typed.get(typed.casefold(), ()))

    def add_if_wanted(self, source: str, record: Mapping[str, Any]) -> None:
        """Anybody; kept where address or number, however it was typed, is one of those asked for."""
        self._add(source, record, self._meant_by)

    def of(self, keys: CustomerKeys, *, with_phone: bool = True) -> list[Customer]:
        """Of the first kind of people among whom there is anybody."""
        return next(filter(None, self._candidates(keys, with_phone=with_phone)), [])

    def _enter(self, phone: str) -> None:
        self._spellings[phone] = spellings(phone)
        self._by_end[digits(phone)[-_TELLING_DIGITS:]].add(phone)
        for text in self._spellings[phone]:
            self._typed[text.casefold()].add(phone)

    def _meant_by(self, typed: str) -> Iterable[str]:
        near = self._by_end.get(digits(typed)[-_TELLING_DIGITS:], ())
        return [phone for phone in near if is_same(phone, typed)]

    def _add(self, source: str, record: Mapping[str, Any], meant_by: Callable[[str], Iterable[str]]) -> None:
        customer = Customer(source, str(record["Id"]))
        email = record.get("Email")
        if isinstance(email, str) and email.strip().casefold() in self._emails:
            self._by_email.setdefault((source, email.strip().casefold()), {})[customer.id] = customer
        for name in PHONE_FIELDS:
            typed = record.get(name)
            for phone in meant_by(typed.strip()) if isinstance(typed, str) else ():
                self._by_phone.setdefault((source, phone), {})[customer.id] = customer

    def _candidates(self, keys: CustomerKeys, *, with_phone: bool) -> Iterator[list[Customer]]:
        if keys.email:
            for source in self._sources:
                yield list(self._by_email.get((source, keys.email.casefold()), {}).values())
        if keys.phone and with_phone:
            for source in self._sources:
                yield list(self._by_phone.get((source, keys.phone), {}).values())
