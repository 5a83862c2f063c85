"""What goes into the archive is what is true, once; late pieces are versions, and what was archived stays as it was."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import duckdb
import ocfl
import pytest

from zcc_pipeline.archive.index import rebuild_index
from zcc_pipeline.archive.ledger import Action, Ledger, check_ledger
from zcc_pipeline.archive.ledger.ledger import NEWEST
from zcc_pipeline.archive.ledger.shelf import FolderShelf
from zcc_pipeline.archive.naming import engagement_id_of, object_id_of
from zcc_pipeline.archive.ocfl import check_object
from zcc_pipeline.archive.ocfl.layout import object_key
from zcc_pipeline.pipeline.archive_indexing import read_keeping
from zcc_pipeline.pipeline.archiving import ArchiveReport, archive_changes
from zcc_pipeline.pipeline.pull import STEPS
from zcc_pipeline_tests.story import Story, story
from zcc_pipeline_tests.truth_comparison import _expected_files

pytestmark = [pytest.mark.integration, pytest.mark.slow]
FOLDERS = {"recordings": "recording", "voicemails": "voicemail", "transcripts": "transcript"}


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Story]:
    with story(tmp_path / "home", days=2, per_day=25) as one:
        one.pull()
        yield one


def export(told: Story) -> ArchiveReport:
    with told.runtime() as runtime:
        return archive_changes(runtime)


def folder(told: Story, engagement_id: str) -> Path:
    return told.home / "archive" / object_key(object_id_of("account", engagement_id))


def heads(told: Story) -> dict[str, dict[str, Any]]:
    """By engagement, read without the package's store."""
    found = {}
    for path in (told.home / "archive" / "objects").glob("???/???/???/*/inventory.json"):
        inventory = json.loads(path.read_bytes())
        found[engagement_id_of(inventory["id"]) or ""] = inventory
    return found


def files_of(told: Story, engagement_id: str, inventory: dict[str, Any]) -> set[tuple[str, str]]:
    """Kind and sha256 of the media and transcripts that the newest version holds, hashed from the bytes."""
    found = set()
    for digest, paths in inventory["versions"][inventory["head"]]["state"].items():
        for path in paths:
            top = path.partition("/")[0]
            if top in FOLDERS and not (top != "transcripts" and path.endswith(".json")):
                content = (folder(told, engagement_id) / inventory["manifest"][digest][0]).read_bytes()
                found.add((FOLDERS[top], hashlib.sha256(content).hexdigest()))
    return found


def contents(top: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in top.rglob("*") if path.is_file()}


def test_the_archive_holds_exactly_what_is_true_and_others_find_it_valid(told: Story) -> None:
    report = export(told)
    assert (report.refused, report.versions, report.healed) == ([], 0, 0)
    truth = {entry["engagement_id"]: entry for entry in told.closed_engagements()}
    archived = heads(told)
    assert sorted(archived) == sorted(truth)
    assert report.created == len(truth)
    for engagement_id, entry in truth.items():
        expected = {
            ("transcript" if kind.endswith("transcript") else kind, digest)
            for kind, _, digest in _expected_files(engagement_id, entry)
        }
        assert files_of(told, engagement_id, archived[engagement_id]) == expected
        state = archived[engagement_id]["versions"]["v1"]["state"]
        paths = {path for each in state.values() for path in each}
        assert {f"notes/{note['note_id']}" for note in entry["notes"]} <= {path.partition(".")[0] for path in paths}
        assert {"engagement.json", "engagement.html", "provenance.json"} <= paths
    root = ocfl.StorageRoot(str(told.home / "archive" / "objects"))
    assert root.validate()
    assert root.num_objects == root.good_objects == len(truth)


def test_a_second_export_writes_nothing(told: Story) -> None:
    export(told)
    before = contents(told.home / "archive" / "objects")
    report = export(told)
    assert (report.created, report.versions, report.bytes_written) == (0, 0, 0)
    assert report.unchanged == report.engagements == len(told.closed_engagements())
    assert contents(told.home / "archive" / "objects") == before


