"""Addresses of files that do not work any more: a fresh one is asked for once."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from zcc_pipeline.domain.completeness import ArtefactKind
from zcc_pipeline.domain.records import SHAPE_LIST
from zcc_pipeline.pipeline.artefacts import fetch_files
from zcc_pipeline_tests.unit.pipeline.homes import days_ago, land, open_home

DAY = days_ago(1)
KIND = ArtefactKind.MESSAGING_TRANSCRIPT


class Zoom(ThreadingHTTPServer):
    """Hands out a token, one engagement with the address of its transcript, and that transcript."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.base = f"http://127.0.0.1:{self.server_port}"
        self.address = f"{self.base}/moved.json"
        self.asked: list[str] = []


class Answers(BaseHTTPRequestHandler):
    server: Zoom
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.answer({"access_token": "t", "token_type": "bearer", "expires_in": 3600})

    def do_GET(self) -> None:
        self.server.asked.append(self.path.partition("?")[0])
        if self.path == "/moved.json":
            self.answer([{"text": "hello"}])
        else:
            self.answer({**engagement(self.server.address)})

    def answer(self, body: object) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        del format, args


def engagement(transcript_url: str) -> dict[str, object]:
    start = f"{DAY}T09:00:00Z"
    return {"engagement_id": "e1", "start_time": start, "end_time": start, "transcript_url": transcript_url}


@pytest.fixture
def zoom() -> Iterator[Zoom]:
    with Zoom() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def nobody() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}/old.json"


def fetch(zoom: Zoom, home: Path, address: str) -> tuple[int, int]:
    """How many files were received, and how many failed."""
    settings: dict[str, object] = {
        "zoom_account_id": "a",
        "zoom_client_id": "b",
        "zoom_client_secret": "c",
        "zoom_api_url": f"{zoom.base}/v2",
        "zoom_oauth_url": f"{zoom.base}/oauth/token",
        "zoom_download_hosts": ("127.0.0.1",),
    }
    with open_home(home, **settings) as runtime:
        land(runtime, "zoom/engagements", "e1", engagement(address), day=DAY, shape=SHAPE_LIST)
        row = fetch_files(runtime, KIND, [DAY]).days[0]
        return row.received, row.failed


def test_a_host_that_is_away_is_left_for_a_fresh_address(zoom: Zoom, tmp_path: Path, nobody: str) -> None:
    assert fetch(zoom, tmp_path, nobody) == (1, 0)
    assert zoom.asked == ["/v2/contact_center/engagements/e1", "/moved.json"]


def test_a_fresh_address_is_asked_for_only_once(zoom: Zoom, tmp_path: Path, nobody: str) -> None:
    zoom.address = nobody + "?again"
    assert fetch(zoom, tmp_path, nobody) == (0, 1)
    assert zoom.asked == ["/v2/contact_center/engagements/e1"]


def test_the_same_address_again_is_not_tried_again(zoom: Zoom, tmp_path: Path, nobody: str) -> None:
    zoom.address = nobody
    assert fetch(zoom, tmp_path, nobody) == (0, 1)
    assert zoom.asked == ["/v2/contact_center/engagements/e1"]
