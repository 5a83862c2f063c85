"""The listener against a real WebSocket server that fails in every way it can."""
# ruff: noqa: SIM117 the server stands, then the listener works: two steps of one story

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from websockets.asyncio.server import ServerConnection

from zcc_pipeline.domain.clock import ShiftedClock, SystemClock
from zcc_pipeline.domain.errors import ConfigurationError, TransientError
from zcc_pipeline.domain.events import UNREADABLE, zoom_event
from zcc_pipeline.sources.websocket import SEEN_NOTE
from zcc_pipeline_tests.integration.websocket.loopback import (
    ANSWER,
    BUILT,
    SOON_SILENT,
    Listening,
    MemorySink,
    Tokens,
    answer_heartbeats,
    as_object,
    as_string,
    cut_after,
    event,
    refuse,
    sending,
    serving,
)

pytestmark = pytest.mark.integration


def test_both_envelope_shapes_bring_the_same_event_with_its_own_bytes() -> None:
    async def story() -> MemorySink:
        sink = MemorySink()
        async with serving(sending(BUILT, as_string(1), as_object(2), as_object(1))) as server:
            async with Listening(server, sink) as work:
                await work.until(lambda: len(sink.puts) == 3)
        return sink

    first, second, again = asyncio.run(story()).puts[:3]
    assert first.body == json.dumps(event(1)).encode()
    assert second.body == json.dumps(event(2)).encode()
    assert (first.event, first.account_id, first.engagement_id) == ("contact_center.engagement_ended", "account", "e1")
    assert first.dedupe_key == again.dedupe_key != second.dedupe_key
    assert first.dedupe_key == zoom_event(b'{"payload":{"object":{"engagement_id":"e1"},"account_id":"account"},'
        b'"event_ts":1700000000001,"event":"contact_center.engagement_ended"}', intake="webhook",
        received_at=datetime.now(UTC)).dedupe_key  # fmt: skip


def test_every_failure_costs_a_new_token_and_no_event_of_any_connection() -> None:
    async def close_1008(socket: ServerConnection) -> None:
        await socket.send(as_string(3))
        await socket.close(1008, "policy")

    async def story() -> tuple[MemorySink, list[str], dict[str, int]]:
        sink = MemorySink()
        plan = (cut_after(as_string(1), as_object(2)), refuse(401), refuse(503), close_1008, sending(as_object(4)))
        async with serving(*plan) as server, Listening(server, sink) as work:
            await work.until(lambda: "e4" in sink.engagements())
            return sink, server.tokens, work.listener.health().counts

    sink, tokens, counts = asyncio.run(story())
    assert sink.engagements() == ["e1", "e2", "e3", "e4"]
    assert tokens == [f"secret-token-{n}" for n in range(1, 6)]
    assert counts["refused"] == 2
    assert counts["closed"] == 2
    assert counts["connected"] == 3


def test_the_time_without_a_connection_is_a_gap_from_the_last_answered_heartbeat_on() -> None:
    async def story() -> tuple[MemorySink, datetime, datetime]:
        sink = MemorySink()
        async with (
            serving(cut_after(heartbeats=3), refuse(503), refuse(503)) as server,
            Listening(server, sink) as work,
        ):
            await work.until(lambda: SEEN_NOTE in sink.notes)
            first = sink.notes[SEEN_NOTE]
            await work.until(lambda: len(sink.gaps()) == 1)
            return sink, first, sink.notes[SEEN_NOTE]

    sink, first, last = asyncio.run(story())
    (start, end), *_ = sink.gaps()
    assert first < start < end <= last
    assert timedelta(seconds=0.01) < end - start < timedelta(seconds=5)


