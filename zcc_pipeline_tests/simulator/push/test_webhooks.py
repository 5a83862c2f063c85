"""Signed webhooks: what they look like on the wire, when they are sent again, and when not."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
import time
from collections import Counter
from typing import Any

import pytest

from zcc_pipeline.simulator.zoom.push.webhooks import encrypt_token, sign
from zcc_pipeline_tests.simulator.push.conftest import SPEC, Sender
from zcc_pipeline_tests.simulator.push.event_schemas import problems_of
from zcc_pipeline_tests.simulator.push.receiver import SECRET, Receiver

ENDED = ["contact_center.engagement_ended"]


def test_the_signature_is_that_of_the_raw_bytes() -> None:
    body = '{"note": "Zoë \\u00e9 / 1.0"}'.encode()
    wanted = hmac.new(b"secret", b"v0:1700000000:" + body, hashlib.sha256).hexdigest()
    assert sign("secret", 1700000000, body) == f"v0={wanted}"


def test_the_known_answer_to_a_challenge_holds() -> None:
    token = encrypt_token("test-secret", "qgg8vlvZRS6UYooatFL8Aw")
    assert token == "82079ed66225fed153e0854735aa9702e1d67137a69c96a00957941f942b8de7"


def test_a_webhook_looks_like_zoom_s(sender: Sender, receiver: Receiver) -> None:
    result = sender.push(receiver)
    assert result["is_settled"]
    assert receiver.posts
    for post in receiver.posts:
        assert post.is_signed
        assert post.path == "/webhooks/zoom"
        assert post.headers["user-agent"] == "Zoom Marketplace/1.0a"
        assert post.headers["content-type"] == "application/json; charset=utf-8"
        assert abs(int(post.headers["x-zm-request-timestamp"]) - time.time()) < 30
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", post.headers["x-zm-request-id"])
        assert problems_of(json.loads(post.body)) == []
    assert len({post.headers["x-zm-trackingid"] for post in receiver.posts}) == len(receiver.posts)


def test_each_event_comes_once_and_the_truth_says_so(sender: Sender, receiver: Receiver) -> None:
    result = sender.push(receiver)
    counts = result["counts"]["webhook"]
    truth = sender.truth()["events"]
    assert counts["events"] == counts["sent"] == counts["accepted"] == len(truth) == len(receiver.posts) > 200
    assert all(row["routes"]["webhook"]["sent"] == row["routes"]["webhook"]["accepted"] == 1 for row in truth)
    assert {identity(post.body) for post in receiver.posts} == {row["identity"] for row in truth}


def test_one_connection_keeps_the_order_of_what_happened(sender: Sender, receiver: Receiver) -> None:
    sender.push(receiver, concurrency=1)
    told = [json.loads(post.body)["event_ts"] for post in receiver.posts]
    assert told == sorted(told)


def test_a_receiver_that_fails_gets_it_again_three_times_and_then_never(sender: Sender, receiver: Receiver) -> None:
    receiver.answer = lambda _post: 503
    result = sender.push(receiver, only=ENDED, speed=20_000)
    counts = result["counts"]["webhook"]
    assert counts["sent"] == 4 * counts["events"]
    assert counts["retried"] == 3 * counts["events"]
    assert (counts["given_up"], counts["accepted"]) == (counts["events"], 0)
    assert {row["routes"]["webhook"]["accepted"] for row in sender.truth()["events"]} == {0}


def test_retries_come_5_25_and_85_minutes_after_the_first_by_the_faster_clock(
    sender: Sender, receiver: Receiver
) -> None:
    receiver.answer = lambda _post: 500
    moment = sender.sim.standin.account.engagements[-5].end.isoformat()
    for speed in (3000, 1000, 300):
        receiver.posts.clear()
        sender.push(receiver, only=ENDED, speed=speed, from_=moment, to=moment)
        times = [post.at for post in receiver.posts if json.loads(post.body)["event"] == ENDED[0]][:4]
        first, second, third = ((at - times[0]) * speed / 60 for at in times[1:])
        assert first >= 4.5
        assert second >= 24.5
        assert third >= 84.5
        if first < 24.5 and second < 84.5:
            return
    pytest.fail("late however slow the clock")  # a busy machine is, where the clock is fast


def test_it_arrives_with_the_retry_once_the_receiver_is_back(sender: Sender, receiver: Receiver) -> None:
    tries: Counter[bytes] = Counter()

    def fail_once(post: Any) -> int:
        with receiver.lock:
            tries[post.body] += 1
        return 500 if tries[post.body] == 1 else 201

    receiver.answer = fail_once
    counts = sender.push(receiver, only=ENDED)["counts"]["webhook"]
    assert counts["accepted"] == counts["retried"] == counts["events"]
    assert set(tries.values()) == {2}


@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 413, 429, 201])
def test_what_is_refused_or_sent_elsewhere_is_never_sent_again(sender: Sender, receiver: Receiver, status: int) -> None:
    receiver.answer = lambda _post: status
    counts = sender.push(receiver, only=ENDED)["counts"]["webhook"]
    assert (counts["refused"], counts["retried"], counts["accepted"]) == (counts["events"], 0, 0)
    assert len(receiver.posts) == counts["events"]


def test_a_receiver_that_takes_more_than_three_seconds_gets_it_again(sender: Sender, receiver: Receiver) -> None:
    is_first = threading.Event()

    def slow_once(_post: object) -> int:
        if not is_first.is_set():
            is_first.set()
            time.sleep(3.3)
        return 200

    receiver.answer = slow_once
    moment = sender.sim.standin.account.engagements[-5].end.isoformat()
    counts = sender.push(receiver, only=ENDED, from_=moment, to=moment)["counts"]["webhook"]
    assert (counts["retried"], counts["accepted"]) == (1, counts["events"])


def test_a_receiver_that_is_not_there_is_tried_four_times(sender: Sender) -> None:
    nowhere = Receiver("http://127.0.0.1:9/webhooks/zoom")
    counts = sender.push(nowhere, only=ENDED, speed=50_000)["counts"]["webhook"]
    assert counts["sent"] == 4 * counts["events"] == 4 * counts["given_up"]


@pytest.mark.parametrize(
    "url", ["http://example.com/hook", "http://10.0.0.4/hook", "https://127.0.0.1/hook", "ftp://127.0.0.1/", "hook"]
)
def test_nothing_is_ever_sent_off_this_machine(sender: Sender, url: str) -> None:
    answer = sender.refused("push", webhook_url=url, secret=SECRET)
    assert answer.status_code == 422
    assert "addresses only" in answer.json()["error"]
    assert sender.refused("challenge", webhook_url=url, secret=SECRET).status_code == 422


def test_a_challenge_is_checked_on_demand(sender: Sender, receiver: Receiver) -> None:
    good = sender.control("challenge", webhook_url=receiver.url, secret=SECRET)
    assert (good["is_answered"], good["status"], good["problem"]) == (True, 200, None)
    assert receiver.challenges[0].is_signed
    body = json.loads(receiver.challenges[0].body)
    assert len(body["payload"]["plainToken"]) == 22
    receiver.answers_challenges = False
    bad = sender.control("challenge", webhook_url=receiver.url, secret=SECRET)
    assert (bad["is_answered"], bad["problem"]) == (False, "encryptedToken is wrong")
    assert sender.truth()["challenges"] == {"answered": 1, "failed": 1}


def test_a_challenge_comes_every_so_many_webhooks(sender: Sender, receiver: Receiver) -> None:
    result = sender.push(receiver, challenge_every=100)
    expected = -(-result["counts"]["webhook"]["events"] // 100)
    assert len(receiver.challenges) == expected == sender.truth()["challenges"]["answered"]
    assert len({post.body for post in receiver.challenges}) == expected


def test_the_path_is_called_exactly_as_given(sender: Sender, receiver: Receiver) -> None:
    sender.push(Receiver(receiver.url + "/?via=proxy"), only=ENDED)
    assert {post.path for post in receiver.posts} == {"/webhooks/zoom/?via=proxy"}


def test_everything_is_pushed_from_the_start_where_the_options_say_so(serve: Any, receiver: Receiver) -> None:
    from zcc_pipeline.simulator.zoom.push.requests import PushRequest

    sender = serve(SPEC, push=PushRequest(webhook_url=receiver.url, secret=SECRET))
    sender.until_settled()
    assert sender.progress()["jobs"][0]["counts"]["webhook"]["accepted"] == len(receiver.posts) > 200


def identity(body: bytes) -> str:
    """As any receiver would tell events apart."""
    whole = json.loads(body)
    told = {name: whole[name] for name in ("event", "event_ts", "payload")}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
