"""A folder on this machine's disk: staged, synced, renamed. It is no WORM storage, and says so."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from zcc_pipeline.archive.storage.place import UNKNOWN, Lock, Parcel, Worm
from zcc_pipeline.archive.storage.scratch import REMOVED, Scratch, make_folder, sync_folder, write_synced
from zcc_pipeline.archive.storage.syncing import Disk

_STAGING = "staging"
_QUARANTINE = "quarantine"
_AT_ONCE = 8
"""Objects that wait for the disk together. More make little difference, and are redone when a crash comes before it."""


class FolderPlace:
    """The archive's top folder; staging and quarantine are beside what is archived, on the same file system."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self._scratch = Scratch(top / _STAGING)
        self._disk = Disk(top)

    @property
    def locks(self) -> bool:
        """A disk has no locks of its own."""
        return False

    @property
    def at_once(self) -> int:
        """Several: one wait for the disk is enough for all that is staged, and another for all that was renamed."""
        return _AT_ONCE

    def is_there(self) -> bool:
        """Whether the folder is."""
        return self.top.is_dir()

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

    def version_id(self, key: str) -> str | None:
        """None: a disk keeps no versions."""
        del key
        return None

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A new folder from which ``publish`` takes; left where it is when the process dies."""
        with self._scratch.new() as folder:
            self._disk.watch()
            yield folder

    def publish(self, parcels: Sequence[Parcel]) -> list[str | None]:
        """Everything staged is synced, then one rename each shows all of it, then the folders above are synced."""
        for folder in {parcel.staged.parent for parcel in parcels}:
            self._disk.settle(folder)
        above: set[Path] = set()
        for parcel in parcels:
            target = self.top / parcel.key
            rename_whole(parcel.staged, target)
            for folder in target.parents:  # made here or by another writer who may not have come to syncing them
                above.add(folder)
                if folder == self.top:
                    break
        self._disk.settle_folders(above)
        return [None] * len(parcels)

    def replace(self, key: str, data: bytes, *, lock: Lock = UNKNOWN) -> str | None:
        """Written beside, synced, renamed, and the folder synced."""
        del lock
        target = self.top / key
        make_folder(target.parent)
        part = self.top / _STAGING / f".{os.getpid()}-{threading.get_ident()}-{uuid4().hex}.part"
        make_folder(part.parent)
        write_synced(part, data)
        part.replace(target)
        sync_folder(target.parent)
        return None

    def protect(self, key: str, lock: Lock) -> None:
        """Nothing: a disk keeps nobody from deleting."""

    def is_being_written(self, key: str) -> bool:
        """Never: what is published appears in one step."""
        del key
        return False

    def set_aside(self, key: str) -> None:
        """Into the quarantine folder, under a name of its own."""
        target = self.top / _QUARANTINE / f"{uuid4().hex}-{Path(key).name}"
        make_folder(target.parent)
        source = self.top / key
        source.rename(target)
        sync_folder(target.parent)
        sync_folder(source.parent)

    def remove(self, key: str, *, bypass_governance: bool = False) -> None:
        """Renamed out of sight first, so that a crash leaves no half of it in its place."""
        del bypass_governance
        source = self.top / key
        doomed = self.top / _STAGING / f"{REMOVED}{uuid4().hex}"
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

    def alone(self, *keys: str) -> AbstractContextManager[None]:
        """One writer a key on this machine, and on others where the file system hands locks on."""
        return self._scratch.alone(*keys)

    def interrupted(self) -> Iterator[Path]:
        """Staged folders of processes that are no longer there, and what a purge had not finished removing."""
        return self._scratch.interrupted()

    def worm(self) -> Worm:
        """A plain disk promises nothing: whoever may write may change."""
        return Worm(
            is_worm=False,
            reason="a folder on a disk: what is changed is shown by the ledger (the audit-trail alternative), "
            "and cannot be prevented here",
        )


def rename_whole(staged: Path, target: Path) -> None:
    """A staged folder to its place, whose parents are made."""
    while True:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            staged.rename(target)
        except FileNotFoundError:
            if not staged.is_dir():
                raise
            continue  # a purge took the empty parent away in between
        return