def test_a_process_that_was_down_for_two_hours_says_so_before_anything_else() -> None:
    async def story() -> MemorySink:
        before = MemorySink()
        clock = ShiftedClock()
        async with serving() as server, Listening(server, before, clock=clock) as work:
            await work.until(lambda: work.listener.health().counts.get("heartbeat", 0) > 1)
        left = before.notes[SEEN_NOTE]
        clock.shift += timedelta(hours=2)
        after = MemorySink()
        async with serving(sending(as_string(1))) as server:
            async with Listening(server, after, clock=clock, last_seen=left) as work:
                await work.until(lambda: after.engagements() == ["e1"])
        assert after.puts[0].intake == "gap"
        assert after.gaps()[0][0] == left
        return after

    start, end = asyncio.run(story()).gaps()[0]
    assert timedelta(hours=2) <= end - start < timedelta(hours=2, seconds=10)


def test_a_clean_stop_says_the_time_since_the_last_answered_heartbeat_and_remembers_when_it_stopped() -> None:
    async def story() -> tuple[MemorySink, datetime, Tokens]:
        sink = MemorySink()
        async with serving() as server, Listening(server, sink) as work:
            await work.until(lambda: SEEN_NOTE in sink.notes)
            stopped = datetime.now(UTC)
            work.stop.set()
            await asyncio.wait_for(work.task, 30)
            return sink, stopped, work.tokens

    sink, stopped, tokens = asyncio.run(story())
    assert len(sink.gaps()) == 1
    start, end = sink.gaps()[0]
    assert start < stopped <= end == sink.notes[SEEN_NOTE]
    assert len(tokens.given) == 1


def test_the_very_first_start_has_nothing_to_measure_a_gap_from() -> None:
    async def story() -> MemorySink:
        sink = MemorySink()
        async with serving(sending(as_string(1))) as server, Listening(server, sink) as work:
            await work.until(lambda: bool(sink.puts))
            assert sink.puts[0].intake == "websocket"
            assert work.listener.health().is_connected
            return sink

    assert asyncio.run(story()).gaps()[1:] == []


def test_a_silent_connection_is_left_and_its_silence_is_part_of_the_gap() -> None:
    async def fall_silent(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(ANSWER)
        await socket.wait_closed()

    async def story() -> tuple[MemorySink, dict[str, int]]:
        sink = MemorySink()
        async with serving(fall_silent) as server, Listening(server, sink, silent_heartbeats=SOON_SILENT) as work:
            await work.until(lambda: len(sink.gaps()) == 1)
            return sink, work.listener.health().counts

    sink, counts = asyncio.run(story())
    start, end = sink.gaps()[0]
    assert counts["silent"] == 1
    assert end - start > timedelta(seconds=0.05 * SOON_SILENT)


def test_the_connection_is_renewed_before_its_token_dies() -> None:
    async def story() -> tuple[list[str], dict[str, int], list[int | None]]:
        sink = MemorySink()
        async with serving() as server, Listening(server, sink, tokens=Tokens(good_for_seconds=0.3)) as work:
            await work.until(lambda: len(server.close_codes) >= 2)
            return server.tokens, work.listener.health().counts, server.close_codes

    tokens, counts, codes = asyncio.run(story())
    assert len(set(tokens)) == len(tokens) >= 3
    assert counts["planned"] >= 2
    assert codes[:2] == [1000, 1000]
    assert not {"silent", "network", "closed", "refused"} & set(counts)


@pytest.mark.parametrize("ends_the_older", [True, False])
def test_a_renewal_misses_nothing_and_is_no_gap_unless_the_old_connection_was_ended_at_once(
    ends_the_older: bool,
) -> None:
    current: list[ServerConnection] = []
    sent: list[str] = []

    async def serve_the_newest(socket: ServerConnection) -> None:
        current.append(socket)
        if ends_the_older and len(current) > 1:
            await current[-2].close(1001)
        await answer_heartbeats(socket)

    async def tell() -> None:
        while True:
            if current:
                await current[-1].send(as_string(len(sent)))
                sent.append(f"e{len(sent)}")
            await asyncio.sleep(0.002)

    async def story() -> MemorySink:
        sink = MemorySink()
        async with serving(*[serve_the_newest] * 20) as server:
            async with Listening(server, sink, tokens=Tokens(good_for_seconds=0.4)) as work:
                telling = asyncio.create_task(tell())
                await work.until(lambda: work.listener.health().counts.get("planned", 0) > 3)
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)
                await work.until(lambda: len(sink.engagements()) >= len(sent))
                await work.until(lambda: work.listener.health().is_connected)
                assert ends_the_older or sink.gaps() == []
        return sink

    sink = asyncio.run(story())
    assert len(sent) > 100
    assert sorted(sink.engagements(), key=str) == sorted(sent)
    assert all(end - start < timedelta(seconds=2) for start, end in sink.gaps())


