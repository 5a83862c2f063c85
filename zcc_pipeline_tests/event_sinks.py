"""An inbox without a disk: real enough for the intakes, and broken on request."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from zcc_pipeline.domain.events import InboxRow, PushedEvent
from zcc_pipeline.inbox import InboxHealth, InboxUnavailable, Put


class MemoryInbox:
    """Keeps events by their key, as the inbox does; ``is_broken`` makes it refuse, ``gate`` makes it wait."""

    def __init__(self) -> None:
        self.kept: dict[bytes, InboxRow] = {}
        self.notes: dict[str, datetime] = {}
        self.is_broken = False
        self.health_now: InboxHealth | None = None
        self.gate: asyncio.Event | None = None
        self.waiting = 0

    @property
    def events(self) -> list[PushedEvent]:
        return [row.event for row in self.kept.values()]

    async def put(self, event: PushedEvent) -> Put:
        if self.gate is not None:
            self.waiting += 1
            await self.gate.wait()
            self.waiting -= 1
        if self.is_broken:
            raise InboxUnavailable("the disk is full")
        if event.dedupe_key in self.kept:
            return Put(None, is_duplicate=True)
        seq = len(self.kept) + 1
        self.kept[event.dedupe_key] = InboxRow(seq, event)
        return Put(seq, is_duplicate=False)

    def health(self) -> InboxHealth:
        return self.health_now or InboxHealth(
            is_alive=not self.is_broken, waiting=0, last_commit_at=datetime.now(UTC), last_error=None, free_bytes=10**12
        )

    def note(self, name: str, at: datetime) -> None:
        self.notes[name] = at
