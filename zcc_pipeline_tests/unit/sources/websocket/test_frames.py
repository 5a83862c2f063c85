"""Frames of any content: nothing raises, nothing authentic is lost, the event's own bytes survive."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.domain.events import CONNECTION_GAP, UNREADABLE, zoom_event
from zcc_pipeline.sources.websocket import ListenerConfig, gap_event
from zcc_pipeline.sources.websocket.frames import Alive, EventFrame, OtherFrame, Refusal, read_frame

NOW = datetime(2026, 11, 20, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.fixed_dictionaries(
    {
        "event": st.text(min_size=1).filter(lambda name: name.isprintable()),
        "event_ts": st.integers(0, 2_000_000_000_000),
        "payload": st.dictionaries(st.text(max_size=8), JSON, max_size=4),
    }
)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_make_reading_a_frame_fail(data: bytes) -> None:
    frame = read_frame(data)
    if isinstance(frame, EventFrame):
        assert zoom_event(frame.body, intake="websocket", received_at=NOW).body == frame.body


@given(EVENTS, st.booleans(), st.booleans())
def test_an_event_is_the_same_as_string_and_as_object(event: dict[str, object], ascii_only: bool, spaced: bool) -> None:
    text = json.dumps(event, ensure_ascii=ascii_only, indent=1 if spaced else None)
    own = text.encode()
    as_object = read_frame(b'{"module":"message","content":' + own + b"}")
    as_string = read_frame(json.dumps({"module": "message", "content": text}).encode())
    assert as_object == as_string == EventFrame(own)


@given(st.text(min_size=1), JSON)
def test_modules_that_are_not_known_are_other_frames(module: str, content: object) -> None:
    if module in ("message", "heartbeat", "build_connection"):
        return
    assert read_frame(json.dumps({"module": module, "content": content}).encode()) == OtherFrame()


@pytest.mark.parametrize("success", ["", ',"success":true', ',"success":null', ',"success":"false"'])
def test_heartbeats_and_connections_are_alive_unless_they_say_no(success: str) -> None:
    assert read_frame(b'{"module":"heartbeat"%s}' % success.encode()) == Alive(is_answer=True)
    assert read_frame(b'{"module":"build_connection"%s}' % success.encode()) == Alive(is_answer=False)
    assert read_frame(b'{"module":"heartbeat","success":false}') == Refusal("heartbeat")


def test_a_bare_event_without_an_envelope_is_the_event_it_is() -> None:
    body = b'{"event":"a","event_ts":1,"payload":{}}'
    frame = read_frame(body)
    assert isinstance(frame, EventFrame)
    assert zoom_event(frame.body, intake="websocket", received_at=NOW).event == "a"


def test_a_message_whose_string_cannot_be_text_is_kept_whole() -> None:
    data = rb'{"module":"message","content":"\ud800"}'
    frame = read_frame(data)
    assert isinstance(frame, EventFrame)
    assert zoom_event(frame.body, intake="websocket", received_at=NOW).event == UNREADABLE


def test_deeply_nested_frames_are_kept_and_harmless() -> None:
    data = b'{"module":"message","content":' + b"[" * 100_000 + b"}"
    assert read_frame(data) == EventFrame(data)


def test_a_gap_names_both_ends_in_utc_and_has_one_identity() -> None:
    start = datetime(2026, 11, 20, 13, tzinfo=timezone(timedelta(hours=1)))
    gap = gap_event(start, NOW + timedelta(hours=14), received_at=NOW)
    assert json.loads(gap.body) == {"from": "2026-11-20T12:00:00+00:00", "to": "2026-11-20T14:00:00+00:00"}
    assert (gap.intake, gap.event, gap.event_ts, gap.engagement_id) == ("gap", CONNECTION_GAP, start, None)
    assert gap.dedupe_key == gap_event(NOW + timedelta(hours=14), start, received_at=start).dedupe_key
    assert len(gap.dedupe_key) == 32


def test_the_token_is_added_to_the_address_and_replaces_one_that_was_copied_along() -> None:
    config = ListenerConfig("wss://ws.zoom.us/ws?subscriptionId=a%2Fb&access_token=old#x")
    assert config.address("n&w") == "wss://ws.zoom.us/ws?subscriptionId=a%2Fb&access_token=n%26w"
    assert "old" not in repr(config)


@pytest.mark.parametrize(
    "url",
    ["https://ws.zoom.us/ws", "ws://ws.zoom.us/ws?k=hidden", "wss://", "wss://[", "wss://u:hidden@ws.zoom.us/", "ws"],
)
def test_an_address_that_would_expose_the_token_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match="ZCC_WEBSOCKET_URL") as caught:
        ListenerConfig(url)
    assert "hidden" not in str(caught.value)
