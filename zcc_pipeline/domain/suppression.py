"""Engagements that were erased and must not come back, known only by a keyed hash of their ids.

A plain hash of an id could be tried against a list of ids; this one only by whoever holds the key.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

KEY_BYTES = 32

_CHECK = b"check\0"
_ID = b"id\0"


class Suppressed(Protocol):
    """What was erased. Whoever is about to keep, fetch or hand on anything asks here; ``is_empty`` first, which is
    cheap, so that an installation that never erased anything pays nothing.

    Ids are those of engagements and of whatever else of them arrives under an id of its own: recordings, voicemails,
    files. All but ``is_empty`` raise ``ConfigurationError`` where something was erased and the key is lost or another.
    """

    def is_empty(self) -> bool:
        """Whether nothing was ever erased."""
        ...

    def is_suppressed(self, engagement_id: str) -> bool:
        """Whether this id was erased."""
        ...

    def filter(self, engagement_ids: Iterable[str]) -> frozenset[str]:
        """Those of the ids that were erased."""
        ...

    def add(self, engagement_ids: Iterable[str], *, now: datetime) -> None:
        """Never let these ids in again; adding one twice changes nothing."""
        ...


def suppression_hash(key: bytes, any_id: str) -> str:
    """HMAC-SHA-256 of an id, in hexadecimal. Ids are compared byte by byte: case and Unicode form count."""
    return hmac.digest(key, _ID + any_id.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


def key_check(key: bytes) -> str:
    """Tells this key from any other without giving it away, and is the hash of no id."""
    return hmac.digest(key, _CHECK, hashlib.sha256).hex()