def test_the_old_connection_goes_on_while_no_new_one_can_be_had() -> None:
    current: list[ServerConnection] = []

    async def first(socket: ServerConnection) -> None:
        current.append(socket)
        await answer_heartbeats(socket)

    async def story() -> tuple[MemorySink, dict[str, int]]:
        sink = MemorySink()
        async with serving(first, *[refuse(503)] * 10_000) as server:
            async with Listening(server, sink, tokens=Tokens(good_for_seconds=0.4)) as work:
                await work.until(lambda: work.listener.health().counts.get("refused", 0) >= 2)
                await current[0].send(as_string(1))
                await work.until(lambda: sink.engagements() == ["e1"])
                server.plan.clear()
                await work.until(lambda: work.listener.health().counts["connected"] == 2)
                assert sink.gaps() == []
                return sink, work.listener.health().counts

    _, counts = asyncio.run(story())
    assert counts["refused"] >= 2


def test_a_renewal_from_a_connection_that_no_longer_answers_is_a_gap() -> None:
    async def answer_twice(socket: ServerConnection) -> None:
        for _ in range(2):
            await socket.recv()
            await socket.send(ANSWER)
        await socket.wait_closed()

    async def story() -> MemorySink:
        sink = MemorySink()
        async with serving(answer_twice) as server:
            async with Listening(server, sink, tokens=Tokens(good_for_seconds=0.3), drain_seconds=0.1) as work:
                await work.until(lambda: work.listener.health().counts.get("connected", 0) == 2)
                await work.until(lambda: len(sink.gaps()) == 1)
        return sink

    asyncio.run(story())


def test_an_event_waits_for_the_inbox_and_is_not_dropped_while_heartbeats_go_on() -> None:
    heartbeats = 0

    async def count_heartbeats(socket: ServerConnection) -> None:
        nonlocal heartbeats
        await socket.send(as_string(1))
        await socket.send(as_string(2))
        async for _ in socket:
            heartbeats += 1
            await socket.send(ANSWER)

    async def story() -> tuple[MemorySink, list[str]]:
        sink = MemorySink(is_full=True)
        async with serving(count_heartbeats) as server, Listening(server, sink) as work:
            await work.until(lambda: sink.refusals > 2 and heartbeats > 3)
            sink.is_broken = False
            await work.until(lambda: sink.engagements() == ["e1", "e2"])
            return sink, server.tokens

    sink, tokens = asyncio.run(story())
    assert len(tokens) == 1
    assert sink.gaps()[1:] == []


def test_events_of_a_connection_that_died_while_the_inbox_was_full_are_kept_and_the_gap_starts_before_them() -> None:
    async def story() -> tuple[MemorySink, datetime]:
        sink = MemorySink()
        seen = datetime.now(UTC) - timedelta(seconds=1)
        sink.is_broken = True
        async with serving(cut_after(as_string(1), as_string(2))) as server:
            async with Listening(server, sink, last_seen=seen) as work:
                await work.until(lambda: sink.refusals > 1)
                sink.is_broken = False
                await work.until(lambda: len(sink.gaps()) == 2)
        return sink, seen

    sink, seen = asyncio.run(story())
    assert sink.engagements() == ["e1", "e2"]
    assert [each.intake for each in sink.puts[:3]] == ["gap", "websocket", "websocket"]
    (first, until), (second, _), *_ = sink.gaps()
    assert first == seen
    assert second == until


