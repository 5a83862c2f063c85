"""An S3 bucket. Each file is an object of its own, written by one request that the storage checks; what must be seen
last is written last: the content, the version's inventory, the object's inventory, its sidecar.

Who writes: on one machine one at a time for each key, by lock files in the scratch folder. Machines that share a state
store export one after the other. What is left is a race of two that share nothing: an inventory of a version is only
ever put where there is none, so the second one fails, and what another machine has begun lately is left alone.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from zcc_pipeline.archive.storage.place import UNKNOWN, Lock, Parcel, Worm
from zcc_pipeline.archive.storage.s3.client import Bucket
from zcc_pipeline.archive.storage.s3.errors import AlreadyThere, explained
from zcc_pipeline.archive.storage.s3.locks import LOCK_DAYS, LockMode, Locks
from zcc_pipeline.archive.storage.s3.probe import probe
from zcc_pipeline.archive.storage.s3.uploads import Limits, put_bytes, put_file, version_of
from zcc_pipeline.archive.storage.scratch import Scratch, make_folder
from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import PermanentError, TransientError

LOCKED = frozenset({"objects", "ledger", "completeness", "checkpoints"})
"""Folders whose files are locked; the last one is a witness's. What is made anew (index), or is leaving, is not."""
LAST = ("inventory.json", "inventory.json.sha512")
"""Files that say that others are there, in this order; those of a folder further down come before."""
_AT_ONCE = 16
_BUSY = timedelta(minutes=15)
_WRITER = "writer"


