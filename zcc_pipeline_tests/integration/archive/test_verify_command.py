"""``zcc archive verify`` and the asset: what they say, leave behind and exit with."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from hashlib import sha512
from pathlib import Path

import dagster as dg
import pytest

from zcc_pipeline.archive.ledger import Action
from zcc_pipeline.archive.ledger.ledger import note_name
from zcc_pipeline.archive.opening import Archive
from zcc_pipeline.orchestration.assets.archive_verification import (
    build_verification_assets,
    build_verification_checks,
    build_verification_job,
)
from zcc_pipeline.orchestration.resources import build_runtime_resource
from zcc_pipeline.pipeline.archive_verification import LastVerification, last_verification
from zcc_pipeline.settings import open_runtime
from zcc_pipeline_tests.integration.archive.conftest import Command
from zcc_pipeline_tests.integration.archive.verified_archive import WholeArchive, flip
from zcc_pipeline_tests.integration.archive.write_objects import object_id

pytestmark = pytest.mark.integration


def test_a_whole_archive_passes_and_the_ledger_says_so_naming_the_report(
    filled: WholeArchive, opened: Archive, zcc: Command, home: Path
) -> None:
    done = zcc("archive", "verify")
    assert done.exit_code == 0, done.output
    assert "Nothing wrong was found." in done.output
    (report,) = (home / "archive_reports").glob("*.json")
    document = json.loads(report.read_bytes())
    assert (document["result"], document["counts"]["objects"], document["findings"]) == ("clean", 4, [])
    (entry,) = [logged.entry for logged in opened.ledger.entries() if logged.entry.action == Action.VERIFY]
    assert entry.manifest_sha512 == sha512(report.read_bytes()).hexdigest()
    assert (entry.reason, entry.counts) == ("clean", document["counts"])
    assert not (home / "archive_verification.sqlite").exists()
    assert zcc("archive", "verify").exit_code == 0, "its own entry is no finding of the next one"


def test_a_flipped_byte_fails_and_is_named_in_all_three_places(
    filled: WholeArchive, opened: Archive, zcc: Command, tmp_path: Path
) -> None:
    flip(filled.folder(2) / "v1/content/recordings/rec-1.mp3")
    done = zcc("archive", "verify", "--json", "--report", str(tmp_path / "reports"))
    assert done.exit_code == 1
    (finding,) = json.loads(done.stdout)["first_findings"]
    assert (finding["where"], finding["path"]) == (object_id(2), "v1/content/recordings/rec-1.mp3")
    html, document = sorted((tmp_path / "reports").iterdir())
    assert "v1/content/recordings/rec-1.mp3" in html.read_text()
    assert json.loads(document.read_bytes())["findings"] == [finding]
    assert last_verification(opened).findings == 1


def test_a_ledger_that_was_cut_shows_by_the_witness_and_takes_no_entry(
    filled: WholeArchive, opened: Archive, zcc: Command
) -> None:
    ledger = filled.top / "ledger"
    shutil.copy(ledger / note_name(3), ledger / "checkpoint")
    for note in (ledger / "checkpoints").iterdir():
        if note.name > note_name(3).rpartition("/")[2]:
            note.unlink()
    done = zcc("archive", "verify")
    assert done.exit_code == 1
    assert "the ledger was cut: 5 entries that were signed are gone" in " ".join(done.output.split())


def test_whoever_has_only_the_public_key_verifies_and_changes_nothing(
    filled: WholeArchive, zcc: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZCC_HOME", str(tmp_path / "auditor"))
    monkeypatch.setenv("ZCC_ARCHIVE_URL", str(filled.top))
    before = sorted(str(path) for path in (filled.top / "ledger").rglob("*"))
    done = zcc("archive", "verify", "--trust", str(filled.signer.verifier))
    assert done.exit_code == 0, done.output
    assert sorted(str(path) for path in (filled.top / "ledger").rglob("*")) == before
    assert not (tmp_path / "auditor" / "archive-keys").exists(), "no key was made"
    other = zcc("archive", "verify", "--trust", "archive+00000000+AAAA")
    assert other.exit_code == 2


def test_where_there_is_no_archive_the_setting_is_named(zcc: Command) -> None:
    done = zcc("archive", "verify")
    assert done.exit_code == 2
    assert "ZCC_ARCHIVE_URL" in done.output


def test_the_asset_and_its_check_tell_the_same(filled: WholeArchive, home: Path) -> None:
    defs = dg.Definitions(
        assets=build_verification_assets(),
        asset_checks=build_verification_checks(),
        jobs=[build_verification_job()],
        resources={"runtime": build_runtime_resource(open_runtime)},
    )

    def passed() -> bool:
        with dg.DagsterInstance.ephemeral() as instance:
            result = defs.resolve_job_def("verify_archive").execute_in_process(instance=instance)
        (evaluation,) = result.get_asset_check_evaluations()
        return evaluation.passed

    assert passed()
    flip(filled.folder(1) / "v1/content/notes.json")
    assert not passed()


def test_a_verification_of_last_month_is_not_fresh() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert LastVerification(now - timedelta(days=7)).is_fresh(now)
    assert not LastVerification(now - timedelta(days=9)).is_fresh(now)
    assert not LastVerification().is_fresh(now)


def test_a_folder_has_no_locks_to_set(filled: WholeArchive, zcc: Command) -> None:
    told = zcc("archive", "lock")
    assert told.exit_code == 2
    assert "ZCC_ARCHIVE_URL" in told.output
