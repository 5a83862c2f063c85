"""What the writer asks of a database; all of it is called from the writer thread, one call at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.domain.events import PushedEvent
from zcc_pipeline.inbox.contract import EXAMPLE, PURPOSE, SETTING

COLUMNS = ("dedupe_key", "intake", "received_at", "event", "event_ts", "account_id", "engagement_id", "body")
"""Of a row, beside ``seq``, in the order in which both databases take and give them."""

Row = tuple[Any, ...]
"""Values of ``COLUMNS``."""

SCHEMA_VERSION = 1
FORGOTTEN_AT_ONCE = 1_000
"""Keys in one transaction of ``forget``."""


def check_version(version: int) -> None:
    """``ConfigurationError`` for an inbox that this version does not understand."""
    if version > SCHEMA_VERSION:
        problem = f"was written by a newer version of zcc-pipeline (schema {version})"
        raise ConfigurationError(SETTING, problem, purpose=PURPOSE, example=EXAMPLE)


class Storage(Protocol):
    """An opened inbox. Everything that writes is synced to disk when it returns.

    Raises ``InboxUnavailable`` where the database cannot do it now; the next call tries again, with a new connection
    where the old one may be broken. Whatever else is raised is the fault of the rows handed in.
    """

    def to_row(self, event: PushedEvent) -> Row:
        """The event as this database takes it, in the order of ``COLUMNS``; called in the caller's thread."""
        ...

    def insert(self, rows: Sequence[Row]) -> list[int | None]:
        """Keep them; the number of each, ``None`` for what was there before (also earlier in the same batch)."""
        ...

    def remove(self, seqs: Sequence[int], remember_after: datetime) -> int:
        """Remove rows and remember the keys of those received since; how many were there."""
        ...

    def forget(self, before: datetime) -> int:
        """Forget keys of removed rows received before, at most ``FORGOTTEN_AT_ONCE``; how many."""
        ...

    def scrub(self) -> bool:
        """Write the table anew without the bytes of removed rows; ``False`` where a reader keeps that from being
        done to the end. Puts wait meanwhile."""
        ...

    def write_notes(self, notes: Mapping[str, datetime]) -> None:
        """Remember when things last happened; an earlier moment never replaces a later one."""
        ...

    def probe(self) -> None:
        """The smallest write there is: does it work again?"""
        ...

    def free_bytes(self) -> int | None:
        """Free space, where that can be known; may be called from any thread."""
        ...

    def close(self) -> None:
        """Checkpoint, close, give the lock back."""
        ...
