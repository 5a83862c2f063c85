"""Who may push: signatures held against answers that were computed elsewhere."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zcc_pipeline.sources.receiver.signature import sign
from zcc_pipeline_tests.event_senders import (
    JSON_TYPE,
    OLD_SECRET,
    SECRET,
    ask,
    signed,
    webhook_signature,
    zoom_body,
    zoom_node_sample_accepts,
)
from zcc_pipeline_tests.examples import of_all
from zcc_pipeline_tests.unit.sources.receiver.conftest import NOW, Bench

if TYPE_CHECKING:
    from collections.abc import Callable

WEBHOOK = "/webhooks/zoom"
AT = int(NOW.timestamp())
CHALLENGE = (
    b'{"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1654503849680,"event":"endpoint.url_validation"}'
)


def test_signatures_are_those_that_openssl_computes() -> None:
    # printf 'v0:1739923528:…' | openssl dgst -sha256 -hmac test-secret
    known = {
        CHALLENGE: b"v0=e460e548dc3de82a5e86133d7229f140d7c8a21686f4b8b2c01619c2b75c5496",
        b'{"event":"a","n":1.0,"s":"\\u00e9"}': b"v0=94ef7921170d90b82a2ea64d66579a98bae56b1728ab9665db33939f082907e8",
    }
    for body, signature in known.items():
        assert sign(b"test-secret", b"1739923528", body) == signature


def test_the_challenge_is_answered_as_zooms_own_sample_answers_it(bench_with: Callable[..., Bench]) -> None:
    bench = bench_with(secret_tokens=("test-secret",))
    answered = bench.ask(WEBHOOK, signed(CHALLENGE, secret="test-secret", at=AT), CHALLENGE)
    assert (answered.status, answered.headers[b"content-type"]) == (200, b"application/json")
    assert json.loads(answered.body) == {
        "plainToken": "qgg8vlvZRS6UYooatFL8Aw",
        "encryptedToken": "82079ed66225fed153e0854735aa9702e1d67137a69c96a00957941f942b8de7",
    }
    assert bench.inbox.events == []
    assert bench.inbox.notes == {"challenge": NOW}


def test_what_zooms_sample_accepts_is_accepted(bench: Bench) -> None:
    body = zoom_body()
    headers = signed(body, at=AT)
    assert zoom_node_sample_accepts(SECRET, str(AT), headers[1][1].decode(), body)
    assert bench.ask(WEBHOOK, headers, body).status == 200


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(json.loads(zoom_body()), indent=2).encode(),
        b'{"event":"a","event_ts":1,"payload":{"note":"caf\\u00e9"}}',
        b'{"event":"a","event_ts":1,"payload":{"url":"https:\\/\\/zoom.us"}}',
        b'{"event":"a","event_ts":1,"payload":{"rate":1.0}}',
        '{"event":"a","event_ts":1,"payload":{"note":"café 你好 🎧"}}'.encode(),
    ],
    ids=["pretty", "escaped", "slashes", "float", "utf-8"],
)
def test_bytes_are_signed_however_the_json_is_spelled(bench: Bench, body: bytes) -> None:
    assert bench.ask(WEBHOOK, signed(body, at=AT), body).status == 200
    assert [event.body for event in bench.inbox.events] == [body]


def test_either_of_two_secrets_is_good(bench: Bench) -> None:
    for number, secret in enumerate((SECRET, OLD_SECRET)):
        body = zoom_body(number=number)
        assert bench.ask(WEBHOOK, signed(body, secret=secret, at=AT), body).status == 200
    assert bench.ask(WEBHOOK, signed(zoom_body(), secret="revoked", at=AT), zoom_body()).status == 401
    assert len(bench.inbox.events) == 2


def test_a_challenge_is_answered_with_the_secret_that_zoom_signed_it_with(bench: Bench) -> None:
    answers = [
        json.loads(bench.ask(WEBHOOK, signed(CHALLENGE, secret=secret, at=AT), CHALLENGE).body)["encryptedToken"]
        for secret in (SECRET, OLD_SECRET, SECRET)
    ]
    assert answers[0] == answers[2] != answers[1]


@pytest.mark.parametrize("plain", ["", "x" * 201, "v0:1739923528:{}", "a b", "a\nb", 17, None, ["a"]])
def test_the_challenge_signs_no_text_that_could_be_an_event(bench: Bench, plain: object) -> None:
    body = json.dumps({"event": "endpoint.url_validation", "payload": {"plainToken": plain}}).encode()
    assert bench.ask(WEBHOOK, signed(body, at=AT), body).status == 400
    assert bench.lines()[-1]["reason"] == "bad_challenge"


def test_nobody_gets_anything_signed_without_a_signature(bench: Bench) -> None:
    answered = bench.ask(WEBHOOK, [JSON_TYPE], CHALLENGE)
    assert (answered.status, answered.body) == (401, b"")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({b"x-zm-signature": []}, "missing_header"),
        ({b"x-zm-request-timestamp": []}, "missing_header"),
        ({b"x-zm-signature": [b"GOOD", b"GOOD"]}, "duplicate_header"),
        ({b"x-zm-signature": [b"v0=00", b"GOOD"]}, "duplicate_header"),
        ({b"x-zm-request-timestamp": [b"GOOD", b"GOOD"]}, "duplicate_header"),
        ({b"x-zm-request-timestamp": [b""]}, "malformed_timestamp"),
        ({b"x-zm-request-timestamp": [b"1:2"]}, "malformed_timestamp"),
        ({b"x-zm-request-timestamp": [b"-5"]}, "malformed_timestamp"),
        ({b"x-zm-request-timestamp": ["١٢٣".encode()]}, "malformed_timestamp"),
        ({b"x-zm-request-timestamp": [b"1" * 14]}, "malformed_timestamp"),
        ({b"x-zm-request-timestamp": [str(AT + 1).encode()]}, "bad_signature"),
        ({b"x-zm-signature": [b""]}, "bad_signature"),
        ({b"x-zm-signature": [b"v0="]}, "bad_signature"),
        ({b"x-zm-signature": [b"v1=" + b"0" * 64]}, "bad_signature"),
        ({b"x-zm-signature": ["v0=é".encode()]}, "bad_signature"),
    ],
)
def test_each_refusal_has_its_reason_in_one_line_of_the_log_and_none_in_the_answer(
    bench: Bench, change: dict[bytes, list[bytes]], reason: str
) -> None:
    body = zoom_body()
    good = dict(signed(body, at=AT))
    headers = [
        (name, good[name] if value == b"GOOD" else value) for name in good for value in change.get(name, [good[name]])
    ]
    answered = bench.ask(WEBHOOK, headers, body)
    assert (answered.status, answered.body) == (401, b"")
    assert bench.inbox.events == []
    assert bench.metrics.requests.value("webhook", reason) == 1
    [line] = bench.lines()
    assert (line["what"], line["status"], line["reason"], line["source"]) == ("refused", 401, reason, "192.0.2.7")


def test_the_time_may_be_in_milliseconds(bench: Bench) -> None:
    body = zoom_body()
    stamp = str(AT * 1000 - 5_000)
    headers = [
        JSON_TYPE,
        (b"x-zm-signature", webhook_signature(SECRET, stamp, body).encode()),
        (b"x-zm-request-timestamp", stamp.encode()),
    ]
    assert bench.ask(WEBHOOK, headers, body).status == 200
    assert bench.metrics.clock_skew.value == 5


@pytest.mark.parametrize(("age", "status"), [(0, 200), (300, 200), (301, 401), (-300, 200), (-301, 401), (3600, 401)])
def test_an_event_may_be_as_old_as_the_tolerance(bench: Bench, age: int, status: int) -> None:
    body = zoom_body()
    assert bench.ask(WEBHOOK, signed(body, at=AT - age), body).status == status


def test_authentic_but_stale_is_counted_apart_and_said_aloud_every_time(bench_with: Callable[..., Bench]) -> None:
    bench = bench_with(failures_per_minute=2)
    for number in range(4):
        body = zoom_body(number=number)
        assert bench.ask(WEBHOOK, signed(body, at=AT - 3600), body).status == 401
    assert bench.metrics.requests.value("webhook", "stale_but_valid") == 4
    assert bench.metrics.clock_skew.value == 3600
    lines = bench.lines()
    assert [(line["level"], line["reason"], line["age_seconds"]) for line in lines] == [
        ("error", "stale_but_valid", 3600)
    ] * 4
    assert "ZCC_WEBHOOK_TOLERANCE_SECONDS" in lines[0]["advice"]


def test_the_tolerance_can_be_raised_to_let_late_retries_in(bench_with: Callable[..., Bench]) -> None:
    bench = bench_with(tolerance_seconds=6000)
    body = zoom_body()
    assert bench.ask(WEBHOOK, signed(body, at=AT - 85 * 60), body).status == 200


HEADER_VALUES = st.binary(max_size=80)
TIMESTAMPS = st.one_of(st.binary(max_size=16), st.integers(AT - 400, AT + 400).map(lambda at: str(at).encode()))
BODIES = st.one_of(
    st.binary(max_size=300),
    st.just(CHALLENGE),
    st.integers(0, 3).map(lambda number: zoom_body(number=number)),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ).map(lambda value: json.dumps({"event": "contact_center.x", "payload": value}).encode()),
)


@settings(max_examples=of_all(400), deadline=None)
@given(
    body=BODIES,
    timestamp=TIMESTAMPS,
    signature=st.one_of(HEADER_VALUES, st.sampled_from([SECRET, OLD_SECRET, "wrong"])),
    others=st.lists(st.tuples(st.binary(min_size=1, max_size=20).map(bytes.lower), HEADER_VALUES), max_size=4),
    splits=st.integers(1, 4),
)
def test_nothing_is_kept_and_nothing_fails_unless_an_independent_hmac_agrees(
    body: bytes, timestamp: bytes, signature: bytes | str, others: list[tuple[bytes, bytes]], splits: int
) -> None:
    bench = Bench()
    try:
        if isinstance(signature, str):
            signature = webhook_signature(signature, timestamp.decode("latin-1"), body).encode()
        headers = [JSON_TYPE, (b"x-zm-signature", signature), (b"x-zm-request-timestamp", timestamp), *others]
        step = max(1, -(-len(body) // splits))
        pieces = [body[start : start + step] for start in range(0, len(body), step)] or [b""]
        answered = asyncio.run(ask(bench.app, WEBHOOK, headers, pieces))
    finally:
        bench.log.close()
    assert answered is not None
    assert answered.status < 500
    agrees = signature in {
        webhook_signature(secret, timestamp.decode("latin-1"), body).encode() for secret in (SECRET, OLD_SECRET)
    }
    if bench.inbox.events or answered.status == 200:
        assert agrees
        assert timestamp.isdigit()
        assert abs(int(timestamp) - AT) <= 300 or len(timestamp) > 11
