"""Whatever is changed in an archive is found, and the object or file named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date
from hashlib import sha512
from pathlib import Path

import pytest

from zcc_pipeline.archive.ledger import Action, Entry
from zcc_pipeline.archive.ledger.ledger import note_name
from zcc_pipeline.archive.verification import Notebook, Pace
from zcc_pipeline_tests.integration.archive.verified_archive import WholeArchive, flip
from zcc_pipeline_tests.integration.archive.write_objects import object_id

pytestmark = pytest.mark.integration

Damage = Callable[[WholeArchive], str]
"""Does something to the archive; returns what a finding must name."""


@pytest.fixture
def archive(tmp_path: Path) -> WholeArchive:
    whole = WholeArchive(tmp_path / "archive")
    whole.fill()
    return whole


def flip_audio(archive: WholeArchive) -> str:
    flip(archive.folder(2) / "v1/content/recordings/rec-1.mp3")
    return f"{object_id(2)} v1/content/recordings/rec-1.mp3: is not what was archived"


def flip_inventory(archive: WholeArchive) -> str:
    flip(archive.folder(2) / "inventory.json")
    return f"{object_id(2)}"


def flip_old_inventory(archive: WholeArchive) -> str:
    flip(archive.folder(1) / "v1/inventory.json")
    return f"{object_id(1)} v1/inventory.json"


def flip_sidecar(archive: WholeArchive) -> str:
    flip(archive.folder(2) / "inventory.json.sha512")
    return f"{object_id(2)} inventory.json.sha512: is not the digest"


def flip_tile(archive: WholeArchive) -> str:
    name = max(archive.shelf.names("tile/0"), key=lambda each: int(each.rpartition("/")[2]))
    flip(archive.top / "ledger" / name)
    return name


def flip_entries(archive: WholeArchive) -> str:
    name = max(archive.shelf.names("tile/entries"), key=lambda each: int(each.rpartition("/")[2]))
    flip(archive.top / "ledger" / name)
    return name


def flip_checkpoint(archive: WholeArchive) -> str:
    flip(archive.top / "ledger/checkpoint")
    return "ledger: checkpoint"


def flip_kept_checkpoint(archive: WholeArchive) -> str:
    flip(archive.top / "ledger" / note_name(3), at=0.3)
    return f"ledger: {note_name(3)}"


def flip_index(archive: WholeArchive) -> str:
    flip(archive.top / "index/engagements/date=2026-11-01/part-0.parquet")
    return "index: index/engagements/date=2026-11-01/part-0.parquet: is not what it was"


def flip_manifest(archive: WholeArchive) -> str:
    flip(archive.top / "completeness/2026/11/02/zoom-engagements.json")
    return "completeness: completeness/2026/11/02/zoom-engagements.json"


def flip_root(archive: WholeArchive) -> str:
    flip(archive.top / "objects/ocfl_layout.json")
    return "storage root: objects/ocfl_layout.json"


def remove_object(archive: WholeArchive) -> str:
    archive.store.remove(object_id(3))
    return f"{object_id(3)}: is missing: by entry 2 of the ledger it is there with version 1"


def remove_a_file(archive: WholeArchive) -> str:
    (archive.folder(3) / "v1/content/notes.json").unlink()
    return f"{object_id(3)} v1/content/notes.json: is missing"


def remove_an_index_file(archive: WholeArchive) -> str:
    (archive.top / "index/engagements/date=2026-11-01/part-0.parquet").unlink()
    return "index: index/engagements/date=2026-11-01/part-0.parquet: is missing"


def remove_a_manifest(archive: WholeArchive) -> str:
    (archive.top / "completeness/2026/11/02/zoom-engagements.json").unlink()
    return "completeness: zoom/engagements 2026-11-02: its manifest is not there"


def roll_back(archive: WholeArchive) -> str:
    folder = archive.folder(1)
    for name in ("inventory.json", "inventory.json.sha512"):
        shutil.copy(folder / "v1" / name, folder / name)
    shutil.rmtree(folder / "v2")
    return f"{object_id(1)}: was set back to version 1: entry 4 of the ledger has version 2"


def rewrite_as_an_insider(archive: WholeArchive) -> str:
    """The file, both inventories and both sidecars, all in agreement with each other."""
    folder = archive.folder(2)
    path = folder / "v1/content/notes.json"
    before = sha512(path.read_bytes()).hexdigest()
    path.write_bytes(b'[{"note":"nothing to see"}]')
    after = sha512(path.read_bytes()).hexdigest()
    inventory = (folder / "inventory.json").read_text().replace(before, after)
    for parent in (folder, folder / "v1"):
        (parent / "inventory.json").write_text(inventory)
        digest = sha512(inventory.encode()).hexdigest()
        (parent / "inventory.json.sha512").write_text(f"{digest} inventory.json\n")
    return f"{object_id(2)}: was rewritten: its inventory is not the one that entry 1 of the ledger names"


def cut_the_ledger(archive: WholeArchive) -> str:
    """Back to when three objects were there, in a way that is valid in itself."""
    ledger = archive.top / "ledger"
    shutil.copy(ledger / note_name(3), ledger / "checkpoint")
    for note in list((ledger / "checkpoints").iterdir()):
        if note.name > note_name(3).rpartition("/")[2]:
            note.unlink()
    return "ledger: elsewhere: the ledger was cut: 5 entries that were signed are gone"


def smuggle_an_object_in(archive: WholeArchive) -> str:
    other = WholeArchive(archive.top.parent / "other")
    other.write(77)
    target = archive.folder(77)
    target.parent.mkdir(parents=True)
    shutil.copytree(other.folder(77), target)
    return f"{object_id(77)}: is named by no entry of the ledger"


def leave_a_file_in_the_root(archive: WholeArchive) -> str:
    (archive.top / "objects/README.txt").write_text("hello")
    return "storage root: objects/README.txt: belongs to no object"


def keep_what_was_purged(archive: WholeArchive) -> str:
    archive.say(Entry(Action.PURGE, "officer", "run-2", object_id(3), reason="expired"))
    return f"{object_id(3)}: is there, and by entry 8 of the ledger it was erased"


def leave_a_gap(archive: WholeArchive) -> str:
    archive.close(date(2026, 11, 7))
    return "completeness: zoom/engagements 2026-11-04: a gap: 2026-11-04 to 2026-11-06 was never closed"


def leave_a_day_open(archive: WholeArchive) -> str:
    day, dataset = date(2026, 11, 2), "zoom/engagements"
    archive.say(Entry(Action.WINDOW_REOPENED, "export", "run-2", day=day, dataset=dataset))
    return "completeness: zoom/engagements 2026-11-02: was opened again by entry 8"


DAMAGES: list[Damage] = [
    flip_audio,
    flip_inventory,
    flip_old_inventory,
    flip_sidecar,
    flip_tile,
    flip_entries,
    flip_checkpoint,
    flip_kept_checkpoint,
    flip_index,
    flip_manifest,
    flip_root,
    remove_object,
    remove_a_file,
    remove_an_index_file,
    remove_a_manifest,
    roll_back,
    rewrite_as_an_insider,
    cut_the_ledger,
    smuggle_an_object_in,
    leave_a_file_in_the_root,
    keep_what_was_purged,
    leave_a_gap,
    leave_a_day_open,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_is_found_and_named(archive: WholeArchive, damage: Damage) -> None:
    named = damage(archive)
    found = [str(finding) for finding in archive.findings()]
    assert any(named in text for text in found), found


@pytest.mark.parametrize("damage", [leave_a_gap, leave_a_day_open])
def test_a_day_of_which_something_may_still_come_may_be_open(archive: WholeArchive, damage: Damage) -> None:
    damage(archive)
    verification = archive.verification()
    verification.settled_before = date(2026, 11, 2)
    with verification.notebook:
        assert list(verification.run()) == []


def test_an_archive_that_is_whole_has_no_finding_and_everything_is_counted(archive: WholeArchive) -> None:
    verification = archive.verification(second=archive.copy(archive.top.parent / "copy"))
    with verification.notebook:
        assert list(verification.run()) == []
    counts = verification.counts
    assert (counts.objects, counts.copies, counts.entries, counts.windows, counts.index_files) == (4, 4, 8, 3, 2)
    assert counts.bytes_read > 2 * 4 * 2_000


def test_what_was_purged_and_is_gone_is_no_finding(archive: WholeArchive) -> None:
    archive.store.remove(object_id(3))
    archive.say(Entry(Action.PURGE, "officer", "run-2", object_id(3), reason="expired"))
    verification = archive.verification()
    with verification.notebook:
        assert list(verification.run()) == []
    assert (verification.counts.objects, verification.counts.purged) == (3, 1)


def test_an_object_whose_entry_comes_while_the_verification_runs_is_no_finding(archive: WholeArchive) -> None:
    verification = archive.verification()
    written: list[bool] = []

    class Exporting(Pace):
        """The first bytes that are read see an export that has written an object and not yet its entry."""

        def spend(self, size: int) -> None:
            if not written:
                written.append(True)
                archive.write(2, note="edited")
                archive.write(50)
            super().spend(size)

    verification.pace = Exporting(archive.clock)
    with verification.notebook:
        assert list(verification.run()) == []
    assert written


@pytest.mark.parametrize("damage", [flip_audio, remove_object, roll_back, flip_manifest])
def test_a_damaged_second_copy_is_found_by_reading_all_of_it(archive: WholeArchive, damage: Damage) -> None:
    copy = WholeArchive.__new__(WholeArchive)
    copy.__dict__.update(archive.__dict__)
    second = archive.copy(archive.top.parent / "copy")
    copy.top, copy.place = second, type(archive.place)(second)
    copy.store = type(archive.store)(copy.place, clock=archive.clock)
    damage(copy)
    found = archive.findings(second=second)
    assert found
    assert {finding.area.value for finding in found} == {"second copy"}, found


def test_hard_links_are_no_second_copy(archive: WholeArchive) -> None:
    second = archive.copy(archive.top.parent / "copy", link=True)
    found = [finding for finding in archive.findings(second=second) if "second name" in finding.text]
    assert {finding.where for finding in found} == {object_id(number) for number in (1, 2, 3, 4)}


def test_a_second_copy_that_holds_a_longer_ledger_shows_that_ours_was_cut(archive: WholeArchive) -> None:
    second = archive.copy(archive.top.parent / "copy")
    cut_the_ledger(archive)
    found = [str(finding) for finding in archive.findings(second=second, elsewhere=False)]
    assert any("the ledger was cut: 5 entries" in text for text in found), found


def test_a_verification_that_was_broken_off_goes_on_and_tells_everything(
    archive: WholeArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zcc_pipeline.archive.verification.verification._SAVE_EVERY", 1)
    for number in (2, 3, 4):
        flip(archive.folder(number) / "v1/content/recordings/rec-1.mp3")
    everything = {str(finding) for finding in archive.findings()}
    first = archive.verification()
    with first.notebook:
        findings = first.run()
        early = str(next(findings))
    again = archive.verification(resume=True)
    with again.notebook:
        found = [str(finding) for finding in again.run()]
    assert set(found) == everything
    assert early in found
    assert len(found) == len(everything) == 3
    assert again.counts.objects == 4
    assert again.counts.findings == 3


def test_the_notebook_of_a_finished_verification_is_gone(tmp_path: Path) -> None:
    notebook = Notebook(tmp_path / "home" / "verification.sqlite")
    notebook.forget()
    assert list((tmp_path / "home").iterdir()) == []


def test_reading_keeps_to_the_limit() -> None:
    class Standing:
        def monotonic(self) -> float:
            return 0.0

    waited: list[float] = []
    pace = Pace(Standing(), bytes_per_second=1_000, wait=waited.append)  # type: ignore[arg-type]
    pace.spend(500)
    pace.spend(500)
    assert waited == [0.5, 1.0]
    assert pace.bytes_read == 1_000


def test_the_index_list_is_checked_with_coreutils_too(archive: WholeArchive) -> None:
    import subprocess

    done = subprocess.run(["sha512sum", "--check", "--strict", "SHA512SUMS"], cwd=archive.top / "index", check=False)
    assert done.returncode == 0
    assert json.loads((archive.folder(1) / "inventory.json").read_bytes())["head"] == "v2"
