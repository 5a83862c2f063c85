"""Folders in which something is made before it is published, on this machine's disk, and who is at which key."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

_LOCKS = 16_384
"""Many more than threads hold at once: two keys with one lock wait for each other for nothing."""
REMOVED = "removed-"
"""Begins the name of what a removal has moved out of sight and not deleted yet."""


class Scratch:
    """One folder for all processes of a machine that write to one archive."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def new(self) -> Iterator[Path]:
        """A folder of this process; left where it is when the process dies."""
        folder = self.folder / f"{os.getpid()}-{uuid4().hex}"
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def alone(self, *keys: str) -> Iterator[None]:
        """A lock file for each key, by its digest; it ends with the process that holds it.

        Everyone takes several in the same order, and none twice: nobody waits in a circle.
        """
        folder = self.folder / "locks"
        make_folder(folder)
        numbers = {int.from_bytes(sha256(key.encode()).digest()[:2], "big") % _LOCKS for key in keys}
        with ExitStack() as held:
            for number in sorted(numbers):
                lock = held.enter_context((folder / f"{number:05d}").open("ab"))
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def interrupted(self) -> Iterator[Path]:
        """Folders of processes that are no longer there; each is gone once the caller has dealt with it."""
        for folder in sorted(self.folder.iterdir()) if self.folder.is_dir() else []:
            owner = folder.name.partition("-")[0]
            if folder.name.startswith(REMOVED) or (owner.isdecimal() and not _is_alive(int(owner))):
                yield folder
                shutil.rmtree(folder, ignore_errors=True)
            elif folder.name.endswith(".part") and not _is_alive(int(owner.removeprefix(".") or 0)):
                folder.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def make_folder(folder: Path) -> None:
    """With its parents, each new one synced into its own parent."""
    if folder.is_dir():
        return
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in missing:
        sync_folder(each.parent)


def sync_folder(folder: Path) -> None:
    """What was created, renamed or removed in it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_synced(path: Path, data: bytes) -> None:
    """A new file, on disk for good."""
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