def test_a_lost_state_adds_no_version_and_no_entry(told: Story) -> None:
    first = export(told)
    before = contents(told.home / "archive" / "objects")
    with sqlite3.connect(told.home / "state.sqlite") as state:
        state.execute("delete from zcc_archived")
    report = export(told)
    assert (report.created, report.versions, report.healed) == (0, 0, 0)
    assert contents(told.home / "archive" / "objects") == before
    assert report.ledger_size == first.ledger_size


def test_every_object_is_in_the_ledger_once_and_the_ledger_holds(told: Story) -> None:
    export(told)
    with told.runtime() as runtime:
        archive = runtime.archive
        assert list(check_ledger(archive.ledger, archive.shelf)) == []
        created = [logged.entry for logged in archive.ledger.entries() if logged.entry.action == Action.CREATE]
        assert len(created) == len({entry.object_id for entry in created}) == len(told.closed_engagements())
        for entry in created:
            head = archive.objects.head(entry.object_id or "")
            assert head is not None
            assert (head.version, head.inventory_sha512) == (entry.version, entry.inventory_sha512)


def test_an_edited_note_and_a_deleted_recording_are_one_version_each_and_the_first_is_untouched(told: Story) -> None:
    export(told)
    entries = told.closed_engagements()
    noted = next(entry for entry in entries if entry["notes"])
    recorded = next(
        entry
        for entry in entries
        if entry is not noted and any(item["media_sha256"] and not item["is_deleted"] for item in entry["recordings"])
    )
    ids = [noted["engagement_id"], recorded["engagement_id"]]
    firsts = [contents(folder(told, each) / "v1") for each in ids]
    recording = next(item for item in recorded["recordings"] if item["media_sha256"] and not item["is_deleted"])
    told.control("edit-note", note_id=noted["notes"][0]["note_id"], text="said otherwise")
    told.control("delete-recording", recording_id=recording["recording_id"])
    told.pass_days(0.1)
    told.pull()
    told.pass_days(1.1)
    told.pull()
    report = export(told)
    archived = heads(told)
    assert [archived[each]["head"] for each in ids] == ["v2", "v2"]
    assert report.versions == sum(each["head"] == "v2" for each in archived.values())
    assert [contents(folder(told, each) / "v1") for each in ids] == firsts
    assert b"said otherwise" in b"".join(contents(folder(told, ids[0]) / "v2").values())
    state = archived[ids[1]]["versions"]["v2"]["state"]
    paths = {path for each in state.values() for path in each}
    assert "deletions.json" in paths
    assert any(path.startswith("recordings/") and not path.endswith(".json") for path in paths)
    assert export(told).versions == 0


def manifests(told: Story) -> dict[str, dict[str, Any]]:
    top = told.home / "archive" / "completeness"
    return {path.relative_to(top).as_posix(): json.loads(path.read_bytes()) for path in top.rglob("*.json")}


def test_days_are_closed_once_with_everything_listed_and_a_later_change_opens_and_closes_them_again(
    told: Story,
) -> None:
    told.pass_days(40)  # whatever was late has come, and whatever fails is given up
    told.pull()
    told.pull()
    report = export(told)
    assert report.days_closed | report.days_open == set(told.days) | {
        day for day in report.days_open if day > told.days[-1]
    }
    assert report.days_closed
    day = min(report.days_closed)
    assert not export(told).days_closed
    held = manifests(told)
    engagements = [each for each in held.values() if each["dataset"] == "zoom/engagements" and each["day"] == str(day)]
    started = [each["engagement_id"] for each in told.closed_engagements() if each["start_time"][:10] == str(day)]
    assert [each["archived"] for each in engagements] == [sorted(started)]
    gone = next(
        item["recording_id"]
        for each in told.closed_engagements()
        for item in each["recordings"]
        if item["media_sha256"] and not item["is_deleted"] and each["start_time"][:10] == str(day)
    )
    told.control("delete-recording", recording_id=gone)
    for _ in range(2):
        told.pass_days(1.1)
        told.pull()
    later = export(told)
    assert later.versions >= 1
    assert day in later.days_reopened & later.days_closed
    after = manifests(told)
    assert held.items() <= after.items(), "a manifest never changes"
    assert any(gone in each["deleted_at_source"] for each in after.values())
    with told.runtime() as runtime:
        said = [each.entry.action for each in runtime.archive.ledger.entries() if each.entry.day == day]
    assert said.count(Action.WINDOW_CLOSED) == 4 + said.count(Action.WINDOW_REOPENED)
    assert Action.WINDOW_REOPENED in said


