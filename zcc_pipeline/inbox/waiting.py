"""Events between the event loop that puts them and the thread that writes them.

Appending takes no lock: the loop never waits for the writer. Batches make themselves: what came in while the last one
was being synced is the next one.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import NamedTuple

from zcc_pipeline.inbox.contract import Put
from zcc_pipeline.inbox.storage import Row

_STEP = 64
"""Bigger batches come in multiples of this: each size is a statement that has to be compiled, which takes as long as
running it, and compiled ones are kept for so many sizes only."""


class Waiting(NamedTuple):
    """A row to be written and the future that its ``put`` awaits."""

    row: Row
    future: asyncio.Future[Put]
    since: float


class WaitingRoom:
    """A queue with one side that appends (the loop) and one that takes batches (the writer)."""

    def __init__(self) -> None:
        self._queue: deque[Waiting] = deque()
        self._in_flight: list[Waiting] = []
        self._taking = threading.Lock()
        self._wake_up = threading.Event()
        self._is_asleep = False

    def __len__(self) -> int:
        return len(self._queue) + len(self._in_flight)

    def append(self, entry: Waiting) -> None:
        """Add one and wake the writer where it sleeps."""
        self._queue.append(entry)
        if self._is_asleep:
            self._wake_up.set()

    def wake(self) -> None:
        """Let the writer look around though nothing was put."""
        self._wake_up.set()

    def take(self, limit: int) -> list[Waiting]:
        """The oldest ones; they count as waiting until ``done``."""
        with self._taking:
            size = min(len(self._queue), limit)
            if size > _STEP:
                size -= size % _STEP
            self._in_flight = [self._queue.popleft() for _ in range(size)]
            return self._in_flight

    def done(self) -> None:
        """What was taken has been answered."""
        self._in_flight = []

    def sleep(self, seconds: float | None) -> None:
        """Until something is put or ``wake`` is called. The flag is raised before the last look into the queue, so
        nothing that is put in between is slept over."""
        self._is_asleep = True
        if not self._queue:
            self._wake_up.wait(seconds)
        self._is_asleep = False
        self._wake_up.clear()

    def older_than(self, since: float) -> list[Waiting]:
        """Those that have waited since before: the queued ones leave the queue, the ones being written are named."""
        with self._taking:
            late = [entry for entry in self._in_flight if entry.since < since]
            while self._queue and self._queue[0].since < since:
                late.append(self._queue.popleft())
            return late
