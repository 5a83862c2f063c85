"""Who waits for the analysts' copy is told when it is there."""

from __future__ import annotations

import dagster as dg

from zcc_pipeline.orchestration.assets.publish import build_publish_assets
from zcc_pipeline.orchestration.dbt_project import Project
from zcc_pipeline_tests.definitions.fake_pipeline import FakePipeline, FakeRuntime


def test_whoever_waits_is_told_after_the_copy_is_published(pipeline: FakePipeline) -> None:
    told: list[int] = []
    assets = build_publish_assets(Project((), ()), lambda: told.append(pipeline.published))
    dg.materialize(assets, resources={"runtime": FakeRuntime()}, instance=pipeline.instance)
    assert told == [1]


def test_nobody_has_to_wait(pipeline: FakePipeline) -> None:
    done = dg.materialize(
        build_publish_assets(Project((), ())), resources={"runtime": FakeRuntime()}, instance=pipeline.instance
    )
    assert done.success
