"""What was lost comes back from the archive as it was, and what is there is left alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from zcc_pipeline.archive.ledger import Action
from zcc_pipeline.pipeline.archive_sources import RECORDS
from zcc_pipeline.pipeline.archive_verification import VerifyOptions, verify_archive
from zcc_pipeline.pipeline.archiving import archive_changes
from zcc_pipeline.pipeline.restore import RestoreReport, restore
from zcc_pipeline_tests.story import Story, story

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with story(tmp_path_factory.mktemp("restore") / "home", days=2, per_day=15) as told:
        told.pull()
        with told.runtime() as runtime:
            archive_changes(runtime)
        yield told


def bring_back(told: Story, *, dry_run: bool = False) -> RestoreReport:
    with told.runtime() as runtime:
        return restore(runtime, dry_run=dry_run)


def files(told: Story) -> dict[Path, bytes]:
    top = told.home / "files"
    return {
        path.relative_to(top): path.read_bytes()
        for path in top.rglob("*")
        if path.is_file() and ".staging" not in path.parts
    }


def records(told: Story) -> set[tuple[str, str, str, str, str, str]]:
    """Of archived engagements; their times to the second, as the archive has them."""
    found = set()
    with told.runtime() as runtime:
        archived = {each.rpartition(":")[2] for each in runtime.archive.objects.object_ids()}
        for dataset in RECORDS:
            for day in runtime.lake.days(dataset):
                table = runtime.lake.latest(dataset, day, day, with_deleted=True)
                for row in table.to_pylist():
                    if row["engagement_id"] in archived:
                        found.add(
                            (dataset, str(day), row["record_id"], row["shape"], str(row["as_of"])[:19], row["payload"])
                        )
    return found


def test_where_nothing_is_lost_nothing_is_done(archived: Story) -> None:
    before = {path: path.stat().st_mtime_ns for path in (archived.home / "files").rglob("*") if path.is_file()}
    report = bring_back(archived)
    assert (report.files_restored, report.records_restored, report.failed) == (0, 0, {})
    assert report.files_there > 0
    assert report.records_there > 0
    assert {path: path.stat().st_mtime_ns for path in (archived.home / "files").rglob("*") if path.is_file()} == before


def test_lost_files_come_back_and_damaged_ones_are_put_right(archived: Story) -> None:
    before = files(archived)
    damaged, *_ = sorted(before)
    shutil.rmtree(archived.home / "files")
    (archived.home / "files" / damaged).parent.mkdir(parents=True)
    (archived.home / "files" / damaged).write_bytes(b"damaged")
    would = bring_back(archived, dry_run=True)
    assert files(archived) == {damaged: b"damaged"}, "a dry run changes nothing"
    report = bring_back(archived)
    assert (report.files_restored, report.files_replaced) == (would.files_restored, 1)
    after = files(archived)
    assert {path: after[path] for path in after} == {path: before[path] for path in after}
    assert len(after) == report.files_restored > 1
    with archived.runtime() as runtime:
        assert [each.entry.action for each in runtime.archive.ledger.entries()][-1] == Action.RESTORE


def test_a_lost_lake_comes_back_with_every_record_on_its_day(archived: Story) -> None:
    before = records(archived)
    assert before
    shutil.rmtree(archived.home / "lake")
    would = bring_back(archived, dry_run=True)
    assert would.records_restored >= len(before)
    assert records(archived) == set(), "a dry run changes nothing"
    report = bring_back(archived)
    assert report.records_restored == would.records_restored
    assert records(archived) == before
    again = bring_back(archived)
    assert again.records_restored == 0
    with archived.runtime() as runtime:
        assert runtime.lake.days("zoom/files"), "what is stored where is told again"


def test_an_archived_file_that_is_damaged_itself_is_named_and_not_restored(archived: Story) -> None:
    recordings = (archived.home / "archive/objects").rglob("content/recordings/*")
    audio = next(path for path in sorted(recordings) if path.suffix != ".json")
    before = audio.read_bytes()
    kept = files(archived)
    try:
        audio.write_bytes(before[:-1] + b"!")
        shutil.rmtree(archived.home / "files")
        report = bring_back(archived)
        ((_, problem),) = report.failed.items()
        assert f"recordings/{audio.name} is not what was archived" in problem
        assert len(files(archived)) == len(kept) - 1
    finally:
        audio.write_bytes(before)
        bring_back(archived)


def test_an_exported_archive_verifies_clean_before_and_after_all_that(archived: Story, tmp_path: Path) -> None:
    with archived.runtime() as runtime:
        outcome = verify_archive(
            runtime.archive,
            home=tmp_path,
            clock=runtime.clock,
            run_id="run-1",
            options=VerifyOptions(second_copy=shutil.copytree(archived.home / "archive", tmp_path / "copy")),
        )
    assert [str(finding) for finding in outcome.first_findings] == []
    assert outcome.summary.counts.objects == outcome.summary.counts.copies > 10
    assert outcome.summary.counts.windows > 0
    assert outcome.summary.counts.index_files > 1
