"""The second copy: all of it, only what changed, never a link, and never what the ledger does not say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import ocfl
import pytest

from zcc_pipeline.archive.copying import Copied, CopyRefused, bring_up_to_date
from zcc_pipeline.archive.ledger import Action, Entry, FolderShelf, Ledger
from zcc_pipeline.archive.ocfl.layout import object_key
from zcc_pipeline.archive.opening import Archive
from zcc_pipeline.archive.retention import lapses_at
from zcc_pipeline.archive.storage import FolderPlace, Lock, Parcel
from zcc_pipeline.domain.errors import ConfigurationError
from zcc_pipeline.pipeline.archiving import archive_changes
from zcc_pipeline.pipeline.restore import restore
from zcc_pipeline_tests.integration.archive.conftest import Command
from zcc_pipeline_tests.integration.archive.small_home import make_home
from zcc_pipeline_tests.integration.archive.small_home import opened as opened_home
from zcc_pipeline_tests.integration.archive.verified_archive import WholeArchive, flip
from zcc_pipeline_tests.integration.archive.write_objects import object_id
from zcc_pipeline_tests.seaweed import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, Seaweed

pytestmark = pytest.mark.integration


@pytest.fixture
def whole(tmp_path: Path) -> WholeArchive:
    whole = WholeArchive(tmp_path / "archive")
    whole.fill()
    return whole


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copy"


def bring(whole: WholeArchive, copy: Path, *, everything: bool = False) -> Copied:
    return bring_up_to_date(
        whole.place, FolderPlace(copy), whole.ledger, whole.shelf, clock=whole.clock, everything=everything
    )


def contents(top: Path) -> dict[str, bytes]:
    found = {path.relative_to(top).as_posix(): path for path in top.rglob("*") if path.is_file()}
    return {
        name: path.read_bytes() for name, path in found.items() if not name.startswith(("staging/", "ledger/.lock"))
    }


def inodes(top: Path) -> set[tuple[int, int]]:
    return {(path.stat().st_dev, path.stat().st_ino) for path in top.rglob("*") if path.is_file()}


def test_it_is_the_whole_archive_in_bytes_of_its_own(whole: WholeArchive, copy: Path) -> None:
    copied = bring(whole, copy)
    assert (copied.objects, copied.is_up_to_date) == (4, True)
    assert contents(copy) == contents(whole.top)
    assert not inodes(copy) & inodes(whole.top)
    assert whole.findings(second=copy) == []
    root = ocfl.StorageRoot(str(copy / "objects"))
    assert root.validate()
    assert root.num_objects == 4


def test_only_what_is_new_is_copied_and_a_second_time_nothing(whole: WholeArchive, copy: Path) -> None:
    bring(whole, copy)
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*") if path.is_file()}
    assert bring(whole, copy).objects == 0
    whole.write(2, note="edited")
    whole.write(7)
    whole.say(*(Entry(Action.VERIFY, "svc", "run") for _ in range(300)))
    assert bring(whole, copy).objects == 2
    assert contents(copy) == contents(whole.top)
    untouched = {path for path in before if "eng-00001" in str(path) or "/v1/" in str(path)}
    assert {path: path.stat().st_mtime_ns for path in untouched} == {path: before[path] for path in untouched}
    assert whole.findings(second=copy) == []


def test_what_was_purged_goes_from_the_copy(whole: WholeArchive, copy: Path) -> None:
    bring(whole, copy)
    whole.place.remove(object_key(object_id(3)))
    whole.say(Entry(Action.PURGE, "svc", "run", object_id(3)))
    assert bring(whole, copy).removed == 1
    assert contents(copy) == contents(whole.top)
    assert bring(whole, copy, everything=True).removed == 0
    assert whole.findings(second=copy) == []


class Dies(FolderPlace):
    """Stops working after so many steps."""

    def __init__(self, top: Path, steps: int) -> None:
        super().__init__(top)
        self.steps = steps

    def _step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise KeyboardInterrupt

    def publish(self, *arguments: Any, **options: Any) -> list[str | None]:
        self._step()
        return super().publish(*arguments, **options)

    def replace(self, *arguments: Any, **options: Any) -> str | None:
        self._step()
        return super().replace(*arguments, **options)


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4, 5, 7, 9, 11, 13])
def test_a_crash_anywhere_leaves_a_copy_that_is_finished_the_next_time(
    whole: WholeArchive, copy: Path, steps: int
) -> None:
    bring(whole, copy)
    whole.write(2, note="edited")
    whole.write(2, note="edited again")
    whole.write(8)
    with pytest.raises(KeyboardInterrupt):
        bring_up_to_date(whole.place, Dies(copy, steps), whole.ledger, whole.shelf, clock=whole.clock)
    assert bring(whole, copy).is_up_to_date
    shutil.rmtree(copy / "quarantine", ignore_errors=True)
    assert contents(copy) == contents(whole.top)
    assert whole.findings(second=copy) == []


def test_what_was_changed_without_an_entry_does_not_get_into_the_copy(whole: WholeArchive, copy: Path) -> None:
    bring(whole, copy)
    good = contents(copy / object_key(object_id(1)))
    audio = next(whole.folder(1).rglob("*.mp3"))
    flip(audio)
    inventory = whole.folder(2) / "inventory.json"
    inventory.write_bytes(inventory.read_bytes().replace(b"export", b"expert"))
    shutil.rmtree(copy / object_key(object_id(1)))
    shutil.rmtree(copy / object_key(object_id(2)))
    copied = bring(whole, copy, everything=True)
    assert copied.failed == {
        object_id(1): "rec-1.mp3 is not what it was, and was not copied",
        object_id(2): "is not as the ledger has it, and was not copied",
    }
    flip(audio)
    assert object_id(1) not in bring(whole, copy, everything=True).failed
    assert contents(copy / object_key(object_id(1))) == good


def test_an_archive_that_was_set_back_never_sets_back_its_copy(whole: WholeArchive, copy: Path) -> None:
    early = (whole.top / "ledger" / "checkpoint").read_bytes()
    whole.write(9)
    bring(whole, copy)
    before = contents(copy)
    (whole.top / "ledger" / "checkpoint").write_bytes(early)
    with pytest.raises(CopyRefused, match="1 signed entries that the archive's ledger has lost"):
        bring(whole, copy)
    assert contents(copy) == before


def test_a_ledger_that_was_written_anew_is_not_taken_over(whole: WholeArchive, copy: Path, tmp_path: Path) -> None:
    bring(whole, copy)
    shelf = FolderShelf(tmp_path / "other")
    other = Ledger(
        shelf, origin="example.com/archive", trusted=(whole.signer.verifier,), clock=whole.clock,
        signers=(whole.signer,),
    )  # fmt: skip
    other.append([Entry(Action.VERIFY, "svc", "run") for _ in range(40)])
    with pytest.raises(CopyRefused, match="are not those of the second copy"):
        bring_up_to_date(whole.place, FolderPlace(copy), other, shelf, clock=whole.clock)


def test_tiles_that_a_crash_left_over_are_not_copied(whole: WholeArchive, copy: Path) -> None:
    newest = whole.ledger.latest()
    assert newest is not None
    whole.shelf.write(f"tile/0/000.p/{newest.size + 3}", b"left over")
    bring(whole, copy)
    assert not (copy / "ledger" / f"tile/0/000.p/{newest.size + 3}").exists()


def test_exports_keep_it_and_verification_reads_it_without_being_told(
    filled: WholeArchive, zcc: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert zcc("archive", "copy").exit_code == 2
    monkeypatch.setenv("ZCC_ARCHIVE_SECOND_COPY_URL", str(tmp_path / "copy"))
    told = json.loads(zcc("archive", "copy", "--json").stdout)
    assert (told["objects"], told["is_up_to_date"], told["shares_disk"]) == (4, True, True)
    assert "on the same device as the archive" in zcc("archive", "copy", "--all").stdout.replace("\n", " ")
    clean = json.loads(zcc("archive", "verify", "--json").stdout)
    assert (clean["result"], clean["second_copy_verified"]) == ("clean", True)
    flip(next((tmp_path / "copy" / object_key(object_id(2))).rglob("*.mp3")))
    found = zcc("archive", "verify", "--json")
    assert found.exit_code == 1
    assert [each["where"] for each in json.loads(found.stdout)["first_findings"]] == [object_id(2)]
    monkeypatch.setenv("ZCC_ARCHIVE_SECOND_COPY_URL", str(filled.top / "inside"))
    assert "are in one another" in zcc("archive", "copy").output


def test_a_copy_that_cannot_be_written_is_told_and_stops_nothing(
    filled: WholeArchive, zcc: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ZCC_ARCHIVE_SECOND_COPY_URL", str(tmp_path / "file"))
    told = zcc("archive", "export", "--json")
    assert told.exit_code == 1
    assert "Error" in json.loads(told.stdout)["second_copy"]["problem"]
    assert (tmp_path / "home" / "archive" / "ledger" / "checkpoint").is_file()


def test_a_copy_whose_bucket_is_set_wrong_is_told_like_one_that_is_away(
    opened: Archive, filled: WholeArchive, copy: Path
) -> None:
    class Refusing(FolderPlace):
        @property
        def locks(self) -> bool:
            raise ConfigurationError("ZCC_ARCHIVE_LOCK_MODE", "is compliance, and the bucket has no Object Lock")

    assert filled.ledger is opened.ledger
    opened.copy_place = Refusing(copy)
    copied = opened.update_second_copy()
    assert copied is not None
    assert "ZCC_ARCHIVE_LOCK_MODE: is compliance" in copied.problem


def test_records_come_back_from_the_second_copy_when_the_archive_itself_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path, monkeypatch)
    monkeypatch.setenv("ZCC_ARCHIVE_SECOND_COPY_URL", str(tmp_path / "copy"))
    with opened_home() as runtime:
        report = archive_changes(runtime)
        assert report.second_copy is not None
        assert (report.second_copy.objects, report.is_clean) == (3, True)
    for path in [*(home / "archive" / "objects").rglob("engagement.json")]:
        flip(path)
    shutil.rmtree(home / "lake" / "zoom" / "engagements")
    with opened_home() as runtime:
        assert len(restore(runtime, dry_run=True).failed) == 3
        found = restore(runtime, from_second_copy=True)
    assert (found.failed, found.records_restored) == ({}, 3)
    monkeypatch.delenv("ZCC_ARCHIVE_SECOND_COPY_URL")
    with opened_home() as runtime, pytest.raises(ConfigurationError, match="ZCC_ARCHIVE_SECOND_COPY_URL"):
        restore(runtime, from_second_copy=True)


class Locking(FolderPlace):
    """Takes note of what it is told to keep, by object and in order."""

    locks = True

    def __init__(self, top: Path) -> None:
        super().__init__(top)
        self.told: list[tuple[str, str, Lock]] = []

    def _note(self, how: str, key: str, lock: Lock) -> None:
        if key.startswith("objects/") and key.count("/") > 3:
            self.told.append((how, key.split("/")[4].rpartition("%3a")[2], lock))

    def publish(self, parcels: Sequence[Parcel]) -> list[str | None]:
        for parcel in parcels:
            self._note("publish", parcel.key, parcel.lock)
        return super().publish(parcels)

    def protect(self, key: str, lock: Lock) -> None:
        self._note("protect", key, lock)

    def take(self) -> list[tuple[str, str, Lock]]:
        told, self.told = self.told, []
        return sorted(told, key=repr)


def test_a_copy_that_can_lock_keeps_each_object_as_long_as_the_ledger_promises(whole: WholeArchive, copy: Path) -> None:
    def bring_it(*, everything: bool = False) -> list[tuple[str, str, Lock]]:
        bring_up_to_date(whole.place, place, whole.ledger, whole.shelf, clock=whole.clock, everything=everything)
        return place.take()

    def say(action: Action, number: int, **more: Any) -> None:
        whole.say(Entry(action, "svc", "run", None if "day" in more else object_id(number), **more))

    place, last, later = Locking(copy), date(2031, 5, 1), date(2036, 5, 1)
    say(Action.EXTEND, 2, retain_until=last)
    say(Action.HOLD_ON, 3, matter="2026-1")
    names = [f"eng-0000{number}" for number in (1, 2, 3, 4)]
    first = {1: Lock(), 2: Lock(lapses_at(last)), 3: Lock(is_held=True), 4: Lock()}
    assert bring_it() == [("publish", names[number - 1], lock) for number, lock in first.items()]
    assert bring_it() == []

    say(Action.EXTEND, 2, retain_until=later)
    whole.write(2, note="edited")
    say(Action.HOLD_OFF, 3, matter="2026-1")
    say(Action.EXTEND, 4, retain_until=last)
    longer = Lock(lapses_at(later))
    assert bring_it() == [
        ("protect", names[1], longer),
        ("protect", names[2], Lock(is_held=False)),
        ("protect", names[3], Lock(lapses_at(last))),
        ("publish", names[1], longer),
    ]
    assert [(how, name) for how, name, _ in bring_it(everything=True)] == [("protect", name) for name in names]


@pytest.mark.slow
def test_a_copy_in_a_bucket_and_witnesses_of_two_kinds_are_read_by_the_verification(
    filled: WholeArchive, zcc: Command, seaweed: Seaweed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = seaweed.new_locked_url()
    for name, value in {
        "ZCC_ARCHIVE_SECOND_COPY_URL": f"{url}/copy",
        "ZCC_ARCHIVE_WITNESS_URL": f"{url}/witness,{tmp_path}/far",
        "ZCC_S3_ENDPOINT_URL": seaweed.endpoint_url,
        "ZCC_S3_REGION": REGION,
        "ZCC_S3_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "ZCC_S3_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
    }.items():
        monkeypatch.setenv(name, value)
    told = json.loads(zcc("archive", "copy", "--json").stdout)
    assert (told["objects"], told["is_up_to_date"], told["shares_disk"]) == (4, True, False)
    filled.write(1, note="edited again")
    assert json.loads(zcc("archive", "copy", "--json").stdout)["objects"] == 1
    assert zcc("archive", "verify").exit_code == 0
    found = json.loads(zcc("archive", "verify", "--json").stdout)
    assert (found["result"], found["counts"]["copies"]) == ("clean", 4)
    assert found["checkpoints_from_elsewhere"] == 2

    last = date.today() + timedelta(days=900)  # noqa: DTZ011 - any day far away
    filled.say(Entry(Action.EXTEND, "svc", "run", object_id(2), retain_until=last))
    behind = json.loads(zcc("archive", "verify", "--json").stdout)["first_findings"]
    assert {(each["area"], each["where"]) for each in behind} == {("second copy", object_id(2))}
    assert "is locked only until" in behind[0]["text"]
    zcc("archive", "copy")
    assert json.loads(zcc("archive", "verify", "--json").stdout)["result"] == "clean"
