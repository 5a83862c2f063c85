"""Putting: what is acknowledged is there, once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.events import InboxRow, zoom_event
from zcc_pipeline.inbox import Inbox, InboxReader, InboxUnavailable, Put
from zcc_pipeline_tests.integration.inbox.conftest import make_event, put_all, with_inbox

pytestmark = pytest.mark.integration


def _rows(url: str) -> list[InboxRow]:
    with InboxReader.open(url) as reader:
        return reader.rows([seq for seq, _ in reader.seqs_after(0, 100_000)])


def test_an_event_comes_out_as_it_was_put(inbox_url: str) -> None:
    latest = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    events = [
        make_event(1, received_at=datetime(2026, 11, 20, 12, 0, 0, 123_457, tzinfo=UTC), body=bytes(range(256))),
        replace(make_event(2), event_ts=None, account_id=None, engagement_id=None, body=b""),
        replace(make_event(3), event="flow.日本語", event_ts=latest, intake="flow"),
    ]

    async def put(inbox: Inbox) -> list[Put]:
        return [await inbox.put(event) for event in events]

    puts = with_inbox(inbox_url, put)

    assert [row.event for row in _rows(inbox_url)] == events
    assert [row.seq for row in _rows(inbox_url)] == [put.seq for put in puts]


def test_events_put_at_once_all_have_their_own_number(inbox_url: str) -> None:
    puts = with_inbox(inbox_url, lambda inbox: put_all(inbox, map(make_event, range(1500))))

    by_number = {row.seq: row.event for row in _rows(inbox_url)}
    assert [by_number[put.seq].engagement_id for put in puts if put.seq] == [f"engagement-{n}" for n in range(1500)]


def test_an_event_delivered_again_is_acknowledged_without_a_row(inbox_url: str) -> None:
    async def put(inbox: Inbox) -> list[Put]:
        return [await inbox.put(make_event(1)), await inbox.put(make_event(1)), await inbox.put(make_event(2))]

    first, again, other = with_inbox(inbox_url, put)
    after_restart = with_inbox(inbox_url, lambda inbox: inbox.put(make_event(1)))

    assert again == after_restart == Put(None, is_duplicate=True)
    assert [row.seq for row in _rows(inbox_url)] == [first.seq, other.seq]


def test_of_equal_events_in_one_batch_one_makes_a_row(inbox_url: str) -> None:
    numbers = [1, 2, 1, 3, 3, 3, 4, 2, 5]

    async def put(inbox: Inbox) -> list[Put]:
        await inbox.put(make_event(4))
        return await put_all(inbox, map(make_event, numbers))

    puts = with_inbox(inbox_url, put)

    by_number = {row.seq: row.event.engagement_id for row in _rows(inbox_url)}
    made = {put.seq: f"engagement-{number}" for put, number in zip(puts, numbers, strict=True) if not put.is_duplicate}
    assert len(by_number) == 5
    assert made.items() <= by_number.items()
    assert sorted(made.values()) == [f"engagement-{number}" for number in (1, 2, 3, 5)]


def test_text_that_no_database_can_hold_is_kept_nevertheless_and_its_neighbours_too(inbox_url: str) -> None:
    hostile = [
        replace(make_event(1), event="zero \0 character", body=b'"\\u0000"'),
        replace(make_event(2), account_id="half \ud800 character"),
    ]
    neighbours = [make_event(number) for number in range(3, 9)]

    puts = with_inbox(inbox_url, lambda inbox: put_all(inbox, [*neighbours[:3], *hostile, *neighbours[3:]]))

    assert not any(put.is_duplicate for put in puts)
    kept = {row.event.dedupe_key: row.event for row in _rows(inbox_url)}
    assert kept.keys() == {event.dedupe_key for event in [*hostile, *neighbours]}
    assert kept[hostile[0].dedupe_key].body == hostile[0].body


def test_a_real_envelope_finds_its_way(inbox_url: str) -> None:
    body = b'{"event":"contact_center.note_added","event_ts":1763640000123,"payload":{"object":{"engagement_id":"e1"}}}'
    event = zoom_event(body, intake="websocket", received_at=datetime.now(UTC))

    with_inbox(inbox_url, lambda inbox: inbox.put(event))

    assert _rows(inbox_url)[0].event == event


def test_a_closed_inbox_takes_nothing_and_closes_again(inbox_url: str) -> None:
    async def use() -> None:
        inbox = Inbox.open(inbox_url, clock=SystemClock())
        waiting = [asyncio.ensure_future(inbox.put(make_event(number))) for number in range(100)]
        await asyncio.sleep(0)
        await inbox.close()
        assert {put.is_duplicate for put in await asyncio.gather(*waiting)} == {False}
        with pytest.raises(InboxUnavailable, match="closed"):
            await inbox.put(make_event(100))
        with pytest.raises(InboxUnavailable, match="closed"):
            await asyncio.to_thread(inbox.prune, applied=set, before=datetime.now(UTC))
        inbox.note("challenge", datetime.now(UTC))
        assert not inbox.health().is_alive
        await inbox.close()

    asyncio.run(use())
    assert len(_rows(inbox_url)) == 100


def test_a_put_that_its_caller_gave_up_harms_nobody(inbox_url: str) -> None:
    async def put(inbox: Inbox) -> None:
        given_up = [asyncio.ensure_future(inbox.put(make_event(number))) for number in range(20)]
        await asyncio.sleep(0)
        for task in given_up:
            task.cancel()
        assert not (await inbox.put(make_event(99))).is_duplicate

    with_inbox(inbox_url, put)
    assert "engagement-99" in [row.event.engagement_id for row in _rows(inbox_url)]


def test_health_tells_of_the_last_commit(inbox_url: str) -> None:
    async def put(inbox: Inbox) -> None:
        before = inbox.health()
        assert (before.is_alive, before.waiting, before.last_commit_at, before.last_error) == (True, 0, None, None)
        start = datetime.now(UTC)
        await inbox.put(make_event(1))
        after = inbox.health()
        assert after.last_commit_at is not None
        assert start <= after.last_commit_at <= datetime.now(UTC)
        assert (after.free_bytes is None) == inbox_url.startswith("postgresql")

    with_inbox(inbox_url, put)


def test_notes_keep_the_latest_moment_of_each_name(inbox_url: str) -> None:
    first, second = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)

    async def note(inbox: Inbox) -> None:
        inbox.note("challenge", second)
        inbox.note("connected", first)

    def note_earlier(inbox: Inbox) -> Awaitable[Put]:
        inbox.note("challenge", first)
        return inbox.put(make_event(1))

    with_inbox(inbox_url, note)
    with_inbox(inbox_url, note_earlier)

    with InboxReader.open(inbox_url) as reader:
        assert reader.notes() == {"challenge": second, "connected": first}
