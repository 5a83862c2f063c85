"""Every statement about the inbox holds on both databases, unless it is about one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import pytest

from zcc_pipeline.domain.clock import Clock, SystemClock
from zcc_pipeline.domain.events import PushedEvent
from zcc_pipeline.inbox import Inbox, Put

Result = TypeVar("Result")
PATIENCE_SECONDS = 30
"""A busy machine makes no event late, except where a test is about that."""


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/inbox.sqlite"


@pytest.fixture(params=["sqlite", "postgresql"])
def inbox_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


def make_event(number: int, *, received_at: datetime | None = None, body: bytes = b"{}") -> PushedEvent:
    """The same number is the same event."""
    return PushedEvent(
        intake="webhook",
        received_at=received_at or datetime.now(UTC),
        dedupe_key=sha256(str(number).encode()).digest(),
        event="contact_center.engagement_ended",
        event_ts=datetime(2026, 11, 20, 12, tzinfo=UTC) + timedelta(seconds=number),
        account_id="account",
        engagement_id=f"engagement-{number}",
        body=body,
    )


def with_inbox(url: str, action: Callable[[Inbox], Awaitable[Result]], clock: Clock | None = None) -> Result:
    """Open, act, close."""

    async def run() -> Result:
        async with Inbox.open(url, clock=clock or SystemClock(), max_wait_seconds=PATIENCE_SECONDS) as inbox:
            return await action(inbox)

    return asyncio.run(run())


async def put_all(inbox: Inbox, events: Iterable[PushedEvent]) -> list[Put]:
    """All at once, so that they share commits."""
    return await asyncio.gather(*(inbox.put(event) for event in events))
