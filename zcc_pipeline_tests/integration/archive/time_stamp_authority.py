"""A real time stamp authority on loopback: ``openssl ts`` behind a small HTTP server that can be told to misbehave."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

CONFIG = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = not used
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[stamper]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/chain.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


@dataclass
class TimeStampAuthority:
    """Where it is, whom to trust, and what it does with each query."""

    folder: Path
    url: str = ""
    queries: list[bytes] = field(default_factory=list)
    answer: Callable[[bytes], tuple[int, str, bytes]] | None = None

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def reply(self, query: bytes) -> bytes:
        """What OpenSSL answers."""
        (self.folder / "query.tsq").write_bytes(query)
        openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq", "-out", "reply.tsr", at=self.folder)
        return (self.folder / "reply.tsr").read_bytes()

    def respond(self, query: bytes) -> tuple[int, str, bytes]:
        self.queries.append(query)
        if self.answer is not None:
            return self.answer(query)
        return 200, "application/timestamp-reply", self.reply(query)


def openssl(*arguments: str, at: Path) -> str:
    done = subprocess.run(["openssl", *arguments], cwd=at, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def make_authority(folder: Path) -> TimeStampAuthority:
    """Keys and certificates: a root, one in between, and the one that stamps. Skips where there is no OpenSSL."""
    if shutil.which("openssl") is None:
        pytest.skip("NO TIME STAMP WAS TESTED: there is no openssl here")
    folder.mkdir()
    (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
    (folder / "serial").write_text("01\n")
    new = ("req", "-config", "tsa.cnf", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30")
    openssl(*new, "-x509", "-extensions", "ca", "-subj", "/CN=Root", "-keyout", "ca.key", "-out", "ca.pem", at=folder)
    for name, extensions, issuer in (("between", "ca", "ca"), ("tsa", "stamper", "between")):
        openssl(
            *new, "-x509", "-extensions", extensions, "-subj", f"/CN={name}", "-keyout", f"{name}.key",
            "-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-out", f"{name}.pem", at=folder,
        )  # fmt: skip
    (folder / "chain.pem").write_text((folder / "between.pem").read_text() + (folder / "ca.pem").read_text())
    return TimeStampAuthority(folder)


@contextmanager
def running(authority: TimeStampAuthority) -> Iterator[TimeStampAuthority]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["content-type"] == "application/timestamp-query"
            status, kind, body = authority.respond(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    authority.url = f"http://127.0.0.1:{server.server_port}/tsa"
    try:
        yield authority
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