def test_stopping_while_the_inbox_takes_nothing_is_prompt_and_leaves_the_gap_to_the_next_start() -> None:
    async def story() -> MemorySink:
        sink = MemorySink(is_full=True)
        seen = datetime.now(UTC)
        async with serving(sending(as_string(1))) as server:
            async with Listening(server, sink, last_seen=seen, drain_seconds=0.2) as work:
                await work.until(lambda: sink.refusals > 1)
                work.stop.set()
                await asyncio.wait_for(work.task, 30)
                assert work.listener.health().last_seen == seen
        return sink

    sink = asyncio.run(story())
    assert sink.puts == []
    assert sink.notes == {}


@pytest.mark.parametrize("phase", ["token", "connecting", "backing off"])
def test_stop_is_honoured_at_once_in_every_phase(phase: str) -> None:
    class Endless(Tokens):
        async def __call__(self) -> object:  # type: ignore[override]
            self.given.append("")
            await asyncio.sleep(600)
            raise AssertionError

    async def never_answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(600)
        finally:
            writer.close()

    async def story() -> None:
        async with serving(*[refuse(503)] * 20) as server:
            deaf = await asyncio.start_server(never_answer, "127.0.0.1", 0)
            if phase == "connecting":
                server.url = f"ws://127.0.0.1:{deaf.sockets[0].getsockname()[1]}/ws"
            patience = {"first_wait_seconds": 600.0, "longest_wait_seconds": 600.0}
            tokens = Endless() if phase == "token" else Tokens()
            async with Listening(server, MemorySink(), tokens=tokens, **patience) as work:
                await work.until(lambda: bool(tokens.given))
                await asyncio.sleep(0.1)
                work.stop.set()
                await asyncio.wait_for(work.task, 30)  # whatever it was at would have taken ten minutes
                deaf.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    "frame",
    [
        '{"module":"build_connection","success":false,"content":"Invalid Token"}',
        '{"module":"heartbeat","success": false,"content":"Token is invalid"}',
    ],
)
def test_a_refusal_inside_the_socket_leads_to_a_new_token(frame: str) -> None:
    async def story() -> tuple[list[str], dict[str, int]]:
        sink = MemorySink()
        async with serving(sending(frame), sending(as_object(1))) as server, Listening(server, sink) as work:
            await work.until(lambda: sink.engagements() == ["e1"])
            return server.tokens, work.listener.health().counts

    tokens, counts = asyncio.run(story())
    assert tokens == ["secret-token-1", "secret-token-2"]
    assert counts["refused"] == 1
    assert counts["connected"] == 1


def test_garbage_is_kept_as_unreadable_and_unknown_modules_are_counted() -> None:
    garbage: tuple[str | bytes, ...] = (
        "no json",
        b"\xff\xfe\x00",
        "[]",
        '{"module":5}',
        '{"module":"message"}',
        '{"module":"message","content":"{"}',
        '{"module":"message","content":7}',
        "",
    )
    ignored = ('{"module":"weather","content":{"event":"x"}}', '{"module":"","content":null}')

    async def story() -> tuple[MemorySink, dict[str, int], list[str]]:
        sink = MemorySink()
        async with serving(sending(*garbage, *ignored, as_string(1))) as server, Listening(server, sink) as work:
            await work.until(lambda: "e1" in sink.engagements())
            return sink, work.listener.health().counts, server.tokens

    sink, counts, tokens = asyncio.run(story())
    kept = [each for each in sink.puts if each.intake == "websocket"]
    assert [each.event for each in kept] == [UNREADABLE] * len(garbage) + ["contact_center.engagement_ended"]
    assert counts["unknown_module"] == 2
    assert len(tokens) == 1


