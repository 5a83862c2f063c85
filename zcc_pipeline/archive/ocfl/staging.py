"""One piece into the staging folder: written or cloned, hashed on the way, synced."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256, sha512
from pathlib import Path

from zcc_pipeline.archive.contents import StoredPiece

_FICLONE = 0x40049409  # linux/fs.h: share all blocks of another file
_CANNOT_CLONE = frozenset({errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.EPERM, errno.ENOSYS})
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Digests:
    """Of the bytes that were staged."""

    sha512: str
    sha256: str
    size_bytes: int


def stage_piece(target: Path, content: bytes | StoredPiece) -> Digests:
    """Write a piece; the digests are of what is on disk afterwards."""
    if isinstance(content, bytes):
        return _write(target, content)
    if content.local_path is not None and _clone(content.local_path, target):
        return _hash_and_sync(target)
    return _copy(target, content)


def _write(target: Path, content: bytes) -> Digests:
    with target.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    return Digests(sha512(content).hexdigest(), sha256(content).hexdigest(), len(content))


def _copy(target: Path, content: StoredPiece) -> Digests:
    long, short, size = sha512(), sha256(), 0
    with closing(content.open()) as source, target.open("wb") as stream:
        while chunk := source.read(_CHUNK):
            long.update(chunk)
            short.update(chunk)
            size += len(chunk)
            stream.write(chunk)
        stream.flush()
        os.fsync(stream.fileno())
    return Digests(long.hexdigest(), short.hexdigest(), size)


def _clone(source: Path, target: Path) -> bool:
    """Share blocks with the source where the file system can. A hard link would be one file under two names: whoever
    damages it damages both."""
    try:
        with source.open("rb") as reading, target.open("wb") as writing:
            fcntl.ioctl(writing.fileno(), _FICLONE, reading.fileno())
    except OSError as error:
        if error.errno in _CANNOT_CLONE:
            return False
        raise
    return True


def _hash_and_sync(target: Path) -> Digests:
    long, short, size = sha512(), sha256(), 0
    with target.open("rb") as stream:
        os.fsync(stream.fileno())
        while chunk := stream.read(_CHUNK):
            long.update(chunk)
            short.update(chunk)
            size += len(chunk)
    return Digests(long.hexdigest(), short.hexdigest(), size)
