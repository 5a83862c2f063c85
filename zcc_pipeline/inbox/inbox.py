"""The inbox as its one owner sees it: ``put`` returns when the event is on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.events import PushedEvent
from zcc_pipeline.inbox.contract import InboxHealth, Put


class Inbox:
    """The owner's side of the inbox; see ``EventSink`` for what the intakes use of it.

    On SQLite one process at a time owns an inbox (a lock file beside it, released by the kernel however the process
    ends). In PostgreSQL one process per host does, so several hosts may receive into the same inbox.
    """

    @classmethod
    def open(
        cls,
        url: str,
        *,
        clock: Clock,
        max_waiting: int = 10_000,
        max_wait_seconds: float = 2.0,
        batch: int = 500,
        host: str | None = None,
        new_id: Callable[[datetime], str] | None = None,
    ) -> Self:
        """Open, creating where needed, and become the owner.

        ``url`` is a path, ``sqlite:///…`` or ``postgresql://…``. ``host`` names this machine where several share a
        PostgreSQL (its own name by default); ``new_id`` makes the id of a new inbox (a ULID by default).
        Raises ``ConfigurationError`` for a wrong URL, ``InboxOwned`` where another process is the owner, and
        ``InboxUnavailable`` where the database cannot be opened now.
        """
        raise NotImplementedError

    async def put(self, event: PushedEvent) -> Put:
        """Keep the event; returns once it is synced. To be called from one event loop.

        Raises ``InboxUnavailable`` where ``max_waiting`` events wait already, where it is not synced within
        ``max_wait_seconds``, where the disk is full or the database broken, and after ``close``. It may then be on disk
        or not: the same event put again is a duplicate if it is.
        """
        raise NotImplementedError

    def health(self) -> InboxHealth:
        """How it is doing now; never waits."""
        raise NotImplementedError

    def note(self, name: str, at: datetime) -> None:
        """Remember when something last happened that is no event; written soon, best effort, never waits or fails."""
        raise NotImplementedError

    def prune(self, *, applied: Callable[[Sequence[int]], set[int]], before: datetime, batch: int = 1000) -> int:
        """Remove rows that are applied and were received before that moment; returns how many.

        Blocks its caller (not the writer) while it works: call it with ``asyncio.to_thread``. ``applied`` is asked in
        that thread, for ``batch`` numbers at a time. A number is never given twice, and the dedupe key of a removed
        row is remembered until 30 days after it was received. Raises ``InboxUnavailable`` like ``put``.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Take nothing more, write what waits, checkpoint, close and give the lock back. May be called twice."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
