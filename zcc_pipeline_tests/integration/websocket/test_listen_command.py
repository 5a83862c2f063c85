"""``zcc listen`` as a process of its own, against the stand-in's OAuth and WebSocket, into a real inbox."""
# ruff: noqa: SIM117 the stand-in stands, then the command runs: two steps of one story

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from zcc_pipeline.domain.events import CONNECTION_GAP, PushedEvent
from zcc_pipeline.inbox import InboxReader
from zcc_pipeline.simulator.zoom.account.spec import AccountSpec
from zcc_pipeline.simulator.zoom.server import RunningSimulator, running_simulator
from zcc_pipeline.sources.websocket import SEEN_NOTE

pytestmark = pytest.mark.integration

DAY = date(2026, 11, 20)
SPEC = AccountSpec(last_day=DAY, days=1, engagements_per_day=25, seed=11)
SECRET = "client-secret-of-the-app"


def environment(sim: RunningSimulator, home: Path) -> dict[str, str]:
    return {
        **os.environ,
        "ZCC_HOME": str(home),
        "ZCC_WEBSOCKET_URL": sim.websocket_url,
        "ZCC_ZOOM_ACCOUNT_ID": "account",
        "ZCC_ZOOM_CLIENT_ID": "client",
        "ZCC_ZOOM_CLIENT_SECRET": SECRET,
        "ZCC_ZOOM_OAUTH_URL": sim.oauth_url,
        "ZCC_ZOOM_API_URL": sim.api_url,
    }


@contextmanager
def command(sim: RunningSimulator, home: Path, *words: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    errors = (home.parent / "stderr").open("ab")
    process = subprocess.Popen(
        [sys.executable, "-m", "zcc_pipeline.cli", *words],
        env={**environment(sim, home), **settings},
        cwd=home.parent,
        stdout=subprocess.PIPE,
        stderr=errors,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
        errors.close()


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def control(sim: RunningSimulator, name: str, **body: Any) -> dict[str, Any]:
    answer = httpx.post(f"{sim.control_url}/{name}", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def push(sim: RunningSimulator, **body: Any) -> None:
    control(sim, "push", days=[DAY.isoformat()], speed=1e9, **body)


def kept(home: Path) -> list[PushedEvent]:
    with InboxReader.open(str(home / "inbox.sqlite")) as reader:
        return [row.event for row in reader.rows([seq for seq, _ in reader.seqs_after(0, 100_000)])]


def seen(home: Path) -> datetime | None:
    with InboxReader.open(str(home / "inbox.sqlite")) as reader:
        return reader.notes().get(SEEN_NOTE)


def gaps(home: Path) -> list[tuple[datetime, datetime]]:
    bodies = [json.loads(each.body) for each in kept(home) if each.event == CONNECTION_GAP]
    return [(datetime.fromisoformat(body["from"]), datetime.fromisoformat(body["to"])) for body in bodies]


def arrived(sim: RunningSimulator) -> set[str]:
    """Identities, as the stand-in makes them, of the events that somebody connected was sent."""
    rows = httpx.get(f"{sim.control_url}/push-truth", timeout=30).json()["events"]
    return {row["identity"] for row in rows if row["routes"].get("websocket", {}).get("accepted")}


def identities(home: Path) -> list[str]:
    return [each.dedupe_key.hex() for each in kept(home) if each.intake == "websocket"]


@pytest.mark.slow
def test_every_event_is_kept_once_and_every_time_without_a_connection_is_said(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running_simulator(SPEC, plan="unlimited") as sim:
        with command(sim, home, "listen", "--json") as first:
            until(lambda: sim.standin.hub.connections == 1 and seen(home) is not None)
            push(sim, websocket="string")
            until(lambda: set(identities(home)) == arrived(sim) != set())
            control(sim, "websocket", cut=True)
            until(lambda: len(gaps(home)) == 1 and sim.standin.hub.connections == 1)
            with command(sim, home, "listen") as second:
                assert second.wait(60) == 2
            first.send_signal(signal.SIGKILL)
            first.wait(60)
        killed_at = datetime.now(UTC)
        until(lambda: datetime.now(UTC) - killed_at > timedelta(seconds=1))
        with command(sim, home, "listen") as third:
            until(lambda: len(gaps(home)) == 2)
            push(sim, websocket="object")
            third.send_signal(signal.SIGTERM)
            assert third.wait(60) == 0
        assert sorted(identities(home)) == sorted(arrived(sim))
    assert gaps(home)[1][0] < killed_at < gaps(home)[1][1]
    assert seen(home) == gaps(home)[-1][1]
    said = (tmp_path / "stderr").read_text()
    assert "zcc: ZCC_INBOX_URL: " in said
    for hidden in (SECRET, "access_token", "subscriptionId", *(each.engagement_id for each in kept(home))):
        assert not hidden or hidden not in said


@pytest.mark.parametrize("grant", ["account_credentials", "client_credentials"])
def test_the_receiver_can_listen_as_well_and_shows_it_among_its_metrics(tmp_path: Path, grant: str) -> None:
    home = tmp_path / "home"
    settings = {"ZCC_FLOW_TOKENS": "token", "ZCC_WEBSOCKET_GRANT": grant}
    ports = ("--port", "0", "--metrics-port", "0")
    with running_simulator(SPEC, plan="unlimited") as sim:
        with command(sim, home, "receive", "--websocket", *ports, "--json", **settings) as process:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, b"")
            text = ""
            while not text.rstrip().endswith("}"):
                text += next(lines).decode()
            metrics_url = json.loads(text)["metrics_url"]
            until(lambda: "\nzcc_websocket_connected 1\n" in httpx.get(metrics_url).text)
            push(sim, websocket="string", only=["contact_center.engagement_ended"])
            until(lambda: len(identities(home)) == len(arrived(sim)) > 0)
            count = len(identities(home))
            until(lambda: f'zcc_websocket_total{{kind="event"}} {count}\n' in httpx.get(metrics_url).text)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


def test_wrong_credentials_end_the_command_with_the_settings_to_check(tmp_path: Path) -> None:
    with running_simulator(SPEC, plan="unlimited") as sim:
        refused = {"ZCC_ZOOM_OAUTH_URL": f"{sim.api_url}/nowhere"}
        with command(sim, tmp_path / "home", "listen", **refused) as process:
            assert process.wait(60) == 2
    assert "ZCC_ZOOM_CLIENT_SECRET" in (tmp_path / "stderr").read_text()
