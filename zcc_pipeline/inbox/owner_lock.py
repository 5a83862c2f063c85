"""One owner of a SQLite inbox at a time, by a lock that the kernel releases when its holder dies.

The lock is a file beside the database, never the database itself: SQLite's own locks of a process are all lost as soon
as anything in it closes another descriptor of the same file.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.inbox.contract import InboxOwned, InboxUnavailable


class OwnerLock:
    """Held from construction until ``release`` or the end of the process; children do not inherit it."""

    def __init__(self, database: Path, *, host: str, clock: Clock) -> None:
        """Raises ``InboxOwned`` with the holder's process where it is taken, ``InboxUnavailable`` where no file can be
        made there."""
        path = database.with_name(f"{database.name}.lock")
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise InboxUnavailable(f"inbox: cannot lock it: {error.strerror}") from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise InboxOwned(f"{_holder(path)} receives into {database.name} already") from None
        note = {"pid": os.getpid(), "host": host, "since": clock.now().isoformat(timespec="seconds")}
        self._write(json.dumps(note).encode())

    def _write(self, note: bytes) -> None:
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, note, 0)
        except OSError:
            return  # a full disk: the note is for people, the lock holds without it

    def release(self) -> None:
        """Let the next owner in; may be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _holder(path: Path) -> str:
    try:
        note = json.loads(path.read_text())
        return f"process {note['pid']} on {note['host']} (since {note['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
