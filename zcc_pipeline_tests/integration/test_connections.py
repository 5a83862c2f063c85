"""The connections of our own against real sockets: large bodies, TLS, closed and unreachable servers."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvloop

from zcc_pipeline.transport.connections import Transport
from zcc_pipeline_tests.ports import free_ports

pytestmark = pytest.mark.integration

BODY = bytes(range(256)) * 40_000
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LOOPS = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
Run = Callable[..., None]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    subprocess.run([*command, *names, "-keyout", path, "-out", f"{path}.crt"], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The same body to every request of a connection."""
    try:
        while (await reader.readuntil(b"\r\n\r\n")).startswith((b"GET", b"POST")):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        return
    finally:
        writer.close()


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http{'s' if tls else ''}://localhost:{port}"
    finally:
        server.close()
        await asyncio.sleep(0.05)


def client(trusted: Path | None = None, *, read_seconds: float = 5.0) -> httpx.AsyncClient:
    context = ssl.create_default_context(cafile=trusted)
    transport = Transport(ssl_context=context, keep_alive=2, keep_alive_seconds=30.0)
    return httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(5.0, read=read_seconds), trust_env=False)


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@LOOPS
@pytest.mark.parametrize("is_secure", [False, True])
def test_every_byte_of_bodies_larger_than_the_buffer_arrives_in_order(
    run: Run, certificate: Path, is_secure: bool
) -> None:
    async def work() -> None:
        tls = server_context(certificate) if is_secure else None
        async with serving(answer_all, tls) as base, client(certificate) as http:
            for _ in range(2):
                async with http.stream("GET", base) as answer:
                    digest = hashlib.sha256()
                    async for chunk in answer.aiter_bytes():
                        digest.update(chunk)
                        await asyncio.sleep(0.001)  # slower than the server: the buffer fills up, and it has to wait
                assert digest.digest() == hashlib.sha256(BODY).digest()

    run(work())


@LOOPS
def test_a_server_that_nobody_vouches_for_is_refused(run: Run, certificate: Path) -> None:
    async def work() -> None:
        async with serving(answer_all, server_context(certificate)) as base, client() as http:
            with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
                await http.get(base)

    run(work())


@LOOPS
def test_a_certificate_of_another_host_is_refused(run: Run, certificate: Path) -> None:
    async def work() -> None:
        async with serving(answer_all, server_context(certificate)) as base, client(certificate) as http:
            with pytest.raises(httpx.ConnectError, match=r"(?i)mismatch|not valid for"):
                await http.get(base.replace("localhost", "127.0.0.1"))

    run(work())


@LOOPS
def test_a_body_that_breaks_off_is_an_error(run: Run) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async def work() -> None:
        async with serving(cut) as base, client() as http:
            with pytest.raises(httpx.RemoteProtocolError):
                await http.get(base)

    run(work())


@LOOPS
def test_a_silent_server_is_not_waited_for_longer_than_said(run: Run) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def work() -> None:
        async with serving(silent) as base, client(read_seconds=0.1) as http:
            with pytest.raises(httpx.ReadTimeout):
                await http.get(base)

    run(work())


@LOOPS
def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again(run: Run) -> None:
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    async def work() -> None:
        async with serving(once) as base, client() as http:
            for _ in range(3):
                assert (await http.get(base)).text == "ok"
                await asyncio.sleep(0.02)

    run(work())


@LOOPS
def test_a_host_without_a_server_or_a_name_is_a_failed_connection(run: Run) -> None:
    (port,) = free_ports(1)

    async def work() -> None:
        async with client() as http:
            for address in (f"http://127.0.0.1:{port}", "http://no-such-host.invalid"):
                with pytest.raises(httpx.ConnectError):
                    await http.get(address)

    run(work())
