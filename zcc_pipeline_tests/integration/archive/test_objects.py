"""Objects on disk: judged by others than who wrote them, and found out whatever is changed in them."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha512
from pathlib import Path

import ocfl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zcc_pipeline.archive.contents import Piece, Snapshot, StoredPiece, safe_name
from zcc_pipeline.archive.ocfl import Author, ObjectStore, Written, check_object, check_root
from zcc_pipeline.archive.ocfl.layout import object_key
from zcc_pipeline.archive.storage import FolderPlace
from zcc_pipeline.domain.clock import SystemClock
from zcc_pipeline.domain.errors import NotFound, PermanentError
from zcc_pipeline_tests.examples import of_all
from zcc_pipeline_tests.integration.archive.write_objects import AUTHOR, object_id, snapshot

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
WRITER = "zcc_pipeline_tests.integration.archive.write_objects"


class Archive:
    """A store in a folder."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.place = FolderPlace(top)
        self.store = ObjectStore(self.place, clock=SystemClock())
        self.store.prepare()

    def write(self, number: int = 1, **changes: object) -> Written:
        return self.store.write(snapshot(number, **changes), message="nightly export", author=AUTHOR)

    def folder(self, number: int = 1) -> Path:
        return self.top / object_key(object_id(number))

    def problems(self, number: int = 1) -> list[tuple[str, str]]:
        return [(found.path, found.text) for found in check_object(self.place, object_id(number))]

    def judged_valid(self) -> bool:
        """By a library that shares nothing with ours."""
        root = ocfl.StorageRoot(str(self.top / "objects"))
        validity = root.validate()
        return bool(validity) and root.num_objects == root.good_objects > 0


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def test_an_independent_validator_finds_every_object_and_the_root_valid(archive: Archive) -> None:
    for number in range(5):
        archive.write(number)
    archive.write(2, note="edited")
    assert archive.judged_valid()
    assert list(check_root(archive.place)) == []
    assert sorted(archive.store.object_ids()) == sorted(object_id(number) for number in range(5))