class S3Place:
    """The archive's top folder is a prefix; staging and locks between processes are in a scratch folder here."""

    def __init__(
        self,
        bucket: Bucket,
        scratch: Path,
        *,
        clock: Clock,
        mode: LockMode | None = None,
        lock_days: int = LOCK_DAYS,
        limits: Limits | None = None,
    ) -> None:
        self.bucket = bucket
        self._scratch = Scratch(scratch)
        self._clock = clock
        self._limits = limits or Limits()
        self._making = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self.object_locks = Locks(bucket, clock=clock, pool=self._pool, mode=mode, days=lock_days)

    def _pool(self) -> ThreadPoolExecutor:
        with self._making:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="s3")
            return self._threads

    @property
    def locks(self) -> bool:
        """Whether the bucket has Object Lock and it is used."""
        return self.object_locks.mode is not LockMode.NONE

    @property
    def at_once(self) -> int:
        """One: another machine may have put the same. Threads put several side by side."""
        return 1

    def is_there(self) -> bool:
        """Whether anything was archived."""
        return any(True for folder in sorted(LOCKED) for _ in self.folders(folder))

    def read(self, key: str) -> bytes | None:
        """An object whole; None where there is none."""
        try:
            with self.open(key) as stream:
                return stream.read()
        except FileNotFoundError:
            return None

    def open(self, key: str) -> BinaryIO:
        """The object's newest version as a stream."""
        body = self.bucket.call("get_object", key)["Body"]
        return io.BufferedReader(_Body(body, self.bucket.setting))

    def keys(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """From one listing; what is hidden by a marker is not in it. Those after a key only, where one is given."""
        begin = {"StartAfter": self.bucket.full(after)} if after else {}
        for page in self.bucket.pages("list_objects_v2", f"{prefix}/", **begin):
            for each in page.get("Contents", ()):
                yield self.bucket.short(each["Key"])

    def folders(self, prefix: str) -> Iterator[str]:
        """Prefixes directly under one."""
        for page in self.bucket.pages("list_objects_v2", f"{prefix}/", Delimiter="/"):
            for each in page.get("CommonPrefixes", ()):
                yield each["Prefix"].rstrip("/").rpartition("/")[2]

    def version_id(self, key: str) -> str | None:
        """The newest version's."""
        try:
            return version_of(self.bucket.call("head_object", key))
        except FileNotFoundError:
            return None

    def staging(self) -> AbstractContextManager[Path]:
        """A folder on this machine."""
        return self._scratch.new()

    def publish(self, parcels: Sequence[Parcel]) -> list[str | None]:
        """One after the other."""
        return [self._publish(parcel) for parcel in parcels]

    def _publish(self, parcel: Parcel) -> str | None:
        """Contents at once, then inventories from the inside out. The first, the version's own, is only put where there
        is none: ``PermanentError`` where another machine has published that version in the meantime."""
        staged, key = parcel.staged, parcel.key
        paths = [path.relative_to(staged) for path in sorted(staged.rglob("*")) if path.is_file()]
        arguments = self._arguments(key, parcel.lock)
        contents = [path for path in paths if path.name not in LAST]
        list(self._pool().map(lambda path: self._put_file(parcel, path, arguments), contents))
        first, *others = sorted((path for path in paths if path.name in LAST), key=_turn)
        try:
            shown = self._put_new(f"{key}/{first.as_posix()}", (staged / first).read_bytes(), arguments)
        except AlreadyThere:
            raise PermanentError("another machine has just archived the same engagement; try again") from None
        for path in others:
            found = put_bytes(self.bucket, f"{key}/{path.as_posix()}", (staged / path).read_bytes(), **arguments)
            shown = found if path == Path(LAST[0]) else shown
        return shown

    def _put_file(self, parcel: Parcel, path: Path, arguments: dict[str, Any]) -> None:
        known = parcel.sha256s.get(path.as_posix())
        put_file(
            self.bucket,
            f"{parcel.key}/{path.as_posix()}",
            parcel.staged / path,
            digest=None if known is None else bytes.fromhex(known),
            limits=self._limits,
            **arguments,
        )

    def _put_new(self, key: str, data: bytes, arguments: dict[str, Any]) -> str | None:
        """A request that was repeated because its answer was lost finds what it has put itself."""
        try:
            return put_bytes(self.bucket, key, data, IfNoneMatch="*", **arguments)
        except AlreadyThere:
            if self.read(key) == data:
                return self.version_id(key)
            raise

    def put_new(self, key: str, data: bytes, *, lock: Lock = UNKNOWN) -> str | None:
        """A file that is written once; ``AlreadyThere`` where another one has put something else there."""
        return self._put_new(key, data, self._arguments(key, lock))

    def _arguments(self, key: str, lock: Lock) -> dict[str, Any]:
        locked = self.object_locks.arguments(lock) if key.partition("/")[0] in LOCKED else {}
        return {**locked, "Metadata": {_WRITER: self._writer}}

    def replace(self, key: str, data: bytes, *, lock: Lock = UNKNOWN) -> str | None:
        """A new version; where the bucket keeps versions, the one before stays, locked as it was."""
        return put_bytes(self.bucket, key, data, **self._arguments(key, lock))

    def protect(self, key: str, lock: Lock) -> None:
        """Object Lock of every version; nothing where the bucket has none."""
        self.object_locks.protect(f"{key}/", lock)

    def is_being_written(self, key: str) -> bool:
        """Whether another machine has put something there within the last quarter of an hour."""
        newest = None
        for page in self.bucket.pages("list_objects_v2", f"{key}/"):
            for each in page.get("Contents", ()):
                newest = each if newest is None or each["LastModified"] > newest["LastModified"] else newest
        if newest is None:
            return False
        head = self.bucket.call("head_object", self.bucket.short(newest["Key"]))
        now = parsedate_to_datetime(head["ResponseMetadata"]["HTTPHeaders"]["date"])
        return bool(head.get("Metadata", {}).get(_WRITER) != self._writer and now - newest["LastModified"] < _BUSY)

    def set_aside(self, key: str) -> None:
        """Copied into the quarantine; what is locked stays as a version under a marker."""
        target = f"quarantine/{uuid4().hex}-{Path(key).name}"
        found = list(self.keys(key))
        for each in found or [key]:
            source = {"Bucket": self.bucket.name, "Key": self.bucket.full(each)}
            self.bucket.call("copy_object", f"{target}{each.removeprefix(key)}", CopySource=source)
        for each in found or [key]:
            self.bucket.call("delete_object", each)

    def remove(self, key: str, *, bypass_governance: bool = False) -> None:
        """Every version and marker; refused as a whole while one is locked or held."""
        self.object_locks.remove(f"{key}/", bypass_governance=bypass_governance)

    def remove_empty(self, key: str) -> None:
        """Nothing: a bucket has no folders."""

    def alone(self, *keys: str) -> AbstractContextManager[None]:
        """One writer a key on this machine."""
        return self._scratch.alone(*keys)

    def interrupted(self) -> Iterator[Path]:
        """Staged folders of processes of this machine that are no longer there."""
        return self._scratch.interrupted()

    def worm(self) -> Worm:
        """Tried now."""
        return probe(self.bucket, self.object_locks, clock=self._clock, name=uuid4().hex)

    @cached_property
    def _writer(self) -> str:
        """A random name of this machine's scratch folder; says nothing about the machine."""
        path = self._scratch.folder / "writer-id"
        # Whoever asks holds the lock of a key by now, which may be the same file as any other of that folder.
        with Scratch(self._scratch.folder / "writer").alone("id"):
            if not path.exists():
                make_folder(path.parent)
                path.write_text(uuid4().hex, encoding="ascii")
            return path.read_text(encoding="ascii")


def _turn(path: Path) -> tuple[int, int]:
    return -len(path.parts), LAST.index(path.name)


class _Body(io.RawIOBase):
    """What is being downloaded, as a file; a connection that breaks is a ``TransientError``."""

    def __init__(self, body: Any, setting: str) -> None:  # noqa: ANN401 - botocore's own class
        self._body, self._setting = body, setting

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        with _broken_off(self._setting):
            data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._body.close()
        super().close()


@contextmanager
def _broken_off(setting: str) -> Iterator[None]:
    from urllib3.exceptions import HTTPError

    try:
        with explained("get_object", setting):
            yield
    except (HTTPError, OSError):
        raise TransientError("object storage: the connection broke while an object was read") from None
