"""An archive's place in a real bucket, for tests, and ways to do what no archive does."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from zcc_pipeline.archive.contents import Piece, Snapshot, StoredPiece
from zcc_pipeline.archive.ocfl import Author, ObjectStore, Written
from zcc_pipeline.archive.ocfl.layout import object_key
from zcc_pipeline.archive.storage import UNKNOWN, Lock
from zcc_pipeline.archive.storage.s3 import Bucket, S3Place
from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline_tests.seaweed import Seaweed

AUTHOR = Author("test", "https://example.com/test")
ID = "urn:zoom-cc:acct:engagement:E1"
LATER = datetime.now(UTC).replace(microsecond=0) + timedelta(days=40)


class InBucket:
    """One archive in a bucket of its own, and ways to do what no archive does."""

    def __init__(self, seaweed: Seaweed, scratch: Path, url: str, **options: Any) -> None:
        self.seaweed, self.scratch = seaweed, scratch
        self.bucket = Bucket(url, seaweed.access)
        self.place = S3Place(self.bucket, scratch, clock=SystemClock(), **options)
        self.store = ObjectStore(self.place, clock=SystemClock())
        self.client = seaweed.client()

    def snapshot(self, note: str = "first", audio: bytes = b"ID3audio") -> Snapshot:
        audio_piece = StoredPiece(lambda: io.BytesIO(audio), len(audio), hashlib.sha512(audio).hexdigest())
        pieces = (Piece("engagement.json", b"{}"), Piece("notes.json", note.encode()), Piece("rec.mp3", audio_piece))
        return Snapshot(ID, pieces)

    def write(self, note: str = "first", audio: bytes = b"ID3audio", lock: Lock = UNKNOWN) -> Written:
        return self.store.write(self.snapshot(note, audio), message="test", author=AUTHOR, lock=lock)

    def versions(self) -> list[dict[str, Any]]:
        """Of the object, with what keeps each."""
        listed = self.client.list_object_versions(
            Bucket=self.bucket.name, Prefix=self.bucket.full(object_key(ID) + "/")
        )
        return [
            {"Key": each["Key"], "VersionId": each["VersionId"]} | self.head(each["Key"], each["VersionId"])
            for each in listed.get("Versions", [])
        ]

    def head(self, key: str, version: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.head_object(Bucket=self.bucket.name, Key=key, VersionId=version)
        return found

    def shorten(self, key: str, version: str) -> None:
        until = datetime.now(UTC) + timedelta(minutes=5)
        self.client.put_object_retention(
            Bucket=self.bucket.name,
            Key=key,
            VersionId=version,
            Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until},
        )


Open = Callable[..., InBucket]


def opener(seaweed: Seaweed, tmp_path: Path) -> Open:
    """Opens a bucket of its own, or one by its address as from the machine that has that scratch folder."""

    def make(url: str | None = None, scratch: str = "scratch", **options: Any) -> InBucket:
        return InBucket(seaweed, tmp_path / scratch, url or seaweed.new_locked_url(), **options)

    return make