def test_the_index_made_along_the_way_is_the_one_that_the_store_alone_gives(told: Story) -> None:
    export(told)
    top = told.home / "archive" / "index"
    before = contents(top)
    rows = duckdb.sql(f"select engagement_id, day::varchar, version, files, bytes from '{top}/*/*.parquet'").fetchall()
    assert {row[0]: row[1] for row in rows} == {
        each["engagement_id"]: each["start_time"][:10] for each in told.closed_engagements()
    }
    assert all(version == 1 and files >= 3 and size > 0 for _, _, version, files, size in rows)
    shutil.rmtree(top)
    with told.runtime() as runtime:
        keeping = read_keeping(runtime.archive.ledger.entries())
        assert rebuild_index(runtime.archive.place, runtime.archive.objects, keeping) == len(rows)
    assert contents(top) == before
    done = subprocess.run(["sha512sum", "--check", "--strict", "SHA512SUMS"], cwd=top, capture_output=True, check=False)
    assert done.returncode == 0


def start_export(told: Story) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "zcc_pipeline.cli", "archive", "export", "--json"],
        env={**os.environ, **told.variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def sound(told: Story) -> None:
    """One object an engagement, one entry an object, each as the ledger has it; nothing half there, nothing twice."""
    with told.runtime() as runtime:
        archive = runtime.archive
        assert list(check_ledger(archive.ledger, archive.shelf)) == []
        created = [each.entry for each in archive.ledger.entries() if each.entry.action == Action.CREATE]
        ids = list(archive.objects.object_ids())
        assert sorted(entry.object_id or "" for entry in created) == sorted(ids)
        assert len(ids) == len(told.closed_engagements())
        for entry in created:
            assert list(check_object(archive.place, entry.object_id or "")) == []
            head = archive.objects.head(entry.object_id or "")
            assert head is not None
            assert (head.version, head.inventory_sha512) == (1, entry.inventory_sha512)
        assert not runtime.state.archive.pending()


KILLS_IN_AN_ARCHIVE = 3


def begin_anew(told: Story, kept: Path) -> None:
    """As before the first export: without an archive, and with the state as it was then."""
    shutil.rmtree(told.home / "archive", ignore_errors=True)
    for name in ("state.sqlite", "state.sqlite-wal", "state.sqlite-shm"):
        (told.home / name).unlink(missing_ok=True)
    shutil.copy(kept, told.home / "state.sqlite")


def kill_export(told: Story, chance: random.Random, whole: float) -> bool:
    """Kill one somewhere between its first object and its last word; whether it was still at work.

    Half of the times after so many objects, else after some share of the time that an export takes.
    """
    folder = told.home / "archive" / "objects"

    def objects() -> int:
        return len(list(folder.glob("???/???/???/*")))

    process = start_export(told)
    there = objects()
    wanted = there + chance.choice((0, chance.randrange(1, 25)))
    while process.poll() is None and objects() <= min(wanted, len(told.closed_engagements()) - 1):
        time.sleep(0.002)
    if wanted == there:
        time.sleep(chance.uniform(0, 1.2 * whole))
    was_running = process.poll() is None
    process.kill()
    process.communicate()
    return was_running


def test_exports_killed_at_random_moments_lose_and_double_nothing(told: Story, pytestconfig: pytest.Config) -> None:
    """Three in CI; fifty by one command: ``pytest -n0 -m slow -k exports_killed --kills 50``."""
    kept = told.home.parent / "state-before.sqlite"
    with closing(sqlite3.connect(told.home / "state.sqlite")) as state:
        state.execute("vacuum into ?", [str(kept)])
    begin = time.monotonic()
    export(told)
    whole = time.monotonic() - begin
    seed, left, hits = time.time_ns(), pytestconfig.getoption("--kills"), 0
    chance = random.Random(seed)
    while left > 0:
        begin_anew(told, kept)
        together = min(left, KILLS_IN_AN_ARCHIVE)
        hits += sum(kill_export(told, chance, whole) for _ in range(together))
        left -= together
        report = export(told)
        assert report.refused == [], f"seed {seed}"
        assert not list((told.home / "archive" / "staging").glob("[0-9]*")), f"seed {seed}"
        sound(told)
        assert export(told).unchanged == len(told.closed_engagements()), f"seed {seed}"
    assert hits, f"seed {seed}"


def test_an_object_that_a_crash_kept_out_of_the_ledger_gets_its_entry_first(
    told: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "append", dies)
        with pytest.raises(KeyboardInterrupt):
            export(told)
    report = export(told)
    assert report.healed > 0
    sound(told)


def test_what_was_signed_when_a_crash_came_is_not_written_to_the_ledger_again(
    told: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at each append of an export in turn, between its checkpoint and that one's becoming the newest."""
    told.pass_days(40)  # so that days are closed, too
    told.pull()
    kept = told.home.parent / "state-before.sqlite"
    with closing(sqlite3.connect(told.home / "state.sqlite")) as state:
        state.execute("vacuum into ?", [str(kept)])
    write, appends = FolderShelf.write, 0
    has_died = True
    while has_died:
        has_died = False
        left = appends

        def dies(self: FolderShelf, name: str, data: bytes) -> None:
            nonlocal left, has_died
            if name == NEWEST and not has_died:
                has_died = left == 0
                left -= 1
                if has_died:
                    raise KeyboardInterrupt
            write(self, name, data)

        begin_anew(told, kept)
        with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
            patched.setattr(FolderShelf, "write", dies)
            export(told)
        export(told)
        sound(told)
        with told.runtime() as runtime:
            said = [each.entry for each in runtime.archive.ledger.entries()]
        closed = [each.manifest_sha512 for each in said if each.action == Action.WINDOW_CLOSED]
        assert len(closed) == len(set(closed)) > 0
        assert len(manifests(told)) == len(closed)
        assert all(
            hashlib.sha512(content).hexdigest() in closed
            for content in contents(told.home / "archive" / "completeness").values()
        )
        appends += 1
    assert appends > 3


def test_of_two_exporters_one_is_told_to_come_back_and_nothing_is_doubled(told: Story) -> None:
    both = [start_export(told), start_export(told)]
    said = [process.communicate(timeout=120) for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 0], [0, 1])
    if codes == [0, 1]:
        assert any(b"another process exports to archive now" in error for _, error in said)
    sound(told)


def test_transcripts_that_come_late_are_one_version(tmp_path: Path) -> None:
    late = "zoom/recording_transcripts"
    with story(tmp_path / "home", days=2, per_day=25) as told:
        told.pull(only=tuple(name for step in STEPS if late not in step.produces for name in step.produces))
        export(told)
        before = heads(told)
        first = {key: contents(folder(told, key) / "v1") for key in before}
        had = {key: files_of(told, key, inventory) for key, inventory in before.items()}
        assert {inventory["head"] for inventory in before.values()} == {"v1"}
        told.pull(only=(late,))
        report = export(told)
        after = heads(told)
        grown = {key for key in before if files_of(told, key, after[key]) > had[key]}
        assert grown
        assert {key for key in after if after[key]["head"] == "v2"} == grown
        assert report.versions == len(grown)
        assert {key: contents(folder(told, key) / "v1") for key in before} == first


def test_an_engagement_whose_file_is_lost_is_refused_and_tried_again(told: Story) -> None:
    lost = next(path for path in sorted((told.home / "files" / "recording").rglob("*")) if path.is_file())
    content = lost.read_bytes()
    lost.unlink()
    report = export(told)
    assert [one.why for one in report.refused] == ["a stored file is not where its record says"]
    assert report.created == len(told.closed_engagements()) - 1
    lost.write_bytes(content[:-1] + b"!")
    assert ["not the one that was downloaded" in one.why for one in export(told).refused] == [True]
    lost.write_bytes(content)
    again = export(told)
    assert (again.refused, again.created) == ([], 1)
    sound(told)
