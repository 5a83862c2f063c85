"""The ledger's files in an S3 bucket, locked there as long as the archive's own files are.

One appends at a time: a small object that is only put where there is none says who. It counts for two minutes, far
longer than an append takes, so that one that died does not block for ever; and should it ever be two, the checkpoint of
a size is only put where there is none: the second one fails before it has signed anything that others see.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from email.utils import parsedate_to_datetime
from uuid import uuid4

from zcc_pipeline.archive.storage.place import UNKNOWN, Lock
from zcc_pipeline.archive.storage.s3.client import Bucket
from zcc_pipeline.archive.storage.s3.errors import AccessRefused, AlreadyThere
from zcc_pipeline.archive.storage.s3.place import S3Place
from zcc_pipeline.archive.storage.s3.uploads import put_bytes, version_of
from zcc_pipeline.domain.errors import PermanentError, TransientError

LOCK = ".lock"
_ONCE = "checkpoints/"
"""What is written under it is written once: a checkpoint of a size."""
_COUNTS_FOR = timedelta(minutes=2)
_PAUSE_SECONDS = 0.2
_PATIENCE = 150
"""Pauses before somebody who waits gives up."""


class BucketShelf:
    """A folder of a place in a bucket, or all of it (""). ``wait`` pauses; ``lock``: how long what it writes stays."""

    def __init__(
        self,
        place: S3Place,
        folder: str,
        *,
        wait: Callable[[float], None],
        lock: Callable[[], Lock] = lambda: UNKNOWN,
    ) -> None:
        self._place, self._folder = place, folder
        self._wait, self._lock = wait, lock

    def read(self, name: str) -> bytes | None:
        """The file's bytes; None where there is none."""
        return self._place.read(self._key(name))

    def write(self, name: str, data: bytes) -> None:
        """One request; ``TransientError`` for a checkpoint that another one has written in the meantime."""
        if not name.startswith(_ONCE):
            self._place.replace(self._key(name), data, lock=self._lock())
            return
        try:
            self._place.put_new(self._key(name), data, lock=self._lock())
        except AlreadyThere:
            raise TransientError("somebody else has just written to the archive's ledger; try again") from None

    def names(self, folder: str, *, after: str = "") -> Iterator[str]:
        """Names of the files under a folder, in order; those after a name only, where one is given."""
        for key in self._place.keys(self._key(folder), after=self._key(after) if after else ""):
            yield key.removeprefix(f"{self._folder}/") if self._folder else key

    def alone(self) -> AbstractContextManager[None]:
        """First among the processes of this machine, then among machines."""
        return self._alone()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._place.alone(self._folder):
            lease = _Lease(self._place.bucket, self._key(LOCK))
            for _ in range(_PATIENCE):
                if lease.take():
                    break
                self._wait(_PAUSE_SECONDS)
            else:
                raise TransientError("another machine is writing to the archive's ledger; try again")
            try:
                yield
            finally:
                lease.leave()

    def _key(self, name: str) -> str:
        return f"{self._folder}/{name}" if self._folder else name


class _Lease:
    def __init__(self, bucket: Bucket, key: str) -> None:
        self._bucket, self._key = bucket, key
        self._owner = json.dumps({"owner": uuid4().hex}).encode()
        self._version: str | None = None

    def take(self) -> bool:
        """Whether it is ours now. One that is older than it counts is replaced, by one of those who wait."""
        try:
            self._version = put_bytes(self._bucket, self._key, self._owner, IfNoneMatch="*")
        except AlreadyThere:
            return self._take_over()
        return True

    def _take_over(self) -> bool:
        try:
            answer = self._bucket.call("get_object", self._key)
        except FileNotFoundError:
            return False
        with answer["Body"] as body:
            if body.read() == self._owner:  # ours: the answer to the request that put it was lost
                self._version = version_of(answer)
                return True
        now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        if now - answer["LastModified"] < _COUNTS_FOR:
            return False
        with suppress(AlreadyThere, FileNotFoundError):
            self._version = put_bytes(self._bucket, self._key, self._owner, IfMatch=answer["ETag"])
            return True
        return False

    def leave(self) -> None:
        """For good where the bucket lets go of it; where a default lock of its own keeps it, under a marker."""
        which = {} if self._version is None else {"VersionId": self._version}
        with suppress(TransientError, FileNotFoundError):
            try:
                self._bucket.call("delete_object", self._key, **which)
            except (AccessRefused, PermanentError):
                self._bucket.call("delete_object", self._key)
