"""The process that receives: its inbox, its housekeeping, and how its parts end together."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest

from zcc_pipeline.domain.clock import ShiftedClock, SystemClock
from zcc_pipeline.domain.errors import ConfigurationError, TransientError
from zcc_pipeline.domain.events import zoom_event
from zcc_pipeline.inbox import Inbox, InboxReader
from zcc_pipeline.pipeline.receiving import run_receiver, together
from zcc_pipeline.pipeline.runtime import PipelineConfig, Runtime
from zcc_pipeline.settings import load_settings, pipeline_config
from zcc_pipeline.sources.receiver.serve import Listening
from zcc_pipeline.transport.event_log import EventLog
from zcc_pipeline_tests.event_senders import SECRET, zoom_body

pytestmark = pytest.mark.integration


@pytest.fixture
def config(tmp_path: Path) -> PipelineConfig:
    settings = load_settings(
        {
            "ZCC_HOME": str(tmp_path / "home"),
            "ZCC_WEBHOOK_SECRET_TOKENS": SECRET,
            "ZCC_RECEIVER_PORT": "0",
            "ZCC_METRICS_PORT": "0",
        },
        dotenv=tmp_path / "none",
    )
    return pipeline_config(settings, SystemClock())


async def fill(config: PipelineConfig, *, days_ago: int, numbers: range) -> None:
    clock = ShiftedClock(timedelta(days=-days_ago))
    async with Inbox.open(config.inbox_url, clock=clock) as inbox:
        for number in numbers:
            await inbox.put(zoom_event(zoom_body(number=number), intake="webhook", received_at=clock.now()))


def seqs(config: PipelineConfig) -> list[int]:
    reader = InboxReader.open(config.inbox_url)
    try:
        return [seq for seq, _ in reader.seqs_after(0, 1000)]
    finally:
        reader.close()


def apply(config: PipelineConfig, applied: list[int]) -> None:
    reader = InboxReader.open(config.inbox_url)
    inbox_id = reader.inbox_id
    reader.close()
    assert inbox_id is not None
    with Runtime(config) as runtime:
        runtime.state.events.apply(inbox_id, applied, now=SystemClock().now())


def receive_until_pruned(config: PipelineConfig) -> list[dict[str, object]]:
    """Run it; stop once it has tidied up. Returns what it logged."""
    said = io.BytesIO()

    async def main() -> None:
        stop, clock = asyncio.Event(), SystemClock()
        log = EventLog(said, clock)

        async def stop_when_pruned() -> None:
            while b'"prune' not in said.getvalue():  # noqa: ASYNC110 a log is no event
                await asyncio.sleep(0.05)
            stop.set()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.wait_for(stop_when_pruned(), 60))
            tasks.create_task(run_receiver(config, clock=clock, log=log, stop=stop))
        log.close()

    asyncio.run(main())
    return [json.loads(line) for line in said.getvalue().splitlines()]


def test_only_what_is_applied_and_older_than_the_retention_is_pruned(config: PipelineConfig) -> None:
    config.home.mkdir()
    asyncio.run(fill(config, days_ago=15, numbers=range(4)))
    asyncio.run(fill(config, days_ago=13, numbers=range(4, 6)))
    old, applied_late, recent = seqs(config)[:3], seqs(config)[3], seqs(config)[4:]
    apply(config, [*old, *recent])
    lines = receive_until_pruned(config)
    assert seqs(config) == [applied_late, *recent]
    assert [(line["what"], line.get("rows")) for line in lines] == [("pruned", 3), ("stopped", None)]


def test_a_ledger_that_cannot_be_read_does_not_keep_it_from_receiving(config: PipelineConfig) -> None:
    config.home.mkdir()
    asyncio.run(fill(config, days_ago=15, numbers=range(2)))
    (config.home / "state.sqlite").write_bytes(b"no database at all" * 100)
    lines = receive_until_pruned(config)
    assert [line["what"] for line in lines] == ["erased_not_known", "prune_failed", "stopped"]
    assert len(seqs(config)) == 2


def test_an_address_that_is_taken_ends_it_with_the_setting_to_change(config: PipelineConfig) -> None:
    async def main() -> None:
        clock, first = SystemClock(), asyncio.get_running_loop().create_future()
        stop, log = asyncio.Event(), EventLog(io.BytesIO(), clock)

        def ready(listening: Listening) -> None:
            first.set_result(int((listening.webhook_url or "").split(":")[2].split("/")[0]))

        running = asyncio.create_task(run_receiver(config, clock=clock, log=log, stop=stop, on_ready=ready))
        port = await first
        other = pipeline_config(
            load_settings(
                {
                    "ZCC_HOME": str(config.home / "other"),
                    "ZCC_WEBHOOK_SECRET_TOKENS": SECRET,
                    "ZCC_RECEIVER_PORT": str(port),
                }
            ),
            clock,
        )
        try:
            with pytest.raises(ConfigurationError, match="ZCC_RECEIVER_PORT"):
                await run_receiver(other, clock=clock, log=log, stop=asyncio.Event())
        finally:
            stop.set()
            await running
            log.close()

    asyncio.run(main())


def test_when_one_part_fails_the_others_are_told_to_stop_and_finish_first() -> None:
    ended = []

    async def fails() -> None:
        raise TransientError("no luck")

    async def main() -> None:
        stop = asyncio.Event()

        async def serves() -> None:
            await stop.wait()
            await asyncio.sleep(0.01)
            ended.append("served")

        await together(stop, serves(), fails())

    with pytest.raises(TransientError, match="no luck"):
        asyncio.run(main())
    assert ended == ["served"]
