"""With ``redact`` the digits of a card are on no disk: not in the inbox, the lake or the quarantine."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.events import PushedEvent, zoom_event
from zcc_pipeline.inbox import Inbox
from zcc_pipeline.pipeline.discretion import Watch
from zcc_pipeline.pipeline.events import apply_inbox
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.settings import Settings, open_runtime
from zcc_pipeline.transport.event_log import EventLog
from zcc_pipeline_tests.received import pushed

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CARD = "4111 1111 1111 1111"


async def receive(runtime: Runtime, log: EventLog, note: PushedEvent, unreadable: PushedEvent) -> None:
    async with (
        Inbox.open(runtime.config.inbox_url, clock=SystemClock()) as inbox,
        Watch(runtime.config, inbox, clock=runtime.clock, log=log) as watch,
    ):
        assert not (await watch.sink.put(note)).is_duplicate
        assert (await watch.sink.put(note)).is_duplicate
        await watch.sink.put(unreadable)


def test_a_pushed_note_loses_its_digits_before_it_is_kept_and_is_known_as_redacted(tmp_path: Path) -> None:
    subject = {"note_id": "n1", "note": f"paid with {CARD}", "engagement_id": "e1"}
    note = pushed("engagement_note_added", subject, NOW)
    unreadable = zoom_event(f"no event: {CARD}".encode(), intake="webhook", received_at=NOW)
    log = io.BytesIO()
    settings = Settings(home=tmp_path, card_data_policy="redact")
    with open_runtime(settings) as runtime:
        asyncio.run(receive(runtime, EventLog(log, SystemClock()), note, unreadable))
        apply_inbox(runtime)
        (item,) = runtime.state.quarantine.list("held")
        assert b"[card number removed]" in item.payload
        texts = [
            text
            for dataset in ("zoom/notes", "zoom/events", "zoom/card_data")
            for _, table in runtime.lake.iter_latest(dataset, NOW.date(), runtime.today())
            for text in table.column("payload").to_pylist()
        ]
        verdicts = [json.loads(text) for text in texts if '"version"' in text]
        assert {(each["dataset"], each["status"]) for each in verdicts} >= {("zoom/notes", "redacted")}
    everything = "".join(texts).encode() + log.getvalue()
    everything += b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    for digits in (CARD.encode(), CARD.replace(" ", "").encode()):
        assert digits not in everything
