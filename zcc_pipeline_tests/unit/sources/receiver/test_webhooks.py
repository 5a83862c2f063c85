"""What becomes of a webhook, and what the sender and the log learn of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from zcc_pipeline.domain.events import UNREADABLE
from zcc_pipeline.inbox import InboxHealth
from zcc_pipeline_tests.event_senders import JSON_TYPE, SECRET, ask, signed, zoom_body
from zcc_pipeline_tests.published_events import published_events
from zcc_pipeline_tests.unit.sources.receiver.conftest import NOW, Bench

WEBHOOK = "/webhooks/zoom"
AT = int(NOW.timestamp())


def push(bench: Bench, body: bytes, *, path: str = WEBHOOK) -> int:
    return bench.ask(path, signed(body, at=bench.clock.now().timestamp()), body).status


def test_every_published_event_is_accepted_and_kept_as_it_came(bench: Bench) -> None:
    samples = {name: json.dumps(body).encode() for name, body in published_events().items() if body}
    assert len(samples) == 108
    for body in samples.values():
        assert push(bench, body) == 200
    assert {event.event: event.body for event in bench.inbox.events} == samples
    assert {event.intake for event in bench.inbox.events} == {"webhook"}
    assert {event.received_at for event in bench.inbox.events} == {NOW}


def test_names_that_nobody_has_published_are_kept_all_the_same(bench: Bench) -> None:
    names = set(published_events()) | {"contact_center.engagement_noted", "Contact_Center.Recording_Completed"}
    for name in names:
        assert push(bench, zoom_body(name)) == 200
    assert {event.event for event in bench.inbox.events} == names


def test_the_same_event_again_is_accepted_and_kept_once(bench: Bench) -> None:
    body = zoom_body()
    again = json.dumps(json.loads(body), indent=1).encode()
    assert [push(bench, each) for each in (body, body, again)] == [200, 200, 200]
    assert len(bench.inbox.events) == 1
    assert bench.metrics.requests.value("webhook", "duplicate") == 2


def test_the_same_event_at_the_same_moment_is_kept_once(bench: Bench) -> None:
    body = zoom_body()

    async def at_once() -> list[int]:
        bench.inbox.gate = asyncio.Event()
        waiting = [asyncio.create_task(ask(bench.app, WEBHOOK, signed(body, at=AT), body)) for _ in range(20)]
        await asyncio.sleep(0)
        bench.inbox.gate.set()
        return [answered.status for answered in await asyncio.gather(*waiting) if answered]

    assert asyncio.run(at_once()) == [200] * 20
    assert len(bench.inbox.events) == 1


def test_nothing_is_acknowledged_before_it_is_kept(bench: Bench) -> None:
    body = zoom_body()

    async def story() -> bool:
        bench.inbox.gate = asyncio.Event()
        waiting = asyncio.create_task(ask(bench.app, WEBHOOK, signed(body, at=AT), body))
        for _ in range(20):
            await asyncio.sleep(0)
        answered_early = waiting.done()
        bench.inbox.gate.set()
        await waiting
        return answered_early

    assert asyncio.run(story()) is False


def test_an_account_that_is_not_ours_is_no_reason_to_refuse(bench: Bench) -> None:
    assert push(bench, zoom_body(account="somebody-else")) == 200
    assert bench.inbox.events[0].account_id == "somebody-else"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'"text"', b"[" * 5000])
def test_authentic_bytes_that_are_no_event_are_kept_as_unreadable(bench: Bench, body: bytes) -> None:
    assert push(bench, body) == 200
    assert [(event.event, event.body) for event in bench.inbox.events] == [(UNREADABLE, body)]
    assert bench.metrics.requests.value("webhook", "unreadable") == 1


@pytest.mark.parametrize("path", ["/webhooks/zoom", "/webhooks/zoom/", "/webhooks/zoom//", "/zcc/webhooks/zoom/"])
def test_a_slash_at_the_end_or_the_proxys_path_in_front_changes_nothing(
    bench_with: Callable[..., Bench], path: str
) -> None:
    assert push(bench_with(root_path="/zcc"), zoom_body(), path=path) == 200


@pytest.mark.parametrize(
    "path", ["/", "/webhooks", "/webhooks/zoom/x", "/zccwebhooks/zoom", "/Webhooks/Zoom", "/metrics"]
)
def test_any_other_path_is_not_there(bench: Bench, path: str) -> None:
    answered = bench.ask(path, signed(zoom_body(), at=AT), zoom_body())
    assert (answered.status, answered.body) == (404, b"")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
def test_an_intake_takes_posts_and_knows_no_cross_origin(bench: Bench, method: str) -> None:
    headers = [(b"origin", b"https://evil.example"), (b"access-control-request-method", b"POST")]
    for path in (WEBHOOK, "/flow-events"):
        answered = bench.ask(path, headers, method=method)
        assert (answered.status, answered.headers[b"allow"]) == (405, b"POST")
        assert not [name for name in answered.headers if name.startswith(b"access-control")]


@pytest.mark.parametrize(
    ("types", "status"),
    [
        ([b"application/json"], 200),
        ([b"application/json; charset=utf-8"], 200),
        ([b"Application/JSON;charset=UTF-8"], 200),
        ([], 415),
        ([b""], 415),
        ([b"text/plain"], 415),
        ([b"application/jsonp"], 415),
        ([b"application/x-www-form-urlencoded"], 415),
        ([b"application/json", b"text/plain"], 415),
    ],
)
def test_only_json_is_taken_with_parameters_or_without(bench: Bench, types: list[bytes], status: int) -> None:
    body = zoom_body()
    headers = [(b"content-type", each) for each in types] + signed(body, at=AT)[1:]
    assert bench.ask(WEBHOOK, headers, body).status == status


def test_a_body_is_counted_while_it_comes_in(bench_with: Callable[..., Bench]) -> None:
    bench = bench_with(max_body_bytes=1000)
    whole = b'{"event":"a","pad":"' + b"x" * 978 + b'"}'
    assert len(whole) == 1000
    assert push(bench, whole) == 200
    pieces = [b"x" * 400] * 1000
    answered = bench.ask(WEBHOOK, signed(b"".join(pieces), at=AT), pieces)
    assert answered.status == 413
    announced = [*signed(b"", at=AT), (b"content-length", b"1001")]
    assert bench.ask(WEBHOOK, announced, b"").status == 413
    assert len(bench.inbox.events) == 1
    assert bench.metrics.requests.value("webhook", "too_large") == 2


def test_bodies_of_many_strangers_at_once_are_bounded_together(bench_with: Callable[..., Bench]) -> None:
    bench = bench_with(max_body_bytes=1000, max_unread_bytes=5000)

    async def crowd() -> list[int]:
        gate = asyncio.Event()

        async def slow_sender(number: int) -> int:
            sent: list[dict[str, object]] = []
            pieces = [b"x" * 900, b"x"]

            async def receive() -> dict[str, object]:
                if len(pieces) == 1:
                    await gate.wait()
                return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

            async def send(message: dict[str, object]) -> None:
                sent.append(message)

            scope = {"type": "http", "method": "POST", "path": WEBHOOK, "client": ("192.0.2.7", number)}
            await bench.app(scope | {"headers": signed(b"x" * 901, at=AT)}, receive, send)
            status = sent[0]["status"]
            assert isinstance(status, int)
            return status

        waiting = [asyncio.create_task(slow_sender(number)) for number in range(8)]
        for _ in range(5):
            await asyncio.sleep(0)
        gate.set()
        return await asyncio.gather(*waiting)

    assert sorted(asyncio.run(crowd())) == [200] * 5 + [503] * 3
    assert push(bench, b"x" * 999) == 200, "what was read is given back"


def test_a_sender_who_leaves_in_the_middle_is_counted_and_not_answered(bench: Bench) -> None:
    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "path": WEBHOOK, "headers": signed(b"{}", at=AT), "client": None}
    asyncio.run(bench.app(scope, receive, send))
    assert bench.metrics.requests.value("webhook", "incomplete") == 1


def test_an_inbox_that_cannot_keep_refuses_so_that_zoom_sends_again_and_still_answers_the_challenge(
    bench: Bench,
) -> None:
    bench.inbox.is_broken = True
    body = zoom_body()
    answered = bench.ask(WEBHOOK, signed(body, at=AT), body)
    assert (answered.status, answered.headers[b"retry-after"], answered.body) == (503, b"5", b"")
    challenge = b'{"event":"endpoint.url_validation","event_ts":1,"payload":{"plainToken":"abc"}}'
    assert push(bench, challenge) == 200
    bench.inbox.is_broken = False
    assert push(bench, body) == 200
    assert [line.get("reason") for line in bench.lines()] == ["unavailable", None, None]


def test_a_bug_is_a_500_that_quotes_nothing(bench: Bench) -> None:
    async def fail(event: object) -> None:
        raise RuntimeError(f"cannot digest {event!r} +4930123456")

    bench.inbox.put = fail  # type: ignore[assignment,method-assign]
    body = zoom_body()
    answered = bench.ask(WEBHOOK, signed(body, at=AT), body)
    assert (answered.status, answered.body) == (500, b"")
    assert [(line["what"], line["error"]) for line in bench.lines()] == [("error", "RuntimeError")]
    assert "4930" not in bench.stream.getvalue().decode()


def test_a_line_tells_which_event_it_was_and_nothing_of_what_it_says(bench: Bench) -> None:
    note = {"event": "contact_center.engagement_note_added", "event_ts": 1, "payload": {"account_id": "acc", "object": {
        "note": "Call Ms Miller back", "consumer_number": "+4930123456", "user_email": "agent@example.com",
    }}}  # fmt: skip
    body = json.dumps(note).encode()
    headers = [*signed(body, at=AT), (b"x-zm-trackingid", b"WEB_ab:12-3 <agent@example.com>" + b"x" * 300)]
    for _ in range(2):
        bench.ask(WEBHOOK, headers, body)
    first, second = bench.lines()
    key = bench.inbox.events[0].dedupe_key.hex()
    assert {name: first[name] for name in ("what", "level", "intake", "event", "seq", "key")} == {
        "what": "received", "level": "info", "intake": "webhook", "event": "contact_center.engagement_note_added",
        "seq": 1, "key": key[:12],
    }  # fmt: skip
    assert first["tracking_id"].startswith("WEB_ab:12-3??agent?example.com?xxx")
    assert len(first["tracking_id"]) == 100
    assert second["duplicate"] is True
    for private in ("Miller", "4930123456", "agent@", SECRET):
        assert private not in bench.stream.getvalue().decode()


def test_the_name_of_an_event_is_masked_where_it_is_no_name(bench: Bench) -> None:
    push(bench, zoom_body("call +49 30 123 for agent@example.com"))
    assert bench.lines()[0]["event"] == "call?+49?30?123?for?agent?example.com"


def test_failed_signatures_are_limited_per_source_and_good_ones_never(bench_with: Callable[..., Bench]) -> None:
    bench = bench_with(failures_per_minute=3)
    body = zoom_body()
    wrong = signed(body, secret="wrong", at=AT)
    assert [bench.ask(WEBHOOK, wrong, body).status for _ in range(5)] == [401, 401, 401, 429, 429]
    assert bench.ask(WEBHOOK, wrong, body, client=("192.0.2.8", 1)).status == 401
    assert bench.ask(WEBHOOK, signed(body, at=AT), body).status == 200
    bench.clock.at = bench.clock.at.replace(minute=1)
    assert bench.ask(WEBHOOK, wrong, body).status == 401
    refused = [line for line in bench.lines() if line["what"] == "refused"]
    assert [line.get("next") for line in refused] == [None, None, "not logged one by one for a minute", None, None]
    assert bench.metrics.requests.value("webhook", "limited") == 2


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "source"),
    [
        ((), "10.0.0.1", [b"203.0.113.9"], "10.0.0.1"),
        (("10.0.0.0/8",), "192.0.2.7", [b"203.0.113.9"], "192.0.2.7"),
        (("10.0.0.0/8",), "10.0.0.1", [b"203.0.113.9"], "203.0.113.9"),
        (("10.0.0.0/8",), "10.0.0.1", [b"198.51.100.1, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        (("10.0.0.0/8",), "10.0.0.1", [b"198.51.100.1", b"203.0.113.9"], "203.0.113.9"),
        (("10.0.0.0/8",), "10.0.0.1", [b"<script>"], "10.0.0.1"),
        (("10.0.0.0/8",), "10.0.0.1", [], "10.0.0.1"),
        (("::1",), "::1", [b"2001:db8::5"], "2001:db8::5"),
        (("10.0.0.0/8",), "::ffff:10.0.0.1", [b"203.0.113.9"], "203.0.113.9"),
    ],
)
def test_a_forwarded_address_counts_only_from_a_trusted_proxy(
    bench_with: Callable[..., Bench], trusted: tuple[str, ...], peer: str, forwarded: list[bytes], source: str
) -> None:
    bench = bench_with(trusted_proxies=trusted)
    bench.ask(WEBHOOK, [JSON_TYPE, *((b"x-forwarded-for", each) for each in forwarded)], b"", client=(peer, 1))
    assert bench.lines()[0]["source"] == source


def test_a_connection_without_an_address_is_one_source(bench: Bench) -> None:
    bench.ask(WEBHOOK, [JSON_TYPE], b"", client=None)
    assert bench.lines()[0]["source"] == "unknown"


def test_an_intake_without_secrets_is_not_there(bench_with: Callable[..., Bench]) -> None:
    bench = bench_with(secret_tokens=())
    assert push(bench, zoom_body()) == 404
    bench = bench_with(flow_tokens=())
    assert bench.ask("/flow-events", [JSON_TYPE], b"{}").status == 404


@pytest.mark.parametrize(
    ("health", "is_ready"),
    [
        (InboxHealth(is_alive=True, waiting=0, last_commit_at=None, last_error=None, free_bytes=None), True),
        (InboxHealth(is_alive=True, waiting=9, last_commit_at=NOW, last_error=None, free_bytes=10**9), True),
        (InboxHealth(is_alive=False, waiting=0, last_commit_at=NOW, last_error=None, free_bytes=10**9), False),
        (InboxHealth(is_alive=True, waiting=0, last_commit_at=NOW, last_error="OSError", free_bytes=10**9), False),
        (InboxHealth(is_alive=True, waiting=0, last_commit_at=NOW, last_error=None, free_bytes=10**6), False),
    ],
)
def test_readiness_says_whether_events_can_be_kept(bench: Bench, health: InboxHealth, is_ready: bool) -> None:
    bench.inbox.health_now = health
    answered = bench.ask("/readyz", method="GET")
    assert (answered.status, answered.body) == (200 if is_ready else 503, b"")
    assert bench.ask("/healthz", method="GET").status == 200
    assert bench.ask("/healthz").status == 405


def test_events_that_wait_while_nothing_is_written_are_a_problem(bench: Bench) -> None:
    bench.inbox.health_now = InboxHealth(is_alive=True, waiting=3, last_commit_at=NOW, last_error=None, free_bytes=None)
    assert bench.ask("/readyz", method="GET").status == 200
    bench.clock.at = NOW.replace(second=11)
    assert bench.ask("/readyz", method="GET").status == 503
