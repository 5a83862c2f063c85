"""A package is valid for others, holds exactly what was asked for, and can be checked with coreutils."""

from __future__ import annotations

import csv
import json
import subprocess
from datetime import UTC, date, datetime
from hashlib import sha512
from pathlib import Path

import bagit
import pytest

from zcc_pipeline.archive.contents import Piece, Snapshot, safe_name
from zcc_pipeline.archive.ledger import Action, Entry
from zcc_pipeline.archive.naming import object_id_of
from zcc_pipeline.archive.opening import Archive
from zcc_pipeline.archive.packaging import Request, Selection, select, write_package
from zcc_pipeline_tests.integration.archive.conftest import Command
from zcc_pipeline_tests.integration.archive.verified_archive import WholeArchive, flip
from zcc_pipeline_tests.integration.archive.write_objects import AUTHOR

pytestmark = pytest.mark.integration
HOSTILE = '../=cmd|"/c calc"!A0\n%41 Ünï'


def keep(archive: Archive, engagement_id: str, start: str, consumer: dict[str, str], note: str = "first") -> str:
    engagement = {"engagement_id": engagement_id, "start_time": start, "consumers": [consumer]}
    snapshot = Snapshot(
        object_id_of("acct-1", engagement_id),
        (
            Piece("engagement.json", json.dumps(engagement).encode()),
            Piece(f"notes/{safe_name(engagement_id)}.json", json.dumps({"note": note}).encode()),
            Piece("engagement.html", b"<p>cover</p>", is_volatile=True),
        ),
    )
    archive.objects.prepare()
    written = archive.objects.write(snapshot, message="export", author=AUTHOR)
    action = Action.CREATE if written.version == 1 else Action.ADD_VERSION
    archive.ledger.append(
        [Entry(action, "export", "run-1", written.object_id, written.version, written.inventory_sha512)]
    )
    return written.object_id


@pytest.fixture
def kept(opened: Archive) -> Archive:
    ann, bob = {"consumer_email": "Ann@Example.com"}, {"consumer_number": "+49 30 123456"}
    keep(opened, "e1", "2026-11-01T10:00:00Z", ann)
    keep(opened, "e1", "2026-11-01T10:00:00Z", ann, note="edited")
    keep(opened, HOSTILE, "2026-11-02T10:00:00Z", ann)
    keep(opened, "E1", "2026-11-03T10:00:00Z", bob)
    return opened


