"""A full disk: everything acknowledged is there, everything else is refused, and space alone makes it work again."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from zcc_pipeline.inbox import Inbox, InboxReader, InboxUnavailable
from zcc_pipeline_tests.integration.inbox.conftest import make_event, with_inbox
from zcc_pipeline_tests.small_disk import enlarge, mounted

pytestmark = pytest.mark.integration


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "small", "8m") as folder:
        yield folder


def test_a_full_disk_refuses_and_recovers_without_a_restart(small_disk: Path) -> None:
    path = small_disk / "inbox.sqlite"
    acknowledged: set[int] = set()

    async def put(inbox: Inbox, number: int) -> bool:
        try:
            await inbox.put(make_event(number, body=os.urandom(20_000)))
        except InboxUnavailable:
            return False
        acknowledged.add(number)
        return True

    async def use(inbox: Inbox) -> None:
        number = 0
        while all(await asyncio.gather(*(put(inbox, number + each) for each in range(20)))):
            number += 20
            assert number < 1000
        for each in range(2000, 2040):
            await put(inbox, each)  # some may still fit; what is acknowledged counts
        health = inbox.health()
        assert health.is_alive
        assert health.free_bytes is not None
        assert health.free_bytes < 1024 * 1024

        enlarge(small_disk, "64m")
        end = time.monotonic() + 10
        while inbox.health().last_error is not None:
            assert time.monotonic() < end
            await asyncio.sleep(0.05)
        assert all(await asyncio.gather(*(put(inbox, each) for each in range(3000, 3100))))

    with_inbox(str(path), use)

    assert len(acknowledged) > 100
    with InboxReader.open(str(path)) as reader:
        rows = reader.rows([seq for seq, _ in reader.seqs_after(0, 10_000)])
        kept = [int((row.event.engagement_id or "").removeprefix("engagement-")) for row in rows]
        assert acknowledged <= set(kept)
        assert len(kept) == len(set(kept))
        assert reader._view.select("PRAGMA integrity_check") == [("ok",)]


def test_an_owner_that_finds_the_disk_full_says_so_and_can_be_started_later(small_disk: Path) -> None:
    path = str(small_disk / "inbox.sqlite")
    with_inbox(path, lambda inbox: inbox.put(make_event(1)))
    ballast = small_disk / "ballast"
    _fill(ballast)

    with pytest.raises(InboxUnavailable):
        with_inbox(path, lambda inbox: inbox.put(make_event(2)))
    ballast.unlink()
    assert with_inbox(path, lambda inbox: inbox.put(make_event(2))).seq == 2


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 that it comes is the point of the loop
