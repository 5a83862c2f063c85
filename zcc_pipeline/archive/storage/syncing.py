"""When is what was written on disk for good? One call for all that is staged, shared by threads that wait at once.

An object is ten small files in five folders. A sync of each is a commit of the file system's journal each time; one
``syncfs`` is one commit for all of them, for those of a whole group of objects, and for those of the other threads. It
waits for everything that anybody has written on that file system, and reports errors since Linux 5.8 (syncfs(2)); where
it cannot be relied on (another system, a network or user-space file system, an overlay), each file and folder is synced
on its own.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import weakref
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from threading import Condition

from zcc_pipeline.archive.storage.scratch import sync_folder

_REPORTS_ERRORS = (5, 8)
"""Linux from which on ``syncfs`` tells of what could not be written."""
SOUND = frozenset({"ext4", "xfs", "btrfs"})
"""File systems on a disk whose own ``syncfs`` waits for data and folders."""
_MOUNTS = Path("/proc/self/mountinfo")


class Together:
    """Threads that wait for a sync share one: each gets one that began after it asked.

    Once it has failed it fails for ever: the error is told to one caller, and what another has written may be lost.
    """

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._changed = Condition()
        self._begun = self._ended = 0
        self._is_running = False
        self._error: OSError | None = None

    def wait(self) -> None:
        """Returns when everything that was written before is on disk; ``OSError`` where it may not be."""
        with self._changed:
            wanted = self._begun + 1
            while self._is_running and self._ended < wanted:
                self._changed.wait()
            is_leading = self._ended < wanted and self._error is None
            if is_leading:
                self._begun += 1
                self._is_running = True
        if is_leading:
            self._lead()
        if self._error is not None:
            raise OSError(self._error.errno, f"the disk has not taken what was written: {self._error.strerror}")

    def _lead(self) -> None:
        error: OSError | None = OSError(errno.EINTR, "broken off")
        try:
            self._sync()
            error = None
        except OSError as failed:
            error = failed
        finally:
            with self._changed:
                self._ended, self._is_running = self._begun, False
                self._error = self._error or error
                self._changed.notify_all()


class Disk:
    """The file system that a folder lies on. Made before anything is written, which is what it may later report on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def settle(self, staged: Path) -> None:
        """Returns when every file and folder below is on disk."""
        if self._together is None:
            sync_tree(staged)
        else:
            self._together.wait()

    def settle_folders(self, folders: Iterable[Path]) -> None:
        """Returns when what was created or renamed in these, themselves, is on disk."""
        if self._together is None:
            for folder in folders:
                sync_folder(folder)
        else:
            self._together.wait()

    def watch(self) -> None:
        """From here on an error is reported."""
        _ = self._together

    @cached_property
    def _together(self) -> Together | None:
        call = _syncfs()
        if call is None or file_system_of(self._folder) not in SOUND:
            return None
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        weakref.finalize(self, os.close, descriptor)

        def sync() -> None:
            if call(descriptor) != 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))

        return Together(sync)


def sync_tree(folder: Path) -> None:
    """Every file, then its folder. Whoever opens a file after a failed write still hears of it (Linux 4.17)."""
    for top, _, names in os.walk(folder, topdown=False):
        for name in names:
            descriptor = os.open(os.path.join(top, name), os.O_RDONLY)  # noqa: PTH118 - one of many, in a hot loop
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        sync_folder(Path(top))


def file_system_of(folder: Path, mounts: Path = _MOUNTS) -> str | None:
    """Its type, as the kernel names it; None where that cannot be told."""
    device = folder.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # no Linux
        return None
    for line in lines:
        before, _, after = line.partition(" - ")
        if before.split(" ")[2:3] == [wanted]:
            return after.partition(" ")[0]
    return None


def _syncfs() -> Callable[[int], int] | None:
    """The C library's, where the kernel reports errors by it. It lets other threads run meanwhile."""
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if os.uname().sysname != "Linux" or release is None or tuple(map(int, release.groups())) < _REPORTS_ERRORS:
        return None
    found = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if found is not None:
        found.argtypes, found.restype = [ctypes.c_int], ctypes.c_int
    return found