def test_a_giant_frame_ends_the_connection_and_not_the_listener() -> None:
    async def story() -> tuple[MemorySink, dict[str, int]]:
        sink = MemorySink()
        giant = json.dumps({"module": "message", "content": "x" * 2_000_000})
        async with serving(sending(as_string(1), giant), sending(as_string(2))) as server:
            async with Listening(server, sink) as work:
                await work.until(lambda: "e2" in sink.engagements())
                return sink, work.listener.health().counts

    sink, counts = asyncio.run(story())
    assert sink.engagements() == ["e1", "e2"]
    assert counts["closed"] == 1
    assert len(sink.gaps()) >= 1


def test_a_redirect_is_a_refusal_and_takes_no_token_elsewhere() -> None:
    async def story() -> tuple[list[str], dict[str, int]]:
        sink = MemorySink()
        async with (
            serving(refuse(302, Location="/elsewhere?access_token=x")) as server,
            Listening(server, sink) as work,
        ):
            await work.until(lambda: work.listener.health().is_connected)
            return server.paths, work.listener.health().counts

    paths, counts = asyncio.run(story())
    assert paths == ["/ws", "/ws"]
    assert counts["refused"] == 1


def test_neither_token_nor_address_nor_body_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        sink = MemorySink()
        plan = (refuse(401), cut_after(as_string(1)), sending("garbage", as_string(2)))
        async with serving(*plan) as server, Listening(server, sink) as work:
            await work.until(lambda: "e2" in sink.engagements())

    logging.getLogger("websockets.server").setLevel(logging.CRITICAL)
    with caplog.at_level(logging.DEBUG):
        asyncio.run(story())
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("websockets.server")]
    assert any("refused 401" in line for line in ours)
    for line in ours:
        assert "secret-token" not in line
        assert "subscriptionId" not in line
        assert "127.0.0.1" not in line
        assert "engagement" not in line
        assert "garbage" not in line


def test_credentials_that_zoom_refuses_at_the_start_end_the_command_and_later_do_not() -> None:
    def refused() -> ConfigurationError:
        return ConfigurationError("ZCC_ZOOM_CLIENT_SECRET", "refused")

    async def at_the_start() -> None:
        tokens = Tokens()
        tokens.errors.extend([TransientError("busy"), refused()])
        async with serving() as server, Listening(server, MemorySink(), tokens=tokens) as work:
            await asyncio.wait_for(work.task, 30)

    async def later() -> dict[str, int]:
        sink, tokens = MemorySink(), Tokens()

        async def close_and_refuse(socket: ServerConnection) -> None:
            await socket.send(as_string(1))
            tokens.errors.append(refused())
            await socket.close()

        async with serving(close_and_refuse, sending(as_string(2))) as server:
            async with Listening(server, sink, tokens=tokens) as work:
                await work.until(lambda: "e2" in sink.engagements())
                return work.listener.health().counts

    with pytest.raises(ConfigurationError, match="ZCC_ZOOM_CLIENT_SECRET"):
        asyncio.run(at_the_start())
    assert asyncio.run(later())["token"] == 1


def test_back_off_grows_to_a_minute_and_starts_anew_once_a_connection_has_lived() -> None:
    class Impatient(SystemClock):
        def __init__(self) -> None:
            self.waits: list[float] = []

        async def sleep(self, seconds: float) -> None:
            if seconds >= 1:
                self.waits.append(seconds)
                seconds = 0
            await asyncio.sleep(seconds)

    async def throw_out_at_once(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(ANSWER)
        await socket.close(1000)

    async def story() -> list[float]:
        clock = Impatient()
        plan = [refuse(503)] * 7 + [throw_out_at_once, cut_after(heartbeats=2), refuse(503), answer_heartbeats]
        async with serving(*plan) as server:
            config = {"first_wait_seconds": 1.0, "longest_wait_seconds": 60.0, "drain_seconds": 0.2}
            async with Listening(server, MemorySink(), clock=clock, **config) as work:
                work.listener._random = lambda: 1.0
                await work.until(lambda: len(server.tokens) == 11)
        return clock.waits

    assert asyncio.run(story()) == [1, 2, 4, 8, 16, 32, 60, 60, 1, 2]
