"""A full disk, ids that nobody should give, a clock that was set back: nothing partial, nothing lost, nothing twice."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256, sha512
from pathlib import Path

import ocfl
import pytest

from zcc_pipeline.archive.ledger import check_ledger
from zcc_pipeline.archive.naming import engagement_id_of
from zcc_pipeline.archive.ocfl import check_object
from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.domain.records import SHAPE_LIST, RecordChunk
from zcc_pipeline.pipeline.archiving import ArchiveReport, archive_changes
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline_tests.integration.archive.conftest import Command
from zcc_pipeline_tests.integration.archive.small_home import MONDAY, TUESDAY, land, opened

pytestmark = pytest.mark.integration
ENGAGEMENTS = 12
HOSTILE = (
    "../../../etc/passwd",
    "..",
    "/",
    "a/../b",
    "-rf *",
    "CON",
    "a\0b",
    "line\nbreak",
    "%2e%2e%2f",
    "'; drop table engagements; --",
    "<script>alert(1)</script>",
    "\u202eexe.gpj",
    "e\u0301",
    "\u00e9",
    "ID",
    "id",
    "x" * 500,
    "x" * 501,
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"NOT SHOWN HERE: a full disk needs the right to mount a small one ({mounted.stderr.strip()})")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def land_recording(runtime: Runtime, engagement_id: str, size: int) -> None:
    """A stored file and the record about it, as a pull leaves them."""
    content = os.urandom(size)
    path = runtime.config.home / "files" / "recording" / f"date={MONDAY}" / f"{engagement_id}.mp3"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    record = {
        "kind": "recording",
        "source_id": f"rec-{engagement_id}",
        "path": f"recording/date={MONDAY}/{engagement_id}.mp3",
        "size_bytes": size,
        "sha256": sha256(content).hexdigest(),
        "sha512": sha512(content).hexdigest(),
    }
    land_record(runtime, "zoom/files", f"recording:rec-{engagement_id}", engagement_id, record)


def land_record(runtime: Runtime, dataset: str, record_id: str, engagement_id: str, payload: dict[str, object]) -> None:
    with runtime.lake.writer(DATASETS[dataset]) as writer:
        writer.add(
            RecordChunk(
                dataset=dataset, shape=SHAPE_LIST, route="poll", as_of=runtime.clock.now(), batch_id="",
                record_ids=[record_id], payloads=[json.dumps(payload).encode()],
                engagement_ids=[engagement_id], occurred_at=[f"{MONDAY}T10:00:00Z"],
            )
        )  # fmt: skip
        writer.commit()


def export(shift: timedelta = timedelta(0)) -> ArchiveReport:
    with opened(shift) as runtime:
        return archive_changes(runtime)


def assert_sound(top: Path, wanted: int) -> None:
    """By ours and by another's judgement: whole objects, each in the ledger once, nothing beside them."""
    with opened() as runtime:
        archive = runtime.archive
        ids = list(archive.objects.object_ids())
        assert len(ids) == len(set(ids)) == wanted
        assert [problem for each in ids for problem in check_object(archive.place, each)] == []
        assert list(check_ledger(archive.ledger, archive.shelf)) == []
        assert sorted(key for key, _ in archive.ledger.heads().items()) == sorted(ids)
        created = [logged.entry.object_id for logged in archive.ledger.entries() if logged.entry.version == 1]
        assert sorted(created, key=str) == sorted(ids)
        assert list(runtime.state.archive.pending()) == []
    root = ocfl.StorageRoot(str(top / "objects"))
    assert root.validate()
    assert root.num_objects == root.good_objects == wanted
    assert not list((top / "staging").glob("[0-9]*"))


def test_a_full_disk_stops_an_export_and_space_alone_lets_it_go_on(
    small_disk: Path, home: Path, zcc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZCC_ARCHIVE_URL", str(small_disk / "archive"))
    with opened() as runtime:
        for number in range(ENGAGEMENTS):
            land(runtime, f"eng-{number:02d}", MONDAY)
            land_recording(runtime, f"eng-{number:02d}", 400_000)
    for _ in range(2):
        with pytest.raises(OSError, match="No space left on device"):
            export()
    with opened() as runtime:
        for each in runtime.archive.objects.object_ids():
            assert list(check_object(runtime.archive.place, each)) == [], "what can be seen is whole"
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    assert zcc("archive", "export").exit_code == 0
    assert_sound(small_disk / "archive", ENGAGEMENTS)
    assert export().unchanged == ENGAGEMENTS
    assert home.is_dir()


def test_ids_that_nobody_should_give_are_objects_like_any_other(home: Path, zcc: Command) -> None:
    with opened() as runtime:
        for hostile in HOSTILE:
            land(runtime, hostile, MONDAY)
            land_record(runtime, "zoom/notes", hostile, hostile, {"note_id": hostile, "note": "hello"})
    report = export()
    assert (report.created, report.refused) == (len(HOSTILE), [])
    assert_sound(home / "archive", len(HOSTILE))
    with opened() as runtime:
        found = {engagement_id_of(each) for each in runtime.archive.objects.object_ids()}
        assert found == set(HOSTILE)
    assert {path.name for path in home.parent.iterdir()} <= {"home", "witness"}
    outside = [path for path in home.rglob("*passwd*") if "archive/objects" not in path.as_posix()]
    assert outside == []
    assert zcc("archive", "verify").exit_code == 0
    assert export().unchanged == len(HOSTILE)


def test_a_clock_that_was_set_back_loses_nothing_and_the_ledger_tells_of_it(home: Path, zcc: Command) -> None:
    with opened() as runtime:
        land(runtime, "eng-1", MONDAY)
        land(runtime, "eng-2", TUESDAY)
    assert export().created == 2
    with opened() as runtime:
        land_record(runtime, "zoom/notes", "note-1", "eng-1", {"note_id": "note-1", "note": "late"})
    assert export(timedelta(days=-400)).versions == 1
    with opened() as runtime:
        logged = list(runtime.archive.ledger.entries())
        assert [one.time for one in logged] == sorted(one.time for one in logged)
        assert [one.clock is not None for one in logged if one.entry.version == 2] == [True]
    assert zcc("archive", "verify").exit_code == 0
    assert export().unchanged == 2
    assert_sound(home / "archive", 2)
