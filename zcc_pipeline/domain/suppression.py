"""Engagements that were erased and must not come back, known only by a keyed hash of their ids.

A plain hash of an id could be tried against a list of ids; this one only by whoever holds the key.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

import msgspec

KEY_BYTES = 32

_CHECK = b"check\0"
_ID = b"id\0"
_ID_FIELD = re.compile(rb'"((?:\w*_)?id)"\s*:\s*"((?:[^"\\]|\\.)*)"', re.ASCII)


class Suppressed(Protocol):
    """What was erased. Whoever is about to keep, fetch or hand on anything asks here; ``is_empty`` first, which is
    cheap, so that an installation that never erased anything pays nothing.

    Ids are those of engagements and of whatever else of them arrives under an id of its own: recordings, voicemails,
    files. All but ``is_empty`` raise ``ConfigurationError`` where something was erased and the key is lost or another.
    """

    def is_empty(self) -> bool:
        """Whether nothing was ever erased."""
        ...

    def filter(self, engagement_ids: Iterable[str]) -> frozenset[str]:
        """Those of the ids that were erased."""
        ...

    def snapshot(self) -> SuppressionList:
        """All of it as it is now; the same object as before where nothing was added, which costs one small query."""
        ...

    def add(self, engagement_ids: Iterable[str], *, now: datetime) -> None:
        """Never let these ids in again; adding one twice changes nothing."""
        ...


class KeyedHash:
    """HMAC-SHA-256 of ids under one key. Ids are compared byte by byte: case and Unicode form count."""

    def __init__(self, key: bytes) -> None:
        self._begun = hmac.new(key, _ID, hashlib.sha256)  # beginning anew for each id would take three times as long

    def of(self, any_id: str) -> bytes:
        """32 bytes."""
        digest = self._begun.copy()
        digest.update(any_id.encode("utf-8", "surrogatepass"))
        return digest.digest()


def key_check(key: bytes) -> str:
    """Tells this key from any other without giving it away, and is the hash of no id."""
    return hmac.digest(key, _CHECK, hashlib.sha256).hex()


class SuppressionList:
    """All that was erased as of one moment, in memory (about 100 bytes an id), for looking at many records quickly.

    It is false where nothing was erased, and whoever looks at records asks that first.
    """

    __slots__ = ("_hash", "_hashes")

    def __init__(self, key: bytes = b"", hashes: frozenset[bytes] = frozenset()) -> None:
        self._hash, self._hashes = KeyedHash(key), hashes

    def __len__(self) -> int:
        return len(self._hashes)

    def __contains__(self, any_id: str | None) -> bool:
        return bool(self._hashes) and any_id is not None and self._hash.of(any_id) in self._hashes

    def names(self, engagement_id: str | None, record_id: str | None) -> bool:
        """Whether a record is of an erased engagement: by that engagement's id, and where it names none by its own."""
        return (engagement_id or record_id) in self

    def is_named_in(self, document: bytes) -> bool:
        """Whether JSON, even cut or damaged, is of an erased engagement: by the engagements it names, else any id."""
        if not self._hashes:
            return False
        ids = [(match[1], _text(match[2])) for match in _ID_FIELD.finditer(document)]
        engagements = [value for name, value in ids if name == b"engagement_id"]
        return any(value in self for value in engagements or [value for _, value in ids])

    def is_about(self, engagement_id: str | None, document: bytes) -> bool:
        """Whether an event is of an erased engagement: by the one it is known to be of, else by the ids in its body."""
        return engagement_id in self if engagement_id else self.is_named_in(document)


def _text(literal: bytes) -> str:
    """What a JSON string literal says; where it is none, its bytes as they are."""
    try:
        return msgspec.json.decode(b'"' + literal + b'"', type=str)
    except msgspec.MsgspecError:
        return literal.decode("utf-8", "replace")
