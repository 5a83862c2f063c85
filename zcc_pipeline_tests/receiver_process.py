"""``zcc receive`` as a process of its own, and senders that remember what was acknowledged."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from zcc_pipeline_tests.event_senders import FLOW_TOKEN, SECRET, signed, zoom_body


@dataclass
class Receiving:
    process: subprocess.Popen[str]
    said: dict[str, Any]
    home: Path

    @property
    def address(self) -> str:
        return urlsplit(self.said["webhook_url"]).netloc

    def log_lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.home / "log.jsonl").read_text().splitlines()]


def environment(home: Path) -> dict[str, str]:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("ZCC_")}
    return {
        **outside,
        "ZCC_HOME": str(home),
        "ZCC_WEBHOOK_SECRET_TOKENS": SECRET,
        "ZCC_FLOW_TOKENS": FLOW_TOKEN,
    }


@contextmanager
def receiving(home: Path, *, before: Sequence[str] = ()) -> Iterator[Receiving]:
    """A receiver on free ports; ``before`` is a command that runs it."""
    home.mkdir(exist_ok=True)
    command = [
        *before,
        sys.executable,
        "-m",
        "zcc_pipeline.cli",
        "receive",
        "--port",
        "0",
        "--metrics-port",
        "0",
        "--json",
    ]
    with (home / "log.jsonl").open("w") as log:
        process = subprocess.Popen(
            command, env=environment(home), cwd=home, stdout=subprocess.PIPE, stderr=log, text=True
        )
    with process:
        try:
            assert process.stdout is not None
            said = ""
            while not said.endswith("}\n"):
                line = process.stdout.readline()
                assert line, (home / "log.jsonl").read_text()
                said += line
            yield Receiving(process, json.loads(said), home)
        finally:
            process.kill()


def post(address: str, body: bytes) -> int:
    """The status that a webhook is answered with."""
    connection = http.client.HTTPConnection(address, timeout=60)
    headers = {name.decode(): value.decode() for name, value in signed(body)}
    connection.request("POST", "/webhooks/zoom", body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


@dataclass
class Senders:
    """Posts numbered events over several connections until told to stop, or nobody listens."""

    address: str
    first: int
    connections: int = 8
    acknowledged: list[int] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=(number,), daemon=True) for number in range(self.connections)
        ]
        for thread in self._threads:
            thread.start()

    def _send(self, offset: int) -> None:
        connection = http.client.HTTPConnection(self.address, timeout=60)
        number = self.first + offset
        with contextlib.suppress(OSError, http.client.HTTPException):
            while not self._stop.is_set():
                body = zoom_body(number=number)
                headers = {name.decode(): value.decode() for name, value in signed(body)}
                connection.request("POST", "/webhooks/zoom", body, headers)
                answered = connection.getresponse()
                answered.read()
                self.statuses.add(answered.status)
                if answered.status == 200:
                    self.acknowledged.append(number)
                number += self.connections
        connection.close()

    def until(self, is_enough: Callable[[], bool]) -> None:
        tick = threading.Event()
        while not is_enough():
            assert any(thread.is_alive() for thread in self._threads)
            tick.wait(0.005)

    def finish(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()
