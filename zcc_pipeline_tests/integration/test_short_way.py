"""The short way through the HTTP client: what arrives is what the long way brings."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import httpx
import pytest

from zcc_pipeline.transport import Timeouts, open_client

pytestmark = pytest.mark.integration

BODY = b'{"page": "' + b"x" * 300_000 + b'"}'


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        if self.path == "/cut":
            self.send_response(200)
            self.send_header("content-length", "1000")
            self.end_headers()
            self.wfile.write(b"short")
            self.close_connection = True
            return
        body = gzip.compress(BODY) if self.path == "/zipped" else BODY
        self.send_response(302 if self.path == "/moved" else 200)
        if self.path == "/zipped":
            self.send_header("content-encoding", "gzip")
        if self.path == "/moved":
            self.send_header("location", "/elsewhere")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def base() -> Iterator[str]:
    Handler.seen = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["/plain", "/zipped", "/moved"])
def test_both_ways_bring_the_same(base: str, path: str) -> None:
    async def both() -> tuple[httpx.Response, httpx.Response]:
        async with open_client(timeouts=Timeouts(), keep_alive=2) as client:
            short = await client.fetch(base + path, {"Authorization": "Bearer t"})
            return short, await client.get(base + path, headers={"Authorization": "Bearer t"})

    short, long = asyncio.run(both())
    assert (short.status_code, short.content) == (long.status_code, long.content)
    assert Handler.seen[0] == Handler.seen[1]
    assert Handler.seen[0]["authorization"] == "Bearer t"


@pytest.mark.parametrize("path", ["/plain", "/zipped", "/moved"])
def test_a_body_in_pieces_comes_by_both_ways_alike_with_each_header_once(base: str, path: str) -> None:
    headers = {"Accept": "*/*", "Accept-Encoding": "identity", "Range": "bytes=0-"}

    async def both() -> tuple[bytes, bytes]:
        async with open_client(timeouts=Timeouts(), keep_alive=2) as client:
            response = await client.open(base + path, headers)
            short = b"".join([piece async for piece in response.aiter_bytes()])
            async with client.stream("GET", base + path, headers=headers) as long:
                return short, await long.aread()

    short, long = asyncio.run(both())
    assert short == long == BODY
    assert Handler.seen[0] == Handler.seen[1]
    assert Handler.seen[0]["accept"] == "*/*"


def test_an_answer_that_is_cut_gives_its_connection_back(base: str) -> None:
    async def fetch() -> bytes:
        async with open_client(timeouts=Timeouts(), keep_alive=2) as client:
            for _ in range(3):
                with pytest.raises(httpx.RemoteProtocolError):
                    await client.fetch(base + "/cut", {})
            return (await client.fetch(base + "/plain", {})).content

    assert asyncio.run(fetch()) == BODY
