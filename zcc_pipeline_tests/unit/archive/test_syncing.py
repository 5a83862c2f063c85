"""Threads share syncs, none is told of one that began before it asked, and a failure is never forgotten."""

from __future__ import annotations

import errno
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from zcc_pipeline.archive.storage.syncing import Disk, Together, file_system_of, sync_tree


class Gate:
    """A sync that ends when it is let go."""

    def __init__(self, *fails_at: int) -> None:
        self.calls = 0
        self.began = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)
        self._fails_at = fails_at

    def __call__(self) -> None:
        self.calls += 1
        self.began.release()
        assert self.may_end.acquire(timeout=60)
        if self.calls in self._fails_at:
            raise OSError(errno.EIO, "Input/output error")


def wait_until_waiting(together: Together, threads: int) -> None:
    while len(together._changed._waiters) < threads:  # type: ignore[attr-defined]
        threading.Event().wait(0.001)


def test_who_comes_while_a_sync_runs_waits_for_the_next_one_and_all_of_them_share_it() -> None:
    gate = Gate()
    together = Together(gate)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(together.wait)
        assert gate.began.acquire(timeout=60)
        others = [pool.submit(together.wait) for _ in range(7)]
        wait_until_waiting(together, 7)
        gate.may_end.release()
        first.result(timeout=60)
        assert gate.began.acquire(timeout=60)
        assert not any(each.done() for each in others), "the first sync may not have seen what they wrote"
        gate.may_end.release()
        for each in others:
            each.result(timeout=60)
    assert gate.calls == 2


def test_a_sync_that_failed_is_told_to_everyone_who_waits_and_to_everyone_after() -> None:
    gate = Gate(1)
    together = Together(gate)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(together.wait)
        assert gate.began.acquire(timeout=60)
        second = pool.submit(together.wait)
        wait_until_waiting(together, 1)
        gate.may_end.release()
        for each in (first, second):
            with pytest.raises(OSError, match="not taken what was written") as failed:
                each.result(timeout=60)
            assert failed.value.errno == errno.EIO
    with pytest.raises(OSError, match="not taken"):
        together.wait()


def test_a_sync_that_was_broken_off_counts_as_failed() -> None:
    def broken() -> None:
        raise KeyboardInterrupt

    together = Together(broken)
    with pytest.raises(KeyboardInterrupt):
        together.wait()
    with pytest.raises(OSError, match="broken off"):
        together.wait()


def test_the_type_of_a_file_system_is_read_from_the_mounts(tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mountinfo"
    number = f"{device >> 8 & 0xFFF}:{device & 0xFF}"
    mounts.write_text(f"1 1 0:1 / /proc rw - proc proc rw\n2 1 {number} / / rw shared:1 - btrfs /dev/x rw\n")
    assert file_system_of(tmp_path, mounts) == "btrfs"
    mounts.write_text("1 1 9999:1 / / rw - ext4 /dev/x rw\n")
    assert file_system_of(tmp_path, mounts) is None
    assert file_system_of(tmp_path, tmp_path / "nowhere") is None


def test_a_staged_folder_is_settled_by_either_way(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").write_bytes(b"x")
    Disk(tmp_path).settle(tmp_path / "a")
    sync_tree(tmp_path / "a")
