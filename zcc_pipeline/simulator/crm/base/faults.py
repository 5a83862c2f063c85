"""What goes wrong on purpose. Everything counts from the moment at which the faults were set."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """All of them off unless told. Writes are calls of routes that write, counted from 1."""

    refuse_share: float = 0.0
    """Of all records this share is refused for good, chosen by their key: the same ones every time."""
    refuse_keys: Sequence[str] = ()
    """Keys of records that are refused."""
    refuse_where: str = ""
    """Records whose content holds this text are refused."""
    storm_429: int = 0
    """So many calls in a row are too many."""
    retry_after_seconds: float = 0.0
    """What the answers to a storm say, where the CRM says it."""
    fail_5xx: int = 0
    """So many calls in a row get a 503, and nothing was done."""
    daily_cap: int | None = None
    """Calls that are left today."""
    token_dies_after: int | None = None
    """A token is revoked after so many calls with it."""
    timeout_after_commit: Sequence[int] = ()
    """Writes that are carried out and never answered."""
    timeout_before_commit: Sequence[int] = ()
    """Writes that are neither carried out nor answered."""
    silence: Literal["reset", "hang"] = "reset"
    """How an answer fails to come: the connection breaks, or nothing happens until the caller gives up."""
    hold_write: int | None = None
    """This write and all later ones wait until released; whether they were carried out before says ``hold_when``."""
    hold_when: Literal["before", "after"] = "before"
    latency_ms: float = 0.0
    """Waited before each call."""

    def refuses(self, key: str, content: str = "") -> bool:
        """Whether the record of this key, with this content, is refused."""
        if key in self.refuse_keys or (self.refuse_where and self.refuse_where in content):
            return True
        return bool(self.refuse_share) and _share_of(key) < self.refuse_share


def _share_of(key: str) -> float:
    digest = hashlib.blake2b(key.encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / 2**56
