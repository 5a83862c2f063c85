"""An HTTP server on loopback that keeps what scripts post and answers as told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass
class Endpoint:
    url: str = ""
    status: int = 200
    delay_seconds: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)

    @property
    def only(self) -> dict[str, Any]:
        (body,) = self.bodies
        found: dict[str, Any] = json.loads(body)
        return found


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    told = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            told.tokens.append(self.headers["Authorization"])
            time.sleep(told.delay_seconds)
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            try:
                self.end_headers()
            except OSError:
                return  # the script did not wait so long

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_address[1]}/flow-events"
    yield told
    server.shutdown()
    server.server_close()
    thread.join()
