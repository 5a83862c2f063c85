"""What comes for an erased engagement is acknowledged, and nothing that it says is kept."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.domain.events import ERASED_BODY, PushedEvent
from zcc_pipeline.inbox import Inbox, InboxReader, Put
from zcc_pipeline.pipeline.discretion import Watch
from zcc_pipeline.pipeline.events import apply_inbox
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.settings import Settings, open_runtime
from zcc_pipeline.state import StateStore
from zcc_pipeline.transport.event_log import EventLog
from zcc_pipeline_tests.event_senders import zoom_body
from zcc_pipeline_tests.received import posted, pushed, receive
from zcc_pipeline_tests.receiver_process import environment, post, receiving

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECRET_WORDS = "Frieda wants her money back"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def runtime(home: Path) -> Iterator[Runtime]:
    with open_runtime(Settings(home=home)) as opened:
        yield opened


def erase(home: Path, *ids: str) -> None:
    with StateStore.open(str(home / "state.sqlite")) as state:
        state.suppression.add(ids, now=NOW)


def note(engagement_id: str, number: int = 1) -> PushedEvent:
    subject = {"note_id": f"n-{engagement_id}-{number}", "note": SECRET_WORDS, "engagement_id": engagement_id}
    return pushed("engagement_note_added", subject, NOW)


def bodies(home: Path) -> list[bytes]:
    with InboxReader.open(str(home / "inbox.sqlite")) as reader:
        return [row.event.body for row in reader.rows([seq for seq, _ in reader.seqs_after(0, 100)])]


def inbox_bytes(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.glob("inbox*"))


def open_log() -> EventLog:
    return EventLog(io.BytesIO(), SystemClock())


@asynccontextmanager
async def watched(home: Path, runtime: Runtime) -> AsyncIterator[Watch]:
    async with (
        Inbox.open(str(home / "inbox.sqlite"), clock=SystemClock()) as inbox,
        Watch(runtime.config, inbox, clock=runtime.clock, log=open_log()) as watch,
    ):
        yield watch


def test_an_event_of_an_erased_engagement_is_kept_without_body_whatever_names_it(home: Path, runtime: Runtime) -> None:
    erase(home, "eng-1", "rec-1")
    of_recording = pushed("recording_deleted", {"recording_id": "rec-1", "who": SECRET_WORDS}, NOW)
    flow = posted("disposition_saved", "eng-1", NOW, disposition=SECRET_WORDS)

    async def put_all() -> list[Put]:
        async with watched(home, runtime) as watch:
            events = (note("eng-1"), of_recording, flow, note("eng-2"), note("eng-1"))
            return [await watch.sink.put(each) for each in events]

    *first, again = asyncio.run(put_all())

    assert [put.is_duplicate for put in first] == [False] * 4
    assert again.is_duplicate, "what is sent again is recognised as before"
    assert bodies(home) == [ERASED_BODY, ERASED_BODY, ERASED_BODY, note("eng-2").body]
    assert b"eng-1" not in inbox_bytes(home)
    assert b"rec-1" not in inbox_bytes(home)
    report = apply_inbox(runtime)
    assert (report.events, report.suppressed, report.quarantined) == (4, 3, 0)
    assert set(runtime.lake.latest("zoom/events", NOW.date(), NOW.date())["engagement_id"].to_pylist()) == {"eng-2"}
    assert [each.engagement_id for each in runtime.state.events.waiting()] == ["eng-2"]
    assert apply_inbox(runtime).events == 0


def test_an_engagement_erased_while_the_receiver_runs_is_forgotten_with_what_had_come_before(
    home: Path, runtime: Runtime
) -> None:
    async def receive_and_erase() -> None:
        async with watched(home, runtime) as watch:
            await watch.sink.put(note("eng-1", 1))
            await watch.sink.put(note("eng-2"))
            erase(home, "eng-1")
            await asyncio.to_thread(watch.look)
            await watch.sink.put(note("eng-1", 2))
            await asyncio.to_thread(watch.look)

            assert bodies(home) == [note("eng-2").body, ERASED_BODY]
            assert b"eng-1" not in inbox_bytes(home)
            await asyncio.to_thread(watch.look)

    asyncio.run(receive_and_erase())
    assert bodies(home) == [note("eng-2").body, ERASED_BODY]


def test_an_event_that_slipped_into_the_inbox_whole_is_applied_to_nothing(home: Path, runtime: Runtime) -> None:
    home.mkdir(exist_ok=True)
    cut = PushedEvent("webhook", NOW, b"k" * 32, "unreadable", None, None, None, b'{"engagement_id":"eng-1","note":"Fr')
    receive(str(home / "inbox.sqlite"), note("eng-1"), posted("note_saved", "eng-1", NOW, text=SECRET_WORDS), cut)
    erase(home, "eng-1")

    report = apply_inbox(runtime)

    assert (report.events, report.suppressed, report.facts, report.quarantined) == (3, 3, 0, 0)
    assert runtime.state.events.waiting() == []
    assert runtime.state.quarantine.list(None) == []
    assert runtime.lake.latest("zoom/events", NOW.date(), NOW.date()).num_rows == 0


def test_without_the_key_nothing_is_received(home: Path, runtime: Runtime) -> None:
    erase(home, "eng-1")
    (home / "keys" / "suppression.key").unlink()

    async def start() -> None:
        async with watched(home, runtime):
            pass

    with pytest.raises(ConfigurationError, match=r"suppression\.key: is missing"):
        asyncio.run(start())


@pytest.mark.slow
def test_over_http_it_is_answered_like_any_other(home: Path) -> None:
    erase(home, "eng-1")
    with receiving(home) as receiver:
        assert [post(receiver.address, zoom_body(number=number)) for number in (1, 2, 1)] == [200, 200, 200]
        assert not [line for line in receiver.log_lines() if "eng-1" in str(line)]
    assert bodies(home) == [ERASED_BODY, zoom_body(number=2)]


@pytest.mark.slow
def test_a_running_receiver_learns_of_an_erasure_by_itself(home: Path) -> None:
    with receiving(home) as receiver:
        assert [post(receiver.address, zoom_body(number=number)) for number in (1, 2)] == [200, 200]
        erase(home, "eng-1")
        deadline = time.monotonic() + 30
        while bodies(home) != [zoom_body(number=2)]:
            assert time.monotonic() < deadline, receiver.log_lines()
            time.sleep(0.2)
        assert post(receiver.address, zoom_body("contact_center.engagement_started", number=1)) == 200
        assert bodies(home) == [zoom_body(number=2), ERASED_BODY]
    assert b"eng-1" not in inbox_bytes(home)


@pytest.mark.slow
def test_a_receiver_whose_key_is_lost_says_so_and_does_not_start(home: Path) -> None:
    erase(home, "eng-1")
    (home / "keys" / "suppression.key").unlink()
    command = [sys.executable, "-m", "zcc_pipeline.cli", "receive", "--port", "0", "--metrics-port", "0"]
    ended = subprocess.run(
        command, check=False, env=environment(home), cwd=home, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2, ended.stderr
    assert "suppression.key" in ended.stderr
