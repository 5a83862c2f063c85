"""The WebSocket: who may connect, what comes, and that nothing comes again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from zcc_pipeline_tests.simulator.push.conftest import Sender
from zcc_pipeline_tests.simulator.push.test_webhooks import identity

ENDED = ["contact_center.engagement_ended"]
HEARTBEAT = json.dumps({"module": "heartbeat"})


def token_of(sender: Sender) -> str:
    answer = httpx.post(sender.sim.oauth_url, data={"grant_type": "client_credentials"}, auth=("id", "secret"))
    token: str = answer.json()["access_token"]
    return token


@contextmanager
def connected(
    sender: Sender, *, token: str | None = None, subscription: str = "stand-in"
) -> Iterator[ClientConnection]:
    url = sender.sim.websocket_url.replace("stand-in", subscription)
    with connect(f"{url}&access_token={token_of(sender) if token is None else token}", compression=None) as client:
        yield client


def read(client: ClientConnection) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(client.recv(timeout=60))
    return found


def pushed(client: ClientConnection, count: int) -> list[dict[str, Any]]:
    return [read(client) for _ in range(count)]


def until_gone(sender: Sender) -> None:
    deadline = time.monotonic() + 60
    while sender.control("websocket")["connections"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_connection_is_confirmed_and_its_heartbeat_answered(sender: Sender) -> None:
    with connected(sender) as client:
        assert read(client) == {"module": "build_connection", "success": True, "content": "ok", "header": {}}
        client.send("something else")
        client.send(json.dumps(["no", "module"]))
        client.send(HEARTBEAT)
        assert read(client) == {"module": "heartbeat", "success": True, "content": "live", "header": {}}
        assert sender.control("websocket")["connections"] == 1
    until_gone(sender)


def test_events_come_as_messages_whose_content_is_a_string(sender: Sender) -> None:
    with connected(sender) as client:
        read(client)
        counts = sender.control("push", websocket=True, only=ENDED)["counts"]["websocket"]
        frames = pushed(client, counts["events"])
    assert {frame["module"] for frame in frames} == {"message"}
    came = {identity(frame["content"].encode()) for frame in frames}
    truth = sender.truth()["events"]
    assert came == {row["identity"] for row in truth}
    assert {row["routes"]["websocket"]["accepted"] for row in truth} == {1}
    assert (counts["accepted"], counts["missed"]) == (counts["events"], 0)


def test_content_can_be_an_object_and_the_event_stays_the_same(sender: Sender) -> None:
    with connected(sender) as client:
        read(client)
        count = sender.control("push", websocket="object", only=ENDED)["counts"]["websocket"]["events"]
        frames = pushed(client, count)
    came = {identity(json.dumps(frame["content"]).encode()) for frame in frames}
    assert came == {row["identity"] for row in sender.truth()["events"]}


def test_what_comes_while_nobody_is_connected_never_comes(sender: Sender) -> None:
    counts = sender.control("push", websocket=True, only=ENDED)["counts"]["websocket"]
    assert (counts["missed"], counts["sent"]) == (counts["events"], 0)
    assert {row["routes"]["websocket"]["accepted"] for row in sender.truth()["events"]} == {0}
    with connected(sender) as client:
        read(client)
        with pytest.raises(TimeoutError):
            client.recv(timeout=0.3)


@pytest.mark.parametrize("token", ["", "wrong", "sim.wrong"])
def test_a_bad_token_is_told_and_shown_out(sender: Sender, token: str) -> None:
    with connected(sender, token=token) as client:
        assert read(client) == {
            "module": "build_connection", "success": False, "content": "Invalid Token", "header": {},
        }  # fmt: skip
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=60)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


def test_a_revoked_token_opens_nothing(sender: Sender) -> None:
    token = token_of(sender)
    sender.control("revoke-tokens")
    with connected(sender, token=token) as client:
        assert read(client)["success"] is False


def test_a_second_connection_of_one_subscription_ends_the_first(sender: Sender) -> None:
    with connected(sender) as first, connected(sender, subscription="another") as other:
        read(first)
        read(other)
        with connected(sender) as second:
            read(second)
            with pytest.raises(ConnectionClosed):
                first.recv(timeout=60)
            assert sender.control("websocket")["connections"] == 2
            count = sender.control("push", websocket=True, only=ENDED)["counts"]["websocket"]["events"]
            assert len(pushed(second, count)) == len(pushed(other, count)) == count


def test_control_cuts_connections_and_keeps_the_door_shut(sender: Sender) -> None:
    with connected(sender) as client:
        read(client)
        assert sender.control("websocket", cut=True, is_down=True) == {"connections": 0, "is_down": True}
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=60)
    with pytest.raises(InvalidStatus) as refused, connected(sender):
        pass
    assert refused.value.response.status_code == 503
    sender.control("websocket", is_down=False)
    with connected(sender) as client:
        assert read(client)["success"] is True


def test_faults_strike_each_route_by_itself(sender: Sender) -> None:
    with connected(sender) as client:
        read(client)
        result = sender.control("push", websocket=True, only=ENDED, faults={"chances": {"lost": 0.3, "garbage": 0.2}})
        frames = pushed(client, result["counts"]["websocket"]["sent"])
    garbage = [frame for frame in frames if "engagement_ended" not in str(frame["content"])[:60]]
    lost = [row for row in sender.truth()["events"] if row["routes"]["websocket"]["is_lost"]]
    assert 0 < len(garbage) <= result["faults"]["garbage"]
    assert len(lost) == result["faults"]["lost"]
    assert len(frames) == result["counts"]["websocket"]["events"] - len(lost) + result["faults"]["garbage"]
