"""From the flow's variables to the inbox: the script under Node, the real receiver, the real inbox."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.inbox import Inbox, InboxReader
from zcc_pipeline.sources.receiver import ReceiverConfig, read_flow_event
from zcc_pipeline.sources.receiver.serve import Listening, serve
from zcc_pipeline.transport.event_log import EventLog
from zcc_pipeline.transport.metrics import Registry
from zcc_pipeline_tests.integration.flow_scripts.node import NAMES, Ran, needs_node, run_script

pytestmark = [pytest.mark.integration, needs_node]

TOKEN = "flow-token-of-the-account"
TRANSCRIPT = ["12:00 Consumer: Grüße 👋 \ud83d"]  # half of an emoji, where JavaScript has cut a text


async def round_trip(inbox_url: str, runs: list[tuple[str, str]]) -> list[Ran]:
    clock, stop = SystemClock(), asyncio.Event()
    config = ReceiverConfig(port=0, metrics_port=0, flow_tokens=("other", TOKEN))
    reached: asyncio.Future[Listening] = asyncio.get_running_loop().create_future()
    log = EventLog(io.BytesIO(), clock)
    async with Inbox.open(inbox_url, clock=clock) as inbox:
        serving = asyncio.create_task(
            serve(config, inbox, clock=clock, log=log, registry=Registry(), stop=stop, on_ready=reached.set_result)
        )
        url = (await reached).flow_url
        ran = []
        for name, token in runs:
            engagement = {"engagementId": "066UYqbRS0qRNbsUj9ZoBw", "disposition": "Sold", "transcript": TRANSCRIPT}
            variables = {
                "global_custom.Custom.zcc_events_url": url,
                "global_custom.Custom.zcc_events_token": token,
                "global_system": {"Engagement": engagement},
            }
            ran.append(await asyncio.to_thread(run_script, name, variables))
        stop.set()
        await serving
    log.close()
    return ran


def test_what_a_flow_has_is_in_the_inbox_once(tmp_path: Path) -> None:
    url = str(tmp_path / "inbox.sqlite")
    runs = [(name, TOKEN) for name in (*NAMES, *NAMES)] + [(NAMES[0], "wrong")]
    *good, refused = asyncio.run(round_trip(url, runs))
    assert [ran.errors() for ran in good] == [[]] * 4
    assert refused.errors() == ["zcc-pipeline: engagement_closed not sent: HTTP 401"]
    with InboxReader.open(url) as reader:
        rows = reader.rows([seq for seq, _ in reader.seqs_after(0, 10)])
    assert [row.event.event for row in rows] == ["flow.engagement_closed", "flow.disposition_saved"]
    for row in rows:
        said = read_flow_event(row.event.body)
        assert (row.event.intake, row.event.engagement_id) == ("flow", "066UYqbRS0qRNbsUj9ZoBw")
        assert (said.disposition, said.variable_form) == ("Sold", "object")
        assert said.transcript == ["12:00 Consumer: Grüße 👋 \ufffd"]
