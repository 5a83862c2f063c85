"""One writer at a time, by a lock that the kernel releases when its holder dies."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zcc_pipeline.domain.clock import Clock
from zcc_pipeline.domain.errors import TransientError

_PAUSE_SECONDS = 0.1


class WarehouseBusy(TransientError):
    """Another process writes the warehouse; the message names it."""


@contextmanager
def warehouse_lock(written_path: Path, *, purpose: str, clock: Clock, wait_seconds: float) -> Iterator[int]:
    """Hold the lock file beside the warehouse, or another file of its own, and yield its descriptor.

    A child process that inherits the descriptor shares the lock: it stays taken until the last of them has ended,
    however they end. The file holds the holder's pid and purpose, for people; only the lock itself decides.
    Raises ``WarehouseBusy`` after ``wait_seconds``.
    """
    path = written_path.with_name(f"{written_path.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _acquire(descriptor, path, clock=clock, wait_seconds=wait_seconds)
        note = {"pid": os.getpid(), "purpose": purpose, "since": clock.now().isoformat(timespec="seconds")}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(note).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, *, clock: Clock, wait_seconds: float) -> None:
    give_up_at = clock.monotonic() + wait_seconds
    pause = threading.Event()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock.monotonic() >= give_up_at:
                raise WarehouseBusy(f"the warehouse is in use by {_holder(path)}; waited {wait_seconds:g} s") from None
            pause.wait(_PAUSE_SECONDS)
        else:
            return


def _holder(path: Path) -> str:
    try:
        note = json.loads(path.read_text())
        return f"process {note['pid']} ({note['purpose']}, since {note['since']})"
    except (OSError, ValueError, KeyError):
        return "another process"
