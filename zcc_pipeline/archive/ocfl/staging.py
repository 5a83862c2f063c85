"""One piece into the staging folder: written or cloned, and hashed on the way. Who publishes the folder syncs it."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256, sha512
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from zcc_pipeline.archive.contents import StoredPiece

_FICLONE = 0x40049409  # linux/fs.h: share all blocks of another file
_CANNOT_CLONE = frozenset({errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.EPERM, errno.ENOSYS})
_CHUNK = 1 << 20
_LARGE = 1 << 18
"""Bytes of a file that the disk had better begin with at once."""


@dataclass(frozen=True, slots=True)
class Digests:
    """Of the bytes that were staged."""

    sha512: str
    sha256: str
    size_bytes: int


def stage_piece(target: Path, content: bytes | StoredPiece) -> Digests:
    """Write a piece; the digests are of what was written.

    Where the SHA-256 of a stored file is known, it is taken over: it was made of the bytes that have that SHA-512.
    """
    if isinstance(content, bytes):
        target.write_bytes(content)
        return Digests(sha512(content).hexdigest(), sha256(content).hexdigest(), len(content))
    if content.local_path is not None and _clone(content.local_path, target):
        with target.open("rb") as stream:
            return _digest(stream, content.sha256)
    with closing(content.open()) as source, target.open("wb", buffering=0) as stream:
        digests = _digest(source, content.sha256, _writing(stream))
        if digests.size_bytes >= _LARGE:
            _begin_writing(stream)
        return digests


def _digest(source: BinaryIO, known_sha256: str | None, pass_on: Callable[[bytes], None] = lambda _: None) -> Digests:
    long, short, size = sha512(), sha256(), 0
    while chunk := source.read(_CHUNK):
        long.update(chunk)
        if known_sha256 is None:
            short.update(chunk)
        pass_on(chunk)
        size += len(chunk)
    return Digests(long.hexdigest(), known_sha256 or short.hexdigest(), size)


def _writing(stream: FileIO) -> Callable[[bytes], None]:
    def write(chunk: bytes) -> None:
        left = memoryview(chunk)
        while left:
            left = left[stream.write(left) :]

    return write


def _begin_writing(stream: FileIO) -> None:
    """To the disk, while the next pieces are read and hashed: a hint that is not waited for, where there is one."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


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
