"""Bounded work side by side."""

from __future__ import annotations

import asyncio

import pytest

from zcc_pipeline.domain.errors import TransientError
from zcc_pipeline.pipeline.concurrency import for_each


def test_every_item_is_worked_on_and_never_more_at_once_than_allowed() -> None:
    running, most, done = 0, 0, []

    async def work(item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        done.append(item)

    asyncio.run(for_each(range(50), work, limit=4))
    assert sorted(done) == list(range(50))
    assert most == 4


def test_the_first_error_is_raised_as_it_is_and_stops_the_rest() -> None:
    started = []

    async def work(item: int) -> None:
        started.append(item)
        await asyncio.sleep(0)
        if item == 3:
            raise TransientError("no")

    with pytest.raises(TransientError, match="no"):
        asyncio.run(for_each(range(1000), work, limit=2))
    assert len(started) < 20