def test_coreutils_alone_can_check_it_from_the_inventory(archive: Archive) -> None:
    archive.write()
    inventory = json.loads((archive.folder() / "inventory.json").read_bytes())
    lines = "".join(f"{digest}  {path}\n" for digest, paths in inventory["manifest"].items() for path in paths)
    lines += (archive.folder() / "inventory.json.sha512").read_text().replace(" ", "  ")
    done = subprocess.run(
        ["sha512sum", "--check", "--strict"],
        input=lines,
        cwd=archive.folder(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "v1/content/engagement.json: OK" in done.stdout


def test_the_same_again_makes_no_version_and_no_byte_changes(archive: Archive) -> None:
    first = archive.write()
    before = {path: path.read_bytes() for path in archive.folder().rglob("*") if path.is_file()}
    again = archive.write(cover="another day's cover sheet")
    assert (again.is_new_version, again.version, again.inventory_sha512) == (False, 1, first.inventory_sha512)
    assert {path: path.read_bytes() for path in archive.folder().rglob("*") if path.is_file()} == before


def test_each_late_piece_is_one_version_and_the_first_stays_as_it_was(archive: Archive) -> None:
    archive.write()
    first = {path: path.read_bytes() for path in (archive.folder() / "v1").rglob("*") if path.is_file()}
    assert archive.write(transcript="WEBVTT\n").version == 2
    assert archive.write(transcript="WEBVTT\n", note="edited").version == 3
    assert archive.write(transcript="WEBVTT\n").version == 4, "edited back is a change, too"
    assert {path: path.read_bytes() for path in (archive.folder() / "v1").rglob("*") if path.is_file()} == first
    assert not (archive.folder() / "v4" / "content" / "notes.json").exists(), (
        "what an earlier version holds is not stored twice"
    )
    with archive.store.open(object_id(1), "notes.json", version=3) as stream:
        assert b"edited" in stream.read()
    with pytest.raises(NotFound):
        archive.store.open(object_id(1), "transcripts/rec-1.vtt", version=1)
    assert archive.problems() == []
    assert archive.judged_valid()


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("v1/content/recordings/rec-1.mp3", "v1/content/recordings/rec-1.mp3"),
        ("inventory.json", "inventory.json"),
        ("inventory.json.sha512", "inventory.json.sha512"),
        ("v1/inventory.json", "v1/inventory.json"),
        ("v2/inventory.json.sha512", "v2/inventory.json.sha512"),
    ],
)
def test_one_flipped_byte_is_found_and_the_file_named(archive: Archive, path: str, named: str) -> None:
    archive.write()
    archive.write(note="edited")
    target = archive.folder() / path
    data = bytearray(target.read_bytes())
    data[len(data) // 2] ^= 1
    target.write_bytes(data)
    assert named in {where for where, _ in archive.problems()} | {
        where.replace("inventory.json.sha512", "inventory.json") for where, _ in archive.problems()
    }


def test_a_missing_a_foreign_and_an_exchanged_file_are_found(archive: Archive) -> None:
    archive.write(1)
    archive.write(2)
    (archive.folder(1) / "v1/content/notes.json").unlink()
    (archive.folder(1) / "v1/content/stray.txt").write_text("hello")
    assert archive.problems(1) == [
        ("v1/content/stray.txt", "belongs to no version"),
        ("v1/content/notes.json", "is missing"),
    ]
    shutil.rmtree(archive.folder(1))
    shutil.copytree(archive.folder(2), archive.folder(1))
    assert archive.problems(1) == [("inventory.json", "is the inventory of another object")]


def test_a_file_that_is_no_longer_the_one_downloaded_is_refused_and_nothing_is_written(archive: Archive) -> None:
    piece = StoredPiece(lambda: io.BytesIO(b"damaged"), 7, sha512(b"whole").hexdigest())
    with pytest.raises(PermanentError, match="not the one that was downloaded"):
        archive.store.write(Snapshot(object_id(1), (Piece("a.mp3", piece),)), message="x", author=AUTHOR)
    assert archive.store.head(object_id(1)) is None
    assert not list((archive.top / "staging").glob("[0-9]*"))


@settings(max_examples=of_all(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    identifier=st.text(min_size=1, max_size=200).filter(
        lambda text: not any("\ud800" <= each <= "\udfff" for each in text)
    )
)
def test_no_id_leaves_the_storage_root_or_meets_another(
    identifier: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    top = tmp_path_factory.mktemp("archive")
    archive = Archive(top / "archive")
    written = Snapshot(
        f"urn:zoom-cc:a:engagement:{identifier}", (Piece(f"recordings/{safe_name(identifier)}.mp3", b"x"),)
    )
    archive.store.write(written, message="x", author=AUTHOR)
    assert list(archive.store.object_ids()) == [written.object_id]
    assert [path.name for path in top.iterdir()] == ["archive"]
    assert list(check_object(archive.place, written.object_id)) == []


@pytest.mark.parametrize("path", ["../up", "/abs", "a/../b", "a//b", "", ".hidden", "a\x00b", "a b", "a/.", "ü"])
def test_no_piece_has_a_path_that_could_lead_elsewhere(path: str) -> None:
    with pytest.raises(PermanentError):
        Piece(path, b"")


def test_a_removed_object_leaves_nothing_and_no_empty_folder(archive: Archive) -> None:
    archive.write(1)
    archive.write(2)
    archive.store.remove(object_id(1))
    assert list(archive.store.object_ids()) == [object_id(2)]
    assert archive.judged_valid()
    assert not [
        folder for folder in (archive.top / "objects").rglob("*") if folder.is_dir() and not any(folder.iterdir())
    ]


def test_many_writers_of_the_same_objects_neither_lose_nor_double(archive: Archive) -> None:
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda number: archive.write(number % 10), range(80)))
    assert sum(each.is_new_version for each in written) == 10
    assert archive.judged_valid()


def test_a_plain_folder_does_not_pretend_to_be_worm(archive: Archive) -> None:
    assert not archive.place.worm().is_worm


def start(top: Path, first: int, count: int) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-m", WRITER, str(top), str(first), str(count)],
        cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def kill_and_recover(archive: Archive, kills: int, seed: int) -> int:
    chance = random.Random(seed)
    hits = 0
    for number in range(kills):
        process = start(archive.top, number * 5, 400)
        time.sleep(chance.uniform(0.02, 0.6))
        hits += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        archive.store.recover()
        for each in archive.store.object_ids():
            assert list(check_object(archive.place, each)) == []
    return hits


def test_a_kill_at_any_moment_leaves_whole_objects_and_the_next_export_goes_on(archive: Archive) -> None:
    assert kill_and_recover(archive, 3, seed=1) > 0
    assert archive.judged_valid()
    for number in range(100):
        archive.write(number)
    assert archive.judged_valid()
    assert not list((archive.top / "staging").glob("[0-9]*"))


@pytest.mark.slow
def test_many_more_kills_leave_whole_objects(archive: Archive, pytestconfig: pytest.Config) -> None:
    """Six in CI; fifty by one command: ``pytest -m slow -k more_kills_leave --kills 25``."""
    seed = time.time_ns()
    assert kill_and_recover(archive, 2 * pytestconfig.getoption("--kills"), seed) > 0, f"seed {seed}"
    assert archive.judged_valid()


def half_written(archive: Archive, tmp_path: Path, *, damaged: bool) -> Path:
    """A second version that is there while the object's inventory does not know it yet."""
    archive.write()
    before = tmp_path / "before"
    shutil.copytree(archive.folder(), before)
    archive.write(note="edited")
    for name in ("inventory.json", "inventory.json.sha512"):
        shutil.copy(before / name, archive.folder() / name)
    if damaged:
        (archive.folder() / "v2/content/notes.json").write_bytes(b"half")
    return archive.folder()


def test_folders_that_were_made_for_an_object_that_never_came_are_taken_away(archive: Archive) -> None:
    archive.write(1)
    archive.folder(2).parent.mkdir(parents=True)
    with archive.place.staging() as staged:
        kept = staged.with_name("999999999-crashed")
        kept.mkdir()
        (kept / "target.json").write_text(json.dumps({"object_ids": [object_id(2)]}))
    assert not archive.judged_valid()
    assert archive.store.recover() == [object_id(2)]
    assert archive.judged_valid()


def test_a_whole_version_that_a_crash_kept_from_being_shown_is_taken_over(archive: Archive, tmp_path: Path) -> None:
    half_written(archive, tmp_path, damaged=False)
    assert archive.problems() != []
    assert archive.write(note="edited").version == 2
    assert archive.problems() == []


def test_a_version_that_is_not_whole_is_set_aside_and_written_again(archive: Archive, tmp_path: Path) -> None:
    half_written(archive, tmp_path, damaged=True)
    written = archive.write(note="edited")
    assert (written.version, written.is_new_version) == (2, True)
    assert archive.problems() == []
    assert len(list((archive.top / "quarantine").iterdir())) == 1


def test_a_sidecar_that_a_crash_left_behind_is_written_anew(archive: Archive) -> None:
    archive.write()
    stale = (archive.folder() / "inventory.json.sha512").read_bytes()
    archive.write(note="edited")
    (archive.folder() / "inventory.json.sha512").write_bytes(stale)
    assert not archive.write(note="edited").is_new_version
    assert archive.problems() == []


def test_a_clock_that_was_set_back_changes_nothing_but_a_date(archive: Archive) -> None:
    class Back(SystemClock):
        def now(self) -> datetime:
            return datetime.now(UTC) - timedelta(days=400)

    archive.write()
    ObjectStore(archive.place, clock=Back()).write(snapshot(1, note="edited"), message="x", author=AUTHOR)
    assert archive.problems() == []
    assert archive.judged_valid()


def test_the_author_is_in_each_version(archive: Archive) -> None:
    archive.store.write(snapshot(1), message="erasure refused", author=Author("legal", "mailto:legal@example.com"))
    version = json.loads((archive.folder() / "inventory.json").read_bytes())["versions"]["v1"]
    assert version["user"] == {"name": "legal", "address": "mailto:legal@example.com"}
    assert version["message"] == "erasure refused"
