"""``zcc receive`` as it is run: what was acknowledged is kept, however the process ends."""

from __future__ import annotations

import http.client
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from zcc_pipeline.inbox import InboxReader
from zcc_pipeline_tests.event_senders import zoom_body
from zcc_pipeline_tests.receiver_process import Senders, environment, post, receiving
from zcc_pipeline_tests.small_disk import enlarge, mounted

pytestmark = pytest.mark.integration

CHALLENGE = b'{"event":"endpoint.url_validation","event_ts":1,"payload":{"plainToken":"abc"}}'


def kept(home: Path) -> list[bytes]:
    """The bodies of all rows, in order."""
    reader = InboxReader.open(str(home / "inbox.sqlite"))
    try:
        bodies, seq = [], 0
        while page := reader.seqs_after(seq, 500):
            seq = page[-1][0]
            bodies += [row.event.body for row in reader.rows([each for each, _ in page])]
        return bodies
    finally:
        reader.close()


def is_ready(address: str) -> bool:
    with closing(http.client.HTTPConnection(address)) as connection:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200


def assert_kept_once(home: Path, acknowledged: list[int]) -> None:
    bodies = kept(home)
    assert len(bodies) == len(set(bodies))
    assert {zoom_body(number=number) for number in acknowledged} <= set(bodies)
    with sqlite3.connect(home / "inbox.sqlite") as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    connection.close()


def test_told_to_terminate_in_mid_load_it_ends_well_and_every_acknowledged_event_is_kept(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with receiving(home) as running:
        senders = Senders(running.address, first=0)
        senders.until(lambda: len(senders.acknowledged) > 300)
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(60) == 0
        senders.finish()
        lines = running.log_lines()
    assert senders.statuses == {200}
    assert_kept_once(home, senders.acknowledged)
    assert lines[-1]["what"] == "stopped"
    assert not (home / "inbox.sqlite-wal").exists(), "the last one out checkpoints"
    received = [line for line in lines if line["what"] == "received"]
    assert len(received) >= len(senders.acknowledged)
    assert "4930123456" not in (home / "log.jsonl").read_text()


@pytest.mark.slow
def test_killed_in_mid_load_it_has_kept_every_acknowledged_event_once(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """More by one command: ``pytest -m slow -k killed_in_mid_load --kills 10``."""
    home, chance = tmp_path / "home", random.Random(time.time_ns())
    acknowledged: list[int] = []
    for round_number in range(pytestconfig.getoption("--kills")):
        enough = chance.randint(50, 1500)
        with receiving(home) as running:
            senders = Senders(running.address, first=round_number * 1_000_000)
            senders.until(lambda senders=senders, enough=enough: len(senders.acknowledged) > enough)  # type: ignore[misc]
            running.process.kill()
            running.process.wait(60)
            senders.finish()
        acknowledged += senders.acknowledged
        assert_kept_once(home, acknowledged)
    with receiving(home) as running:
        for number in acknowledged[-5:]:
            assert post(running.address, zoom_body(number=number)) == 200
    assert_kept_once(home, acknowledged)


@pytest.mark.skipif(shutil.which("bash") is None or sys.platform == "win32", reason="limits the size of files")
def test_with_no_room_left_events_are_refused_and_the_challenge_is_answered(tmp_path: Path) -> None:
    home = tmp_path / "home"
    limited = ["bash", "-c", 'ulimit -f 3000; exec "$@"', "limited"]  # kB: the log beside it stays smaller
    acknowledged, status = [], 200
    with receiving(home, before=limited) as running:
        for number in range(2_000):
            body = zoom_body("contact_center.x" + "y" * 100, number=number)
            body = body.replace(b'"voice"', b'"' + b"v" * 20_000 + b'"')
            status = post(running.address, body)
            if status == 200:
                acknowledged.append(body)
            elif is_ready(running.address):
                continue  # a second has passed, and the little that it tries to write by itself still fits
            else:
                break
        assert status == 503
        assert post(running.address, CHALLENGE) == 200
        running.process.terminate()
        running.process.wait(60)
    assert len(acknowledged) > 50
    assert set(acknowledged) <= set(kept(home))


@pytest.mark.slow
def test_a_full_disk_is_answered_with_503_and_space_alone_makes_it_work_again(tmp_path: Path) -> None:
    body = zoom_body().replace(b'"voice"', b'"' + b"v" * 20_000 + b'"')
    acknowledged: list[bytes] = []

    def sent(number: int) -> int:
        numbered = body.replace(b'"eng-0"', b'"eng-%d"' % number)
        status = post(running.address, numbered)
        if status == 200:
            acknowledged.append(numbered)
        return status

    with mounted(tmp_path / "small", "8m") as home, receiving(home) as running:
        assert 503 in {sent(number) for number in range(600)}
        assert sent(2_000) == 503
        assert post(running.address, CHALLENGE) == 200
        enlarge(home, "64m")
        number = 3_000
        while sent(number) == 503:  # it tries once a second by itself, and with each event
            number += 1
            assert number < 4_000
        assert {sent(number) for number in range(5_000, 5_100)} == {200}
        running.process.terminate()
        assert running.process.wait(60) == 0
        assert len(acknowledged) > 200
        assert set(acknowledged) <= set(bodies := kept(home))
        assert len(bodies) == len(set(bodies))


def test_a_missing_secret_is_named_and_the_home_is_not_touched(tmp_path: Path) -> None:
    settings = environment(tmp_path / "home") | {"ZCC_WEBHOOK_SECRET_TOKENS": "", "ZCC_FLOW_TOKENS": ""}
    done = subprocess.run(
        [sys.executable, "-m", "zcc_pipeline.cli", "receive"],
        env=settings, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    for name in ("ZCC_WEBHOOK_SECRET_TOKENS", "ZCC_FLOW_TOKENS"):
        assert name in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.slow
def test_a_second_receiver_on_the_same_inbox_or_port_is_refused_with_a_sentence(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with receiving(home) as running:
        port = running.address.rpartition(":")[2]
        for settings, arguments, name in (
            (environment(home), ["--port", "0"], "ZCC_INBOX_URL"),
            (environment(tmp_path / "other"), ["--port", port], "ZCC_RECEIVER_PORT"),
        ):
            done = subprocess.run(
                [sys.executable, "-m", "zcc_pipeline.cli", "receive", "--metrics-port", "0", *arguments],
                env=settings, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
            assert (done.returncode, "Traceback" in done.stderr) == (2, False)
            assert name in done.stderr
        assert post(running.address, zoom_body()) == 200


def test_it_says_where_it_is_and_what_it_does_not_serve(tmp_path: Path) -> None:
    settings = environment(tmp_path / "home") | {"ZCC_FLOW_TOKENS": "", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "zcc_pipeline.cli", "receive", "--port", "0", "--metrics-port", "0"]
    with subprocess.Popen(
        command, env=settings, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        said = ""
        while "Ctrl-C" not in said:
            line = process.stdout.readline()
            assert line
            said += line
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(60) == 0
    assert "/webhooks/zoom" in said
    assert "not served: ZCC_FLOW_TOKENS is not set" in said
    assert "./home/inbox.sqlite" in said
