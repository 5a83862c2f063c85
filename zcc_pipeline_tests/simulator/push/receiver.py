"""A receiver of the tests' own: checks signatures by itself, keeps what came, and answers as it is told."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET, TOKEN = "s3cret-of-the-app", "token-of-the-flows"


@dataclass(frozen=True)
class Post:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def event(self) -> str:
        try:
            return str(json.loads(self.body)["event"])
        except (ValueError, KeyError, TypeError):
            return ""

    @property
    def is_signed(self) -> bool:
        """By Zoom's rule, from the raw bytes."""
        text = b"v0:" + self.headers["x-zm-request-timestamp"].encode() + b":" + self.body
        wanted = "v0=" + hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest()
        return hmac.compare_digest(self.headers["x-zm-signature"], wanted)


Answer = Callable[[Post], int]


class Receiver:
    """Running on loopback; ``answer`` decides the status, by default 200 for whoever signed rightly."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.posts: list[Post] = []
        self.answer: Answer = lambda post: 200 if post.is_signed else 401
        self.answers_challenges = True
        self.lock = threading.Lock()

    @property
    def events(self) -> list[Post]:
        """What came and is no challenge."""
        return [post for post in self.posts if post.event != "endpoint.url_validation"]

    @property
    def challenges(self) -> list[Post]:
        return [post for post in self.posts if post.event == "endpoint.url_validation"]


def encrypted(plain_token: str) -> str:
    return hmac.new(SECRET.encode(), plain_token.encode(), hashlib.sha256).hexdigest()


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            post = Post(self.path, headers, body, time.monotonic())
            with receiver.lock:
                receiver.posts.append(post)
            content = b""
            if post.event == "endpoint.url_validation":
                status, content = 200, _challenge_answer(receiver, post)
            else:
                status = receiver.answer(post)
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_request(self, *_args: Any) -> None:
            """Nothing to standard error."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # with the default of 5, connections wait a second for their second try
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_address[1]}/webhooks/zoom")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def _challenge_answer(receiver: Receiver, post: Post) -> bytes:
    plain = json.loads(post.body)["payload"]["plainToken"]
    shown = encrypted(plain) if receiver.answers_challenges else encrypted(plain + "x")
    return json.dumps({"plainToken": plain, "encryptedToken": shown}).encode()
