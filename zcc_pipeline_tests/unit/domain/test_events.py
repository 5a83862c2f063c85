from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from zcc_pipeline.domain.events import UNREADABLE, zoom_event

AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
EVENT = {
    "event": "contact_center.engagement_ended",
    "event_ts": 1762075800123,
    "payload": {"account_id": "acc", "object": {"engagement_id": "eng-1", "channel": "voice"}},
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def test_the_envelope_is_read() -> None:
    read = zoom_event(json.dumps(EVENT).encode(), intake="webhook", received_at=AT)
    assert (read.event, read.account_id, read.engagement_id) == ("contact_center.engagement_ended", "acc", "eng-1")
    assert read.event_ts == datetime(2025, 11, 2, 9, 30, 0, 123000, tzinfo=UTC)
    assert len(read.dedupe_key) == 32


def test_layout_and_intake_do_not_make_another_event() -> None:
    compact = zoom_event(json.dumps(EVENT, separators=(",", ":")).encode(), intake="webhook", received_at=AT)
    turned = dict(reversed(EVENT.items()))
    pretty = zoom_event(json.dumps(turned, indent=2).encode(), intake="websocket", received_at=AT)
    assert compact.dedupe_key == pretty.dedupe_key


def test_another_moment_or_another_word_makes_another_event() -> None:
    keys = {
        zoom_event(json.dumps(event).encode(), intake="webhook", received_at=AT).dedupe_key
        for event in (EVENT, EVENT | {"event_ts": 1}, EVENT | {"payload": {}}, EVENT | {"event": "x"})
    }
    assert len(keys) == 4


@given(JSON, st.booleans())
def test_no_json_is_too_strange(value: object, is_wrapped: bool) -> None:
    body = json.dumps(EVENT | {"payload": value, "event_ts": value} if is_wrapped else value).encode()
    read = zoom_event(body, intake="webhook", received_at=AT)
    assert read.body == body
    assert len(read.dedupe_key) == 32


@given(st.binary())
def test_no_bytes_are_too_strange(body: bytes) -> None:
    assert zoom_event(body, intake="webhook", received_at=AT).dedupe_key


def test_what_is_no_event_is_unreadable() -> None:
    bodies = [b"", b"{", b"[]", b'{"event": 1}', b"[" * 100_000, b'"\\ud800"', b'{"event": ""}']
    assert {zoom_event(body, intake="webhook", received_at=AT).event for body in bodies} == {UNREADABLE}


def test_names_and_ids_that_no_database_takes_are_none() -> None:
    for wrong in ("x" * 201, "a\0b"):
        read = zoom_event(json.dumps(EVENT | {"event": wrong}).encode(), intake="webhook", received_at=AT)
        assert read.event == UNREADABLE
        payload = {"account_id": wrong, "object": {"engagement_id": wrong}}
        read = zoom_event(json.dumps(EVENT | {"payload": payload}).encode(), intake="webhook", received_at=AT)
        assert (read.account_id, read.engagement_id) == (None, None)
