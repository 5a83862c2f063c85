"""What is erased from the inbox is gone to the last byte, and does not come in again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from zcc_pipeline.inbox import Inbox, InboxReader
from zcc_pipeline_tests.integration.inbox.conftest import make_event, with_inbox

pytestmark = pytest.mark.integration

SECRET = b'{"text": "nobody may read this any more"}'


def of_two(_key: bytes, engagement_id: str | None, body: bytes | None) -> bool:
    return engagement_id == "engagement-2" or (body is not None and b"nobody may" in body)


def test_rows_of_an_engagement_go_and_the_same_event_again_is_a_duplicate(inbox_url: str) -> None:
    nameless = replace(make_event(3, body=SECRET), engagement_id=None)

    async def act(inbox: Inbox) -> tuple[int, int, bool]:
        for event in (make_event(1), make_event(2, body=SECRET), nameless):
            await inbox.put(event)
        first = await asyncio.to_thread(inbox.erase, of_two)
        second = await asyncio.to_thread(inbox.erase, of_two)
        return first, second, (await inbox.put(nameless)).is_duplicate

    assert with_inbox(inbox_url, act) == (2, 0, True)
    with InboxReader.open(inbox_url) as reader:
        seqs = [seq for seq, _ in reader.seqs_after(0, 10)]
        assert [row.event.engagement_id for row in reader.rows(seqs)] == ["engagement-1"]


def test_no_byte_of_it_is_left_in_the_file_or_its_log_also_of_what_was_pruned_before(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/inbox.sqlite"
    large = SECRET * 2_000

    def left() -> bool:
        return any(b"nobody may read" in path.read_bytes() for path in tmp_path.glob("inbox.sqlite*"))

    async def act(inbox: Inbox) -> tuple[bool, bool]:
        await inbox.put(make_event(1, body=large))
        pruned = (await inbox.put(make_event(2, body=large))).seq or 0
        event = make_event(3)
        await asyncio.to_thread(inbox.prune, applied=lambda _: {pruned}, before=event.received_at)
        before = left()
        await asyncio.to_thread(inbox.erase, lambda _key, engagement_id, _body: engagement_id == "engagement-1")
        return before, left()

    assert with_inbox(url, act) == (True, False)
