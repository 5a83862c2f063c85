"""OData as text: literals, filters and addresses that nobody can break out of; and ids that follow from names.

https://docs.oasis-open.org/odata/odata/v4.01/os/part2-url-conventions: a single quote inside a string literal is
doubled; then the whole is percent-encoded.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from urllib.parse import quote

_NAMESPACE = uuid.UUID("0b6f1b7c-7d4c-5b43-8a5e-52a4f6b0c1de")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_UNFIT_FOR_A_KEY = frozenset("/<>*%&:\\?+")
"""A row whose alternate key holds one of these cannot be addressed by it (define-alternate-keys-entity)."""


def literal(text: str) -> str:
    """A string literal."""
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def equals(column: str, value: str) -> str:
    """``column eq 'value'``; ``ValueError`` where the column's name is none."""
    return f"{name(column)} eq {literal(value)}"


def any_of(tests: Iterable[str]) -> str:
    """One of them holds; in brackets, so that it can stand beside others."""
    return f"({' or '.join(tests)})"


def name(text: str) -> str:
    """A column or set as it may stand in a query; ``ValueError`` where it could be more than that."""
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} is no name of a column or table")
    return text


def query(options: Mapping[str, str]) -> str:
    """``?$select=…&$filter=…``, encoded: a ``+`` is sent as such and a space is none."""
    return "?" + "&".join(f"{key}={quote(value, safe='(),')}" for key, value in options.items())


def fits_key(value: str) -> bool:
    """Whether a row can be addressed by an alternate key with this value."""
    return bool(value) and value.isprintable() and not _UNFIT_FOR_A_KEY & set(value)


def by_key(column: str, value: str) -> str:
    """What stands between the brackets of an address: ``column='value'``, not encoded yet."""
    return f"{name(column)}={literal(value)}"


def address(entity_set: str, predicate: str) -> str:
    """``set(predicate)``, encoded: for a URL, and as the value of ``@odata.id`` and ``@odata.bind``."""
    inside = quote(predicate, safe="=',")
    return f"{name(entity_set)}({inside})"


def is_guid(text: str) -> bool:
    """Whether this is an id."""
    return _GUID.fullmatch(text) is not None


def row_id(engagement_id: str) -> str:
    """The primary key of an engagement's row, where no alternate key serves: the same every time."""
    return str(uuid.uuid5(_NAMESPACE, f"engagement:{engagement_id}"))


def note_id(engagement_id: str, key: str) -> str:
    """The primary key of a note or file: whoever sends it twice writes the same one."""
    return str(uuid.uuid5(_NAMESPACE, f"note:{engagement_id}:{key}"))


def contact_id(email: str | None, phone: str | None) -> str:
    """The primary key of a contact that we make."""
    return str(uuid.uuid5(_NAMESPACE, f"contact:{email or ''}:{phone or ''}"))
