"""Where the ledger's files lie: small, named by the ledger, each written whole or not at all."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol


class Shelf(Protocol):
    """A folder of small files. Names are the ledger's own and hold no ids."""

    def read(self, name: str) -> bytes | None:
        """The file's bytes; None where there is none."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Put it there whole, for good when this returns, in place of what was there."""
        ...

    def names(self, folder: str, *, after: str = "") -> Iterator[str]:
        """Names of the files under a folder, in order; those after a name only, where one is given."""
        ...

    def alone(self) -> AbstractContextManager[None]:
        """Nobody else appends meanwhile."""
        ...


class FolderShelf:
    """A folder on this machine's disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        """The file's bytes; None where there is none."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, name: str, data: bytes) -> None:
        """Written beside, synced, renamed, and the folder synced."""
        path = self._folder / name
        self._make(path.parent)
        part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
        with part.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
        _sync(path.parent)

    def names(self, folder: str, *, after: str = "") -> Iterator[str]:
        """Names of the files under a folder, in order; those after a name only, where one is given."""
        top = self._folder / folder
        for path in sorted(top.rglob("*")):
            name = path.relative_to(self._folder).as_posix()
            if name > after and path.is_file() and not path.name.endswith(".part"):
                yield name

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A lock on a file, which ends with the process that holds it."""
        self._make(self._folder)
        with (self._folder / ".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make(self, folder: Path) -> None:
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for each in missing:
            _sync(each.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