def check(folder: Path) -> None:
    """As the package itself says."""
    for name in ("tagmanifest-sha512.txt", "manifest-sha512.txt"):
        done = subprocess.run(["sha512sum", "--check", "--strict", name], cwd=folder, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("versions", [[], ["--all-versions"]])
def test_all_of_a_customer_is_packed_and_others_find_the_package_valid(
    kept: Archive, zcc: Command, tmp_path: Path, versions: list[str]
) -> None:
    done = zcc(
        "archive", "package", "--customer", "ann@example.com", "--matter", "2026-17",
        "--to-folder", str(tmp_path / "out"), "--json", *versions,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["engagements"] == 2
    bag = bagit.Bag(str(tmp_path / "out"))
    assert bag.validate()
    assert bag.info["External-Identifier"] == "2026-17"
    check(tmp_path / "out")
    tags = (tmp_path / "out" / "tagmanifest-sha512.txt").read_bytes()
    entries = [each.entry for each in kept.ledger.entries() if each.entry.action == Action.PACKAGE]
    assert {entry.manifest_sha512 for entry in entries} == {sha512(tags).hexdigest()} == {said["tagmanifest_sha512"]}
    assert {entry.object_id for entry in entries} == {
        None, object_id_of("acct-1", "e1"), object_id_of("acct-1", HOSTILE)
    }  # fmt: skip
    assert not any("ann" in str(entry).casefold() for entry in entries)
    notes = [path for path in (tmp_path / "out").rglob("*.json") if path.parent.name == "notes"]
    assert len(notes) == (3 if versions else 2)


def test_inventories_in_the_package_are_those_of_the_audit_trail(kept: Archive, tmp_path: Path) -> None:
    packaged = write_package(
        kept.objects, kept.ledger, list(select(kept.objects, Selection())), tmp_path / "out",
        Request("m", "officer", datetime(2026, 11, 22, tzinfo=UTC)),
    )  # fmt: skip
    with (packaged.folder / "data/audit-trail.csv").open(newline="") as stream:
        last = {row["object_id"]: row["inventory_sha512"] for row in csv.DictReader(stream)}
    found = {sha512(path.read_bytes()).hexdigest() for path in packaged.folder.rglob("inventory.json")}
    assert found == set(last.values())
    assert len(found) == 3
    with (packaged.folder / "data/files.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            assert sha512((packaged.folder / "data" / row["file"]).read_bytes()).hexdigest() == row["sha512"]
            assert not row["engagement_id"].startswith(("=", "+", "-", "@"))


def test_hostile_ids_lead_nowhere_and_mean_nothing_to_spreadsheets_and_browsers(kept: Archive, tmp_path: Path) -> None:
    keep(kept, "=1+1<script>alert(1)</script>", "2026-11-02T10:00:00Z", {})
    write_package(
        kept.objects, kept.ledger, list(select(kept.objects, Selection())), tmp_path / "out",
        Request("<b>m", "officer", datetime(2026, 11, 22, tzinfo=UTC)),
    )  # fmt: skip
    paths = [path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*")]
    assert all(path.isascii() and "%" not in path and "\n" not in path and ".." not in path for path in paths)
    assert len({path.casefold() for path in paths}) == len(paths)
    page = (tmp_path / "out/data/index.html").read_text()
    assert "<script>" not in page
    assert "<b>m" not in page
    assert "'=1+1" in (tmp_path / "out/data/engagements.csv").read_text()


def test_numbers_are_compared_whatever_way_they_are_written_and_days_narrow(kept: Archive) -> None:
    def ids(**selection: object) -> set[str]:
        return {each.engagement_id for each in select(kept.objects, Selection(**selection))}  # type: ignore[arg-type]

    assert ids(customer="030 123456", phone_region="DE") == {"E1"}
    assert ids(customer="+4930123456") == {"E1"}
    assert ids(customer="nobody@example.com") == set()
    assert ids(customer="ANN@example.com", first=date(2026, 11, 2)) == {HOSTILE}
    assert ids(last=date(2026, 11, 1)) == {"e1"}


def test_a_damaged_file_is_never_handed_over_and_nothing_is_left(kept: Archive, zcc: Command, tmp_path: Path) -> None:
    (path,) = kept.top.glob("objects/*/*/*/*engagement%3aE1/v1/content/engagement.json")
    text = path.read_text().replace("2026-11-03", "2026-11-04")
    path.write_text(text)
    done = zcc("archive", "package", "--engagement", "E1", "--matter", "1", "--to-folder", str(tmp_path / "o" / "out"))
    assert done.exit_code == 1
    assert "not what was archived" in done.output
    assert list((tmp_path / "o").iterdir()) == []


def test_what_is_not_there_is_said_and_an_existing_folder_is_left_alone(
    kept: Archive, zcc: Command, tmp_path: Path
) -> None:
    options = ("--matter", "1", "--to-folder", str(tmp_path / "out"))
    assert zcc("archive", "package", "--engagement", "nope", *options).exit_code == 1
    assert zcc("archive", "package", *options).exit_code == 2
    (tmp_path / "out").mkdir()
    assert zcc("archive", "package", "--engagement", "e1", *options).exit_code == 1
    assert list((tmp_path / "out").iterdir()) == []


def test_a_flipped_byte_in_a_package_is_found_by_coreutils(kept: Archive, tmp_path: Path) -> None:
    packaged = write_package(
        kept.objects, kept.ledger, list(select(kept.objects, Selection())), tmp_path / "out",
        Request("m", "officer", datetime(2026, 11, 22, tzinfo=UTC)),
    )  # fmt: skip
    flip(packaged.folder / "data/audit-trail.csv")
    with pytest.raises(AssertionError):
        check(packaged.folder)
    with pytest.raises(bagit.BagValidationError):
        bagit.Bag(str(packaged.folder)).validate()


def test_a_package_needs_a_matter(filled: WholeArchive, zcc: Command, tmp_path: Path) -> None:
    done = zcc("archive", "package", "--engagement", "x", "--matter", " ", "--to-folder", str(tmp_path / "out"))
    assert done.exit_code == 2
