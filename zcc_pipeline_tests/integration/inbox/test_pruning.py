"""Pruning takes what is applied and old, remembers the keys, and never gives a number twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zcc_pipeline.domain.clock import ShiftedClock
from zcc_pipeline.inbox import Inbox, InboxReader, Put
from zcc_pipeline_tests.integration.inbox.conftest import make_event, put_all, with_inbox

pytestmark = pytest.mark.integration
NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=20)


def _all(seqs: Sequence[int]) -> set[int]:
    return set(seqs)


async def _prune(inbox: Inbox, before: datetime = NOW) -> int:
    return await asyncio.to_thread(inbox.prune, applied=_all, before=before)


def _numbers(url: str) -> list[int]:
    with InboxReader.open(url) as reader:
        return [seq for seq, _ in reader.seqs_after(0, 100_000)]


def test_only_rows_that_are_applied_and_old_go(inbox_url: str) -> None:
    moments = [OLD + timedelta(hours=number) for number in range(8)] + [NOW, NOW]
    asked: list[int] = []

    def applied(seqs: Sequence[int]) -> set[int]:
        asked.extend(seqs)
        return {seq for seq in seqs if seq % 2 == 0}

    async def use(inbox: Inbox) -> int:
        for number, moment in enumerate(moments, start=1):
            await inbox.put(make_event(number, received_at=moment))
        return await asyncio.to_thread(inbox.prune, applied=applied, before=NOW - timedelta(days=14), batch=3)

    assert with_inbox(inbox_url, use) == 4
    assert _numbers(inbox_url) == [1, 3, 5, 7, 9, 10]
    assert asked == [1, 2, 3, 4, 5, 6, 7, 8]  # rows that are too young concern nobody


def test_a_number_is_never_given_again_even_after_everything_went_and_the_process_too(inbox_url: str) -> None:
    async def use(inbox: Inbox) -> None:
        await put_all(inbox, (make_event(number, received_at=OLD) for number in range(700)))
        assert await _prune(inbox) == 700

    with_inbox(inbox_url, use)
    assert _numbers(inbox_url) == []
    with InboxReader.open(inbox_url) as reader:
        assert reader.highest_seq() == 0
        assert reader.last_received_at() == OLD

    put = with_inbox(inbox_url, lambda inbox: inbox.put(make_event(1000)))
    assert put.seq is not None
    assert put.seq > 700


def test_an_event_whose_row_was_pruned_is_a_duplicate_for_thirty_days(inbox_url: str) -> None:
    clock = ShiftedClock()

    async def use(inbox: Inbox) -> None:
        await put_all(inbox, [make_event(1, received_at=OLD), make_event(2, received_at=NOW)])
        await _prune(inbox, NOW - timedelta(days=1))
        again = [make_event(1), make_event(2), make_event(3), make_event(1)]
        assert [put.is_duplicate for put in await put_all(inbox, again)] == [True, True, False, True]
        assert await inbox.put(make_event(1)) == Put(None, is_duplicate=True)

        clock.shift = timedelta(days=9)  # 29 days after the first one came
        await _prune(inbox, NOW - timedelta(days=1))
        assert (await inbox.put(make_event(1))).is_duplicate
        clock.shift = timedelta(days=11)
        await _prune(inbox, NOW - timedelta(days=1))
        assert not (await inbox.put(make_event(1))).is_duplicate
        assert (await inbox.put(make_event(2))).is_duplicate  # its row is still there

    with_inbox(inbox_url, use, clock)


def test_more_keys_are_forgotten_than_fit_into_one_transaction(inbox_url: str) -> None:
    clock = ShiftedClock()

    async def use(inbox: Inbox) -> None:
        await put_all(inbox, (make_event(number, received_at=OLD) for number in range(2300)))
        assert await _prune(inbox) == 2300
        clock.shift = timedelta(days=11)
        await _prune(inbox)
        with InboxReader.open(inbox_url) as reader:
            assert reader._view.select("SELECT count(*) FROM zcc_inbox_seen") == [(0,)]

    with_inbox(inbox_url, use, clock)


def test_puts_go_on_while_rows_are_pruned(inbox_url: str) -> None:
    async def use(inbox: Inbox) -> None:
        await put_all(inbox, (make_event(number, received_at=OLD) for number in range(3000)))
        pruning = asyncio.ensure_future(_prune(inbox, NOW - timedelta(days=1)))
        number = 10_000
        while not pruning.done():
            assert not (await inbox.put(make_event(number))).is_duplicate
            number += 1
        assert await pruning == 3000
        assert len(_numbers(inbox_url)) == number - 10_000 > 5

    with_inbox(inbox_url, use)


def test_nothing_to_prune_is_fine(inbox_url: str) -> None:
    assert with_inbox(inbox_url, _prune) == 0


def test_a_file_that_is_mostly_empty_shrinks(sqlite_url: str, tmp_path: Path) -> None:
    async def use(inbox: Inbox) -> None:
        await put_all(inbox, (make_event(number, received_at=OLD, body=b"x" * 4000) for number in range(3000)))
        await _prune(inbox)

    with_inbox(sqlite_url, lambda inbox: inbox.put(make_event(1)))
    with_inbox(sqlite_url, use)
    before = (tmp_path / "inbox.sqlite").stat().st_size
    for _ in range(5):
        with_inbox(sqlite_url, _prune)
    assert (tmp_path / "inbox.sqlite").stat().st_size < before / 2
