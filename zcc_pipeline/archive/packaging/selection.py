"""Which engagements go into a package, decided from the archive alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers

from zcc_pipeline.archive.naming import engagement_id_of
from zcc_pipeline.archive.ocfl import ObjectStore
from zcc_pipeline.domain.errors import NotFound
from zcc_pipeline.domain.window import day_of

_REACHED_UNDER = ("consumer_email", "consumer_number", "consumer_phone", "email", "phone", "phone_number")


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked for: named engagements, or those of a customer; days, both included, narrow it."""

    customer: str | None = field(default=None, repr=False)
    """E-mail address or phone number."""
    engagement_ids: frozenset[str] = frozenset()
    first: date | None = None
    last: date | None = None
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    phone_region: str | None = None
    """Country of numbers that are written without one."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """An object to hand over, and what its engagement says of itself."""

    object_id: str
    engagement_id: str
    engagement: dict[str, Any] = field(repr=False)

    def text(self, name: str) -> str:
        """A field of the engagement; empty where it has none."""
        value = self.engagement.get(name)
        return "" if value is None or isinstance(value, (dict, list)) else str(value)


def select(
    store: ObjectStore, selection: Selection, *, advance: Callable[[int], None] = lambda _objects: None
) -> Iterator[Chosen]:
    """Objects that fit, in the order in which they lie; each one's engagement is read."""
    wanted = None if selection.customer is None else _reached(selection.customer, selection.phone_region)
    for object_id in store.object_ids():
        advance(1)
        engagement_id = engagement_id_of(object_id) or object_id
        if selection.engagement_ids and engagement_id not in selection.engagement_ids:
            continue
        engagement = read_engagement(store, object_id)
        if wanted is not None and wanted not in _customers(engagement, selection.phone_region):
            continue
        if _is_within(engagement, selection):
            yield Chosen(object_id, engagement_id, engagement)


def read_engagement(store: ObjectStore, object_id: str) -> dict[str, Any]:
    """What its archived records say together: the list's own record last, because it has what was true at the end."""
    head = store.head(object_id)
    found: dict[str, Any] = {}
    names = [path for path in (head.state if head else {}) if path.startswith("engagement") and path.endswith(".json")]
    for path in sorted(names, reverse=True):
        try:
            with store.open(object_id, path) as stream:
                content = json.loads(stream.read())
        except (ValueError, NotFound):
            continue
        if isinstance(content, dict):
            found |= {name: value for name, value in content.items() if value not in (None, "", [])}
    return found


def _customers(engagement: dict[str, Any], region: str | None) -> set[str]:
    consumers = engagement.get("consumers")
    people = [engagement, *(consumers if isinstance(consumers, list) else [])]
    return {
        _reached(str(person[name]), region)
        for person in people
        if isinstance(person, dict)
        for name in _REACHED_UNDER
        if person.get(name)
    }


def _reached(text: str, region: str | None) -> str:
    """An address or number in the one way in which it is compared."""
    if "@" in text:
        return text.strip().casefold()
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return "".join(each for each in text if each.isdecimal())
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _is_within(engagement: dict[str, Any], selection: Selection) -> bool:
    if selection.first is None and selection.last is None:
        return True
    try:
        started = datetime.fromisoformat(str(engagement.get("start_time")))
        day = day_of(started, selection.timezone)
    except ValueError:  # without a time it cannot be ruled out: better one too many for whoever looks through them
        return True
    return (selection.first or date.min) <= day <= (selection.last or date.max)
