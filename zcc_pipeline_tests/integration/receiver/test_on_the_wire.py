"""A real server on loopback: what senders do that no ASGI test can do."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from zcc_pipeline_tests.event_senders import flow_body, signed, with_token, zoom_body
from zcc_pipeline_tests.integration.receiver.conftest import Running, running
from zcc_pipeline_tests.published_events import published_events

pytestmark = pytest.mark.integration

CHALLENGE = b'{"event":"endpoint.url_validation","event_ts":1,"payload":{"plainToken":"abc"}}'


def post(receiver: Running, body: bytes, client: httpx.Client | None = None, **options: Any) -> httpx.Response:
    assert receiver.listening is not None
    headers = [(name.decode(), value.decode()) for name, value in signed(body)]
    return (client or httpx).post(receiver.listening.webhook_url or "", content=body, headers=headers, **options)


def head_of(body: bytes, *, length: int | None = None) -> bytes:
    lines = [b"POST /webhooks/zoom HTTP/1.1", b"host: x", *(b": ".join(pair) for pair in signed(body))]
    lines.append(b"content-length: %d" % (len(body) if length is None else length))
    return b"\r\n".join([*lines, b"", b""])


def connect(receiver: Running) -> socket.socket:
    return socket.create_connection(receiver.address, timeout=10)


def is_refused(receiver: Running) -> bool:
    try:
        connect(receiver).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        return False  # it was in the queue of a listener that is just closing
    return False


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def until_closed(connection: socket.socket) -> bytes:
    heard = b""
    while True:
        try:
            chunk = connection.recv(65_536)
        except ConnectionResetError:
            return heard
        if not chunk:
            return heard
        heard += chunk


def test_every_published_event_is_accepted(receiver: Running) -> None:
    samples = [json.dumps(body).encode() for body in published_events().values() if body]
    with httpx.Client() as client:
        assert {post(receiver, body, client).status_code for body in samples} == {200}
    assert sorted(event.body for event in receiver.inbox.events) == sorted(samples)
    assert len(samples) == 108


def test_a_flow_script_can_post(receiver: Running) -> None:
    assert receiver.listening is not None
    headers = [(name.decode(), value.decode()) for name, value in with_token()]
    answered = httpx.post(receiver.listening.flow_url or "", content=flow_body(), headers=headers)
    assert (answered.status_code, answered.json()) == (200, {"status": "stored"})


def test_many_connections_at_once_each_get_their_answer_and_nothing_is_kept_twice(receiver: Running) -> None:
    def one_sender(number: int) -> list[int]:
        with httpx.Client() as client:
            return [
                post(receiver, zoom_body(number=(number // 2) * 50 + each), client).status_code for each in range(50)
            ]

    with ThreadPoolExecutor(16) as senders:
        statuses = [status for each in senders.map(one_sender, range(16)) for status in each]
    assert statuses == [200] * 800
    assert len(receiver.inbox.events) == 400


def test_what_is_not_http_is_refused_and_the_next_sender_is_served(receiver: Running) -> None:
    for garbage in (
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /\x00 HTTP/1.1\r\n\r\n",
        b"\r\n" * 9,
    ):
        with connect(receiver) as connection:
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            heard = until_closed(connection)
        assert heard == b"" or heard.startswith(b"HTTP/1.1 400")
    assert post(receiver, zoom_body()).status_code == 200


def test_a_body_of_two_lengths_is_no_request(receiver: Running) -> None:
    body = zoom_body()
    with connect(receiver) as connection:
        connection.sendall(head_of(body).replace(b"host: x", b"host: x\r\ntransfer-encoding: chunked") + body)
        assert until_closed(connection).startswith(b"HTTP/1.1 400")
    assert receiver.inbox.events == []


def test_an_upgrade_is_not_offered(receiver: Running) -> None:
    body = zoom_body()
    with connect(receiver) as connection:
        upgrade = b"host: x\r\nconnection: upgrade\r\nupgrade: websocket"
        connection.sendall(head_of(body).replace(b"host: x", upgrade) + body)
        assert connection.recv(100).split()[1] not in {b"101", b"500"}


def test_senders_who_say_nothing_or_hardly_anything_are_shown_out_while_others_are_served() -> None:
    body = zoom_body()
    with running(head_timeout_seconds=0.6, body_timeout_seconds=0.6) as receiver:
        slow = {
            "silent": (connect(receiver), b""),
            "head": (connect(receiver), b"POST /webhooks/zoom HTTP/1.1\r\nhost:"),
            "body": (connect(receiver), head_of(body) + body[:10]),
            "second": (connect(receiver), head_of(body) + body + b"POST /webhooks"),
        }
        for connection, first in slow.values():
            connection.sendall(first)
        begin = time.monotonic()
        served = 0
        while slow and time.monotonic() - begin < 60:
            assert post(receiver, zoom_body(number=100 + served)).status_code == 200
            served += 1
            time.sleep(0.1)
            for name, (connection, _) in list(slow.items()):
                try:
                    connection.sendall(b"x")  # a byte now and then does not buy time
                    connection.setblocking(False)
                    if connection.recv(4096) == b"":
                        raise ConnectionResetError
                except BlockingIOError:
                    connection.setblocking(True)
                except (ConnectionResetError, BrokenPipeError):
                    connection.close()
                    del slow[name]
                else:
                    connection.setblocking(True)
        assert slow == {}
        assert served


def test_a_body_without_length_is_cut_off_at_the_limit() -> None:
    with running(max_body_bytes=100_000, body_timeout_seconds=5) as receiver:
        with connect(receiver) as connection:
            head = head_of(b"").replace(b"content-length: 0", b"transfer-encoding: chunked")
            connection.sendall(head)
            heard = b""
            try:
                for _ in range(200):  # 13 MB
                    connection.sendall(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
                heard = connection.recv(4096)
                heard += until_closed(connection)
            except (BrokenPipeError, ConnectionResetError):
                pass
            assert heard == b"" or heard.startswith(b"HTTP/1.1 413")
        assert post(receiver, zoom_body()).status_code == 200
    assert [event.body for event in receiver.inbox.events] == [zoom_body()]
    assert b'"too_large"' in receiver.log.getvalue()


def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(receiver: Running) -> None:
    with connect(receiver) as connection:
        connection.sendall(head_of(b"", length=2_000_000))
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_head_without_end_is_cut_off(receiver: Running) -> None:
    with connect(receiver) as connection:
        connection.sendall(b"POST /webhooks/zoom HTTP/1.1\r\nx: ")
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            connection.sendall(b"y" * 30_000_000)
    assert post(receiver, zoom_body()).status_code == 200


def test_more_connections_than_allowed_are_told_to_come_back() -> None:
    with running(max_connections=5) as receiver:
        held = [connect(receiver) for _ in range(6)]
        assert post(receiver, zoom_body()).status_code == 503  # accepted after those that came before it
        for connection in held:
            connection.close()
        until(lambda: post(receiver, zoom_body()).status_code == 200)


def test_metrics_are_on_a_port_of_their_own_and_name_nobody(receiver: Running) -> None:
    assert receiver.listening is not None
    for _ in range(2):
        post(receiver, zoom_body())
    post(receiver, CHALLENGE)
    assert httpx.get(receiver.listening.metrics_url.replace("/metrics", "/readyz")).json()["is_ready"] is True
    answered = httpx.get(receiver.listening.metrics_url)
    assert answered.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = [sample for family in text_string_to_metric_families(answered.text) for sample in family.samples]
    counted = {
        tuple(sample.labels.values()): sample.value for sample in samples if sample.name.endswith("requests_total")
    }
    assert counted == {("webhook", "stored"): 1, ("webhook", "duplicate"): 1, ("webhook", "challenge"): 1}
    values = {sample.name: sample.value for sample in samples}
    assert values["zcc_receiver_request_seconds_count"] == 3
    assert values["zcc_receiver_clock_skew_seconds"] < 60
    assert values["zcc_inbox_alive"] == 1
    assert {label for sample in samples for label in sample.labels} == {"intake", "result", "le"}
    for path in ("/metrics", "/metrics/"):
        url = (receiver.listening.webhook_url or "").replace("/webhooks/zoom", path)
        assert httpx.get(url).status_code == 404


def test_a_health_check_is_answered_on_both_ports(receiver: Running) -> None:
    assert receiver.listening is not None
    for url in (
        (receiver.listening.webhook_url or "").replace("/webhooks/zoom", ""),
        receiver.listening.metrics_url[:-8],
    ):
        assert httpx.get(f"{url}/healthz").status_code == 200
        assert httpx.get(f"{url}/readyz").status_code == 200


def test_a_broken_inbox_refuses_events_and_answers_the_challenge(receiver: Running) -> None:
    receiver.inbox.is_broken = True
    answered = post(receiver, zoom_body())
    assert (answered.status_code, answered.headers["retry-after"]) == (503, "5")
    assert post(receiver, CHALLENGE).status_code == 200


def test_an_event_that_is_being_kept_when_the_receiver_stops_is_still_acknowledged(receiver: Running) -> None:
    gate = asyncio.Event()
    receiver.inbox.gate = gate
    with ThreadPoolExecutor(1) as sender:
        answered = sender.submit(post, receiver, zoom_body())
        until(lambda: receiver.inbox.waiting == 1)
        receiver.stop()
        until(lambda: is_refused(receiver))
        assert not answered.done()
        receiver.in_loop(gate.set)
        assert answered.result().status_code == 200
    assert len(receiver.inbox.events) == 1


def test_nobody_is_told_what_serves_here(receiver: Running) -> None:
    assert set(post(receiver, zoom_body()).headers) == {"date", "content-length", "content-type"}
