"""What the intakes need to know of the inbox: one call to keep an event, one for health, one for notes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from zcc_pipeline.domain.errors import ConfigurationError, TransientError
from zcc_pipeline.domain.events import PushedEvent

SETTING = "ZCC_INBOX_URL"
PURPOSE = "where received events are kept: a SQLite file, or PostgreSQL when several hosts receive"
EXAMPLE = "postgresql://zcc@db.example.com/zcc"


class InboxUnavailable(TransientError):
    """The event was not kept and must not be acknowledged: the sender may try again later."""


class InboxOwned(ConfigurationError):
    """Another process receives into this inbox; the message names it."""

    def __init__(self, problem: str) -> None:
        super().__init__(SETTING, problem, purpose=PURPOSE, example=EXAMPLE)


class Put(NamedTuple):
    """An event that is durably kept, now or since an earlier delivery."""

    seq: int | None
    """Place in the order of arrival; ``None`` for a duplicate, which makes no row."""
    is_duplicate: bool


@dataclass(frozen=True, slots=True)
class InboxHealth:
    """A moment of the inbox, for ``/readyz`` and for metrics; asking costs microseconds."""

    is_alive: bool
    """The writer runs; ``False`` after ``close`` as well."""
    waiting: int
    """Events that were put and are not synced yet."""
    last_commit_at: datetime | None
    """``None`` until the first one; old means idle unless ``last_error`` says otherwise."""
    last_error: str | None
    """Class name of why the last write failed; ``None`` again as soon as a write succeeds. While it is set the writer
    tries once a second, so it clears without a put: traffic may be held back until then."""
    free_bytes: int | None
    """Free space where the SQLite file lies; ``None`` for PostgreSQL or where it cannot be read."""


class EventSink(Protocol):
    """The inbox as an intake sees it."""

    async def put(self, event: PushedEvent) -> Put:
        """Keep the event; returns once it is synced to disk. Raises ``InboxUnavailable``: do not acknowledge."""
        ...

    def health(self) -> InboxHealth:
        """How it is doing now."""
        ...

    def note(self, name: str, at: datetime) -> None:
        """Remember when something last happened that is no event (``challenge``). Best effort, never waits or fails."""
        ...
