"""A folder on this machine's disk: staged, synced, renamed. It is no WORM storage, and says so."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from zcc_pipeline.archive.storage.place import Worm

_STAGING = "staging"
_QUARANTINE = "quarantine"
_LOCKS = 256


class FolderPlace:
    """The archive's top folder; staging and quarantine are beside what is archived, on the same file system."""

    def __init__(self, top: Path) -> None:
        self.top = top

    def read(self, key: str) -> bytes | None:
        """A small file whole; None where there is none."""
        try:
            return (self.top / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def open(self, key: str) -> BinaryIO:
        """A file as a stream; ``FileNotFoundError`` where there is none."""
        return (self.top / key).open("rb")

    def keys(self, prefix: str) -> Iterator[str]:
        """All keys of files under a folder, in order."""
        for folder, names, files in os.walk(self.top / prefix):
            names.sort()
            for name in sorted(files):
                yield (Path(folder) / name).relative_to(self.top).as_posix()

    def folders(self, prefix: str) -> Iterator[str]:
        """Names of the folders directly in one, in order."""
        try:
            with os.scandir(self.top / prefix) as entries:
                yield from sorted(entry.name for entry in entries if entry.is_dir())
        except FileNotFoundError:
            return

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A new folder from which ``publish`` takes; left where it is when the process dies."""
        folder = self.top / _STAGING / f"{os.getpid()}-{uuid4().hex}"
        make_folder(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(self, staged: Path, key: str) -> None:
        """Files are synced by who wrote them; here the folders are, then one rename shows all of it."""
        for folder, _, _ in os.walk(staged, topdown=False):
            sync_folder(Path(folder))
        target = self.top / key
        while True:
            make_folder(target.parent)
            try:
                staged.rename(target)
            except FileNotFoundError:
                if not staged.is_dir():
                    raise
                continue  # a purge took the empty parent away in between
            break
        sync_folder(target.parent)

    def replace(self, key: str, data: bytes) -> None:
        """Written beside, synced, renamed, and the folder synced."""
        target = self.top / key
        make_folder(target.parent)
        part = self.top / _STAGING / f".{os.getpid()}-{threading.get_ident()}-{uuid4().hex}.part"
        make_folder(part.parent)
        write_synced(part, data)
        part.replace(target)
        sync_folder(target.parent)

    def set_aside(self, key: str) -> None:
        """Into the quarantine folder, under a name of its own."""
        target = self.top / _QUARANTINE / f"{uuid4().hex}-{Path(key).name}"
        make_folder(target.parent)
        source = self.top / key
        source.rename(target)
        sync_folder(target.parent)
        sync_folder(source.parent)

    def remove(self, key: str) -> None:
        """Renamed out of sight first, so that a crash leaves no half of it in its place."""
        source = self.top / key
        doomed = self.top / _STAGING / f"removed-{uuid4().hex}"
        make_folder(doomed.parent)
        source.rename(doomed)
        sync_folder(source.parent)
        shutil.rmtree(doomed)
        self.remove_empty(key)

    def remove_empty(self, key: str) -> None:
        """Folders above a key that hold nothing: no empty folder belongs into an OCFL root."""
        for parent in (self.top / key).parents:
            if parent == self.top:
                break
            try:
                parent.rmdir()
            except FileNotFoundError:
                continue
            except OSError:  # something else is in it
                break

    @contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """One of a few lock files, by the key's digest; it ends with the process that holds it."""
        number = int.from_bytes(sha256(key.encode()).digest()[:2], "big") % _LOCKS
        path = self.top / _STAGING / "locks" / f"{number:03d}"
        make_folder(path.parent)
        with path.open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def interrupted(self) -> Iterator[Path]:
        """Staged folders of processes that are no longer there, and what a purge had not finished removing."""
        staging = self.top / _STAGING
        for folder in sorted(staging.iterdir()) if staging.is_dir() else []:
            owner = folder.name.partition("-")[0]
            if folder.name.startswith("removed-") or (owner.isdecimal() and not _is_alive(int(owner))):
                yield folder
                shutil.rmtree(folder, ignore_errors=True)
            elif folder.name.endswith(".part") and not _is_alive(int(owner.removeprefix(".") or 0)):
                folder.unlink(missing_ok=True)

    def worm(self) -> Worm:
        """A plain disk promises nothing: whoever may write may change."""
        return Worm(
            is_worm=False, reason="a folder on a disk: changes are shown by the ledger, and cannot be prevented here"
        )


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
