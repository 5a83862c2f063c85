"""As much of Zoom as a test of one verb needs: a token, and for each path the answer that the test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, object]
"""Status and body; a body that is not bytes is sent as JSON."""


class LittleZoom(ThreadingHTTPServer):
    """Asks ``answers`` what to say to each path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.base = f"http://127.0.0.1:{self.server_port}"
        self.answers: Callable[[str], Answer] = lambda path: (404, {"code": 1, "message": path})
        self.asked: list[str] = []

    @property
    def settings(self) -> dict[str, object]:
        """Settings of a home that reads from here."""
        return {
            "zoom_account_id": "a",
            "zoom_client_id": "b",
            "zoom_client_secret": "c",
            "zoom_api_url": f"{self.base}/v2",
            "zoom_oauth_url": f"{self.base}/oauth/token",
            "zoom_download_hosts": ("127.0.0.1",),
            "zoom_plan": "unlimited",
        }


class _Handler(BaseHTTPRequestHandler):
    server: LittleZoom
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.answer(200, {"access_token": "t", "token_type": "bearer", "expires_in": 3600})

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        self.answer(*self.server.answers(path))

    def answer(self, status: int, body: object) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        del format, args


@contextmanager
def serving() -> Iterator[LittleZoom]:
    """A little Zoom that answers inside."""
    with LittleZoom() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
