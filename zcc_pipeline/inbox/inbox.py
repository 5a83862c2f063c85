"""The inbox as its one owner sees it: ``put`` returns when the event is on disk."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.events import PushedEvent
from zcc_pipeline.inbox.address import parse_inbox_url
from zcc_pipeline.inbox.contract import InboxHealth, InboxUnavailable, Put
from zcc_pipeline.inbox.reader import InboxReader
from zcc_pipeline.inbox.storage import FORGOTTEN_AT_ONCE, Storage
from zcc_pipeline.inbox.waiting import Waiting, WaitingRoom
from zcc_pipeline.inbox.writer import Writer

DEDUPE_DAYS = 30
"""The key of a removed row is remembered until this long after it was received."""

_CLOSE_TIMEOUT_SECONDS = 30.0
_REMOVED_AT_ONCE = 200
"""Rows in one transaction of ``prune``: puts wait for it, so it takes milliseconds."""


class Inbox:
    """The owner's side of the inbox; see ``EventSink`` for what the intakes use of it.

    On SQLite one process at a time owns an inbox (a lock file beside it, released by the kernel however the process
    ends). In PostgreSQL one process per host does, so several hosts may receive into the same inbox.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        open_reader: Callable[[], InboxReader],
        clock: Clock,
        max_waiting: int,
        max_wait_seconds: float,
        batch: int,
    ) -> None:
        """Use ``open``."""
        self._storage = storage
        self._open_reader = open_reader
        self._clock = clock
        self._max_waiting = max_waiting
        self._max_wait_seconds = max_wait_seconds
        self._waiting = WaitingRoom()
        self._writer = Writer(storage, self._waiting, clock=clock, batch=batch)
        self._sweep: asyncio.TimerHandle | None = None
        self._is_closing = False
        self._writer.start()

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
        target = parse_inbox_url(url)
        host = host or socket.gethostname()
        return cls(
            _open_storage(target, host=host, clock=clock, new_id=new_id or _ulid),
            open_reader=lambda: InboxReader.open(url),
            clock=clock,
            max_waiting=max_waiting,
            max_wait_seconds=max_wait_seconds,
            batch=batch,
        )

    async def put(self, event: PushedEvent) -> Put:
        """Keep the event; returns once it is synced. To be called from one event loop.

        Raises ``InboxUnavailable`` where ``max_waiting`` events wait already, where it is not synced within
        ``max_wait_seconds``, where the disk is full or the database broken, and after ``close``. It may then be on disk
        or not: the same event put again is a duplicate if it is.
        """
        if self._is_closing or not self._writer.is_alive:
            raise InboxUnavailable("inbox: closed")
        if len(self._waiting) >= self._max_waiting:
            raise InboxUnavailable(f"inbox: {self._max_waiting} events wait already")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Put] = loop.create_future()
        self._waiting.append(Waiting(self._storage.to_row(event), future, self._clock.monotonic()))
        if self._sweep is None:
            self._sweep = loop.call_later(self._max_wait_seconds / 4, self._refuse_the_late, loop)
        return await future

    def _refuse_the_late(self, loop: asyncio.AbstractEventLoop) -> None:
        """Runs while anything waits, so that a writer that hangs in the disk does not make senders hang."""
        self._sweep = None
        for entry in self._waiting.older_than(self._clock.monotonic() - self._max_wait_seconds):
            if not entry.future.done():
                problem = f"inbox: not synced within {self._max_wait_seconds:g} s"
                entry.future.set_exception(InboxUnavailable(problem))
        if len(self._waiting):
            self._sweep = loop.call_later(self._max_wait_seconds / 4, self._refuse_the_late, loop)

    def health(self) -> InboxHealth:
        """How it is doing now; never waits."""
        return InboxHealth(
            is_alive=self._writer.is_alive,
            waiting=len(self._waiting),
            last_commit_at=self._writer.last_commit_at,
            last_error=self._writer.last_error,
            free_bytes=self._storage.free_bytes(),
        )

    def note(self, name: str, at: datetime) -> None:
        """Remember when something last happened that is no event; written soon, best effort, never waits or fails."""
        self._writer.note(name, at)

    def prune(self, *, applied: Callable[[Sequence[int]], set[int]], before: datetime, batch: int = 1000) -> int:
        """Remove rows that are applied and were received before that moment; returns how many.

        Blocks its caller (not the writer) while it works: call it with ``asyncio.to_thread``. ``applied`` is asked in
        that thread, for ``batch`` numbers at a time. A number is never given twice, and the dedupe key of a removed
        row is remembered until 30 days after it was received. Raises ``InboxUnavailable`` like ``put``.
        """
        forget_before = self._clock.now() - timedelta(days=DEDUPE_DAYS)
        removed = 0
        last = 0
        with self._open_reader() as reader:
            while listed := reader.seqs_after(last, batch):
                last = listed[-1][0]
                old = [seq for seq, received_at in listed if received_at < before]
                gone = sorted(applied(old)) if old else []
                for start in range(0, len(gone), _REMOVED_AT_ONCE):
                    removed += self._remove(gone[start : start + _REMOVED_AT_ONCE], forget_before)
                if not old:
                    break
        while self._writer.call(lambda storage: storage.forget(forget_before)) == FORGOTTEN_AT_ONCE:
            pass
        return removed

    def erase(self, is_about: Callable[[bytes, str | None, bytes | None], bool]) -> int:
        """Remove rows, applied or not, for good: no byte of them stays in the database; returns how many.

        ``is_about`` is shown dedupe key, engagement and, where there is no engagement, body. Keys are remembered, so
        that an event sent again is no news. Blocks its caller like ``prune``, and puts while the file is written anew.
        Raises ``InboxUnavailable`` like ``put``, and where a reader keeps it from being done to the end.
        """
        remember_after = self._clock.now() - timedelta(days=DEDUPE_DAYS)
        removed = 0
        with self._open_reader() as reader:
            seqs = reader.find(is_about)
        for start in range(0, len(seqs), _REMOVED_AT_ONCE):
            removed += self._remove(seqs[start : start + _REMOVED_AT_ONCE], remember_after)
        if not self._writer.call(lambda storage: storage.scrub()):
            raise InboxUnavailable("inbox: a reader keeps removed rows from being overwritten")
        return removed

    def _remove(self, seqs: Sequence[int], remember_after: datetime) -> int:
        return self._writer.call(lambda storage: storage.remove(seqs, remember_after))

    async def close(self) -> None:
        """Take nothing more, write what waits, checkpoint, close and give the lock back. May be called twice."""
        self._is_closing = True
        self._writer.stop()
        if not await asyncio.to_thread(self._writer.join, _CLOSE_TIMEOUT_SECONDS):
            raise InboxUnavailable(f"inbox: could not be closed within {_CLOSE_TIMEOUT_SECONDS:g} s")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


def _open_storage(target: Path | str, *, host: str, clock: Clock, new_id: Callable[[datetime], str]) -> Storage:
    if isinstance(target, Path):
        from zcc_pipeline.inbox.sqlite_storage import SqliteStorage

        return SqliteStorage(target, host=host, clock=clock, new_id=new_id)
    from zcc_pipeline.inbox.postgres_storage import PostgresStorage  # its driver is imported where it is used

    name = f"zcc inbox {host} {os.getpid()}"
    return PostgresStorage(target, host=host, name=name, clock=clock, new_id=new_id)


def _ulid(moment: datetime) -> str:
    from ulid import ULID

    return str(ULID.from_datetime(moment))
