"""What Dagster shows of the compliance archive."""

from __future__ import annotations

import dagster as dg

from zcc_pipeline.orchestration.assets.archive import CLOSED_ON_TIME, COMPLIANCE_ARCHIVE
from zcc_pipeline.pipeline.archive_keeping import Keeping
from zcc_pipeline.pipeline.archiving import ArchiveReport, RefusedObject
from zcc_pipeline_tests.definitions.fake_pipeline import DAYS, FakePipeline


def test_a_run_tells_objects_versions_bytes_days_and_the_root_hash(pipeline: FakePipeline) -> None:
    pipeline.archive_report = ArchiveReport(
        engagements=30,
        created=2,
        versions=1,
        unchanged=26,
        bytes_written=4096,
        refused=[RefusedObject("eng-1", DAYS[0], "a stored file is not where its record says")],
        days_touched={DAYS[0]},
        days_closed={DAYS[1]},
        ledger_size=40,
        root_hash="ab" * 32,
    )
    pipeline.kept = Keeping(objects=30, held=3, expiring=4, expired=5)
    done = pipeline.run(job="archive")
    (materialization,) = done.asset_materializations_for_node("compliance_archive")
    shown = {name: value.value for name, value in materialization.metadata.items()}
    assert (shown["objects"], shown["objects created"], shown["versions added"], shown["refused"]) == (30, 2, 1, 1)
    assert (shown["bytes written"], shown["root hash"]) == (4096, "ab" * 32)
    assert (shown["archived in all"], shown["held"]) == (30, 3)
    assert (shown["last day within 30 days"], shown["last day over"]) == (4, 5)
    assert (shown["days touched"], shown["days closed"]) == (str(DAYS[0]), str(DAYS[1]))


def test_a_day_that_is_not_closed_in_time_is_a_warning(pipeline: FakePipeline) -> None:
    pipeline.overdue = {DAYS[0]: ["zoom/recordings"]}
    done = pipeline.run(job="archive")
    (check,) = [each for each in done.get_asset_check_evaluations() if each.check_name == CLOSED_ON_TIME]
    assert done.success
    assert not check.passed
    assert check.asset_key == COMPLIANCE_ARCHIVE
    assert check.severity is dg.AssetCheckSeverity.WARN
