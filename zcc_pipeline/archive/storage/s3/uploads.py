"""Bytes into a bucket: one request up to 5 GB, several parts above. The storage checks each against its SHA-256.

The SHA-256 that storage keeps of an upload in parts is one over the digests of the parts, not of the file
(https://docs.aws.amazon.com/AmazonS3/latest/API/API_Checksum.html): so the whole file's own goes along.
"""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from zcc_pipeline.archive.storage.s3.client import Bucket
from zcc_pipeline.archive.storage.s3.errors import ArrivedDamaged
from zcc_pipeline.domain.errors import ZccPipelineError

SINGLE_PUT_BYTES = 5 << 30
"""The most that one PUT takes (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html)."""
PART_BYTES = 64 << 20
_MOST_PARTS = 10_000
_IN_MEMORY = 8 << 20
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a file goes in parts, and how large they are (5 MiB is the least that S3 takes)."""

    single_put_bytes: int = SINGLE_PUT_BYTES
    part_bytes: int = PART_BYTES


def put_bytes(bucket: Bucket, key: str, data: bytes, **arguments: Any) -> str | None:  # noqa: ANN401
    """One small file; returns the id of its version, None where the bucket keeps none."""
    return _put(bucket, key, data, sha256(data).digest(), arguments)


def put_file(
    bucket: Bucket,
    key: str,
    path: Path,
    *,
    digest: bytes | None,
    limits: Limits,
    **arguments: Any,  # noqa: ANN401
) -> str | None:
    """One file of any size. ``digest`` is the SHA-256 that it must have; without one it is what is on disk now."""
    size = path.stat().st_size
    if size <= min(_IN_MEMORY, limits.single_put_bytes):
        data = path.read_bytes()
        return _put(bucket, key, data, digest or sha256(data).digest(), arguments)
    digest = digest or _digest(path)
    if size > limits.single_put_bytes:
        return _Parts(bucket, key, size, digest, limits, arguments).upload(path)
    with path.open("rb") as stream:
        return _put(bucket, key, stream, digest, arguments)


def _put(bucket: Bucket, key: str, body: bytes | BinaryIO, digest: bytes, arguments: dict[str, Any]) -> str | None:
    answer = bucket.call("put_object", key, Body=body, ChecksumSHA256=b64encode(digest).decode(), **arguments)
    return version_of(answer)


def version_of(answer: dict[str, Any]) -> str | None:
    """The id of the version that an answer is about."""
    found = answer.get("VersionId")
    return None if found in {None, "", "null"} else str(found)


def _digest(path: Path) -> bytes:
    found = sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            found.update(chunk)
    return found.digest()


@dataclass(slots=True)
class _Parts:
    bucket: Bucket
    key: str
    size: int
    digest: bytes
    limits: Limits
    arguments: dict[str, Any]

    def upload(self, path: Path) -> str | None:
        begun = self.bucket.call(
            "create_multipart_upload",
            self.key,
            ChecksumAlgorithm="SHA256",
            Metadata={**self.arguments.pop("Metadata", {}), "sha256": self.digest.hex()},
            **self.arguments,
        )
        upload_id = begun["UploadId"]
        try:
            parts = self._send(path, upload_id)
            done = self.bucket.call(
                "complete_multipart_upload", self.key, UploadId=upload_id, MultipartUpload={"Parts": parts}
            )
        except BaseException:
            with suppress(ZccPipelineError, FileNotFoundError):
                self.bucket.call("abort_multipart_upload", self.key, UploadId=upload_id)
            raise
        self._look(version_of(done))
        return version_of(done)

    def _send(self, path: Path, upload_id: str) -> list[dict[str, Any]]:
        """Each part with its own digest; all of them together must be what the file was."""
        whole = sha256()
        parts: list[dict[str, Any]] = []
        part_bytes = max(self.limits.part_bytes, -(-self.size // _MOST_PARTS))
        with path.open("rb") as stream:
            while data := stream.read(part_bytes):
                whole.update(data)
                number, digest = len(parts) + 1, b64encode(sha256(data).digest()).decode()
                sent = self.bucket.call(
                    "upload_part", self.key, UploadId=upload_id, PartNumber=number, Body=data, ChecksumSHA256=digest
                )
                parts.append({"PartNumber": number, "ETag": sent["ETag"], "ChecksumSHA256": digest})
        if whole.digest() != self.digest:
            raise ArrivedDamaged("a staged file changed while it was uploaded in parts")
        return parts

    def _look(self, version_id: str | None) -> None:
        """Some storage forgets the lock of what comes in parts: it is set again where it is missing."""
        which = {} if version_id is None else {"VersionId": version_id}
        head = self.bucket.call("head_object", self.key, **which)
        if head["ContentLength"] != self.size:
            raise ArrivedDamaged("object storage: what came in parts has another length than what was sent")
        mode = self.arguments.get("ObjectLockMode")
        if mode and head.get("ObjectLockMode") != mode:
            until = self.arguments["ObjectLockRetainUntilDate"]
            self.bucket.call(
                "put_object_retention", self.key, Retention={"Mode": mode, "RetainUntilDate": until}, **which
            )
        held = self.arguments.get("ObjectLockLegalHoldStatus")
        if held and head.get("ObjectLockLegalHoldStatus") != held:
            self.bucket.call("put_object_legal_hold", self.key, LegalHold={"Status": held}, **which)
