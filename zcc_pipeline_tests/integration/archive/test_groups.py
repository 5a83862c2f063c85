"""Objects that are written together: each whole or not there, and none of them another one's trouble."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha512
from pathlib import Path
from typing import BinaryIO

import ocfl
import pytest

from zcc_pipeline.archive.contents import Piece, Snapshot, StoredPiece
from zcc_pipeline.archive.ocfl import Draft, ObjectStore, Written, check_object
from zcc_pipeline.archive.ocfl.layout import object_key
from zcc_pipeline.archive.storage import FolderPlace
from zcc_pipeline.archive.storage import folder as folder_module
from zcc_pipeline.archive.storage.syncing import Disk
from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.errors import PermanentError
from zcc_pipeline_tests.integration.archive.write_objects import AUTHOR, object_id, snapshot

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
WRITER = "zcc_pipeline_tests.integration.archive.write_objects"


def store_in(top: Path) -> ObjectStore:
    store = ObjectStore(FolderPlace(top), clock=SystemClock())
    store.prepare()
    return store


def write(store: ObjectStore, *snapshots: Snapshot) -> Sequence[Written | PermanentError]:
    return store.write_together([Draft(each) for each in snapshots], message="export", author=AUTHOR)


def assert_sound(top: Path, numbers: Sequence[int]) -> None:
    place = FolderPlace(top)
    ids = [object_id(number) for number in numbers]
    assert sorted(ObjectStore(place, clock=SystemClock()).object_ids()) == sorted(ids)
    assert [problem for each in ids for problem in check_object(place, each)] == []
    assert not list((top / "staging").glob("[0-9]*"))
    root = ocfl.StorageRoot(str(top / "objects"))
    assert root.validate()
    assert root.good_objects == len(ids)


def with_file(number: int, content: bytes | OSError) -> Snapshot:
    """The recording is no longer the one that was downloaded, or cannot be read."""

    def open_() -> BinaryIO:
        if isinstance(content, OSError):
            raise content
        return io.BytesIO(content)

    return Snapshot(object_id(number), (Piece("a.mp3", StoredPiece(open_, 7, sha512(b"whole").hexdigest())),))


def test_new_changed_and_unchanged_objects_go_together_each_in_its_own_way(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    write(store, snapshot(1), snapshot(2))
    done = write(store, snapshot(3), snapshot(2, note="edited"), snapshot(1), snapshot(4))
    assert all(isinstance(each, Written) for each in done)
    told = [(each.object_id, each.version, each.is_new_version) for each in done if isinstance(each, Written)]
    assert told == [
        (object_id(3), 1, True), (object_id(2), 2, True), (object_id(1), 1, False), (object_id(4), 1, True)
    ]  # fmt: skip
    for each in done:
        head = store.head(each.object_id) if isinstance(each, Written) else None
        assert head is not None
        assert isinstance(each, Written)
        assert (head.version, head.inventory_sha512) == (each.version, each.inventory_sha512)
    assert_sound(tmp_path, [1, 2, 3, 4])


def test_a_bad_file_in_a_group_refuses_its_own_object_alone(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    done = write(store, snapshot(1), with_file(2, b"damaged"), snapshot(3))
    assert [type(each) for each in done] == [Written, PermanentError, Written]
    assert "not the one that was downloaded" in str(done[1])
    assert_sound(tmp_path, [1, 3])


def test_an_object_whose_inventory_is_damaged_keeps_no_other_from_being_written(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    write(store, snapshot(1))
    inventory = tmp_path / object_key(object_id(1)) / "inventory.json"
    good = inventory.read_bytes()
    inventory.write_bytes(b"{}")
    done = write(store, snapshot(1), snapshot(2))
    assert isinstance(done[0], PermanentError)
    assert isinstance(done[1], Written)
    inventory.write_bytes(good)
    assert_sound(tmp_path, [1, 2])


def test_a_disk_that_is_full_in_the_middle_of_a_group_leaves_what_was_whole_and_nothing_of_the_rest(
    tmp_path: Path,
) -> None:
    store = store_in(tmp_path)
    full = with_file(3, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(OSError, match="No space left"):
        write(store, snapshot(1), snapshot(2), full, snapshot(4))
    assert_sound(tmp_path, [1, 2])
    done = write(store, *map(snapshot, range(1, 5)))
    assert [each.is_new_version for each in done if isinstance(each, Written)] == [False, False, True, True]
    assert_sound(tmp_path, [1, 2, 3, 4])


def test_a_group_waits_for_the_disk_twice_however_many_objects_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_in(tmp_path)
    steps: list[str] = []

    def step(name: str) -> None:
        steps.append(name)

    monkeypatch.setattr(Disk, "settle", lambda *_: step("staged is on disk"))
    monkeypatch.setattr(Disk, "settle_folders", lambda *_: step("folders are on disk"))
    rename = folder_module.rename_whole

    def renaming(staged: Path, target: Path) -> None:
        step("shown")
        rename(staged, target)

    monkeypatch.setattr(folder_module, "rename_whole", renaming)
    most = store.at_once
    assert most > 1
    write(store, *map(snapshot, range(most + 1)))
    groups = [["staged is on disk", *["shown"] * count, "folders are on disk"] for count in (most, 1)]
    assert steps == [*groups[0], *groups[1]]


@pytest.mark.parametrize("renamed", [0, 3, 8, 11])
def test_a_kill_between_the_renames_of_a_group_leaves_whole_objects_and_whole_versions(
    tmp_path: Path, renamed: int
) -> None:
    """Eight objects, then a second version of each: eleven renames are all of the first and three of the second."""
    done = subprocess.run(
        [sys.executable, "-m", WRITER, str(tmp_path), "0", "8", str(renamed)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    store = store_in(tmp_path)
    assert store.at_once == 8
    assert set(store.recover()) == {object_id(number) for number in range(8)}
    assert_sound(tmp_path, range(min(renamed, 8)))
    heads = [store.head(object_id(number)) for number in range(8)]
    versions = [0 if head is None else head.version for head in heads]
    assert versions == [(number < renamed) + (number + 8 < renamed) for number in range(8)]
    written = write(store, *(snapshot(number, note="edited 0") for number in range(8)))
    assert len([each for each in written if isinstance(each, Written)]) == 8
    assert_sound(tmp_path, range(8))


def test_exporters_whose_groups_overlap_neither_wait_in_a_circle_nor_double_anything(tmp_path: Path) -> None:
    stores = [store_in(tmp_path) for _ in range(4)]
    numbers = list(range(12))

    def export(number: int) -> Sequence[Written | PermanentError]:
        turned = numbers[number * 3 :] + numbers[: number * 3]
        return write(stores[number], *map(snapshot, turned if number % 2 else reversed(turned)))

    with ThreadPoolExecutor(4) as pool:
        outcomes = [each for done in pool.map(export, range(4), timeout=60) for each in done]
    assert sum(isinstance(each, Written) and each.is_new_version for each in outcomes) == len(numbers)
    assert_sound(tmp_path, numbers)


def test_two_keys_with_one_lock_are_no_deadlock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zcc_pipeline.archive.storage.scratch._LOCKS", 1)
    done = write(store_in(tmp_path), *map(snapshot, range(5)))
    assert len([each for each in done if isinstance(each, Written)]) == 5


def test_a_group_is_bounded_by_bytes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = store_in(tmp_path)
    waits: list[int] = []
    monkeypatch.setattr(Disk, "settle_folders", lambda *_: waits.append(len(list(store.object_ids()))))
    monkeypatch.setattr("zcc_pipeline.archive.ocfl.store._BYTES_AT_ONCE", 30_000)
    write(store, *(snapshot(number, size=each) for number, each in enumerate((100, 100, 20_000, 20_000, 100))))
    assert waits == [3, 5]
