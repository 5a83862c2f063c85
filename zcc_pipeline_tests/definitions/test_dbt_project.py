"""What is read from dbt's manifest."""

from __future__ import annotations

import json

from zcc_pipeline.orchestration.assets.dbt import build_dbt_assets
from zcc_pipeline.orchestration.assets.raw import assets_of
from zcc_pipeline.orchestration.dbt_project import read_project
from zcc_pipeline.warehouse import NodeResult
from zcc_pipeline.warehouse.withholding import withheld_by
from zcc_pipeline_tests.definitions.fake_pipeline import MANIFEST


def test_a_model_comes_after_what_it_selects_from() -> None:
    names = [model.name for model in read_project(MANIFEST).models]
    assert names.index("stg_zoom__engagements") < names.index("engagements")


def test_an_ephemeral_model_is_no_asset_and_its_neighbours_are_joined() -> None:
    models = {model.name: model for model in read_project(MANIFEST).models}
    assert set(models) == {"engagements", "stg_zoom__engagements", "stg_zoom__files"}
    assert models["engagements"].parents == ("model.zcc_pipeline.stg_zoom__engagements",)


def test_a_models_layer_is_its_folder_and_marts_are_told_apart_by_theirs() -> None:
    models = {model.name: model for model in read_project(MANIFEST).models}
    assert (models["engagements"].layer, models["engagements"].is_mart) == ("core", True)
    assert (models["stg_zoom__files"].layer, models["stg_zoom__files"].is_mart) == ("staging", False)


def test_a_model_depends_on_the_assets_that_land_the_datasets_it_loads() -> None:
    models = {model.name: model for model in read_project(MANIFEST).models}
    assert models["stg_zoom__engagements"].datasets == ("zoom/engagements",)
    assert "files/voicemails" in assets_of(models["stg_zoom__files"].datasets[0])
    assert assets_of("zoom/events") == ("zoom/events",)


def test_a_model_without_a_description_says_what_it_is_made_of() -> None:
    models = {model.name: model for model in read_project(MANIFEST).models}
    assert models["engagements"].description == "One row per engagement."
    assert models["stg_zoom__files"].description == (
        "Records of `zoom/files`, typed: `models/staging/zoom/stg_zoom__files.sql`"
    )


def test_tests_have_short_names_where_these_are_unique_on_the_model() -> None:
    tests = {test.name: test for test in read_project(MANIFEST).tests}
    assert set(tests) == {
        "unique_engagement_id",
        "accepted_values_a",
        "accepted_values_b",
        "nothing_lost",
        "no_file_in_quarantine",
    }
    assert tests["unique_engagement_id"].is_error
    assert not tests["accepted_values_a"].is_error


def test_a_test_over_several_models_is_shown_at_the_mart() -> None:
    tests = {test.name: test for test in read_project(MANIFEST).tests}
    assert tests["nothing_lost"].model == "model.zcc_pipeline.engagements"
    assert tests["nothing_lost"].description == "`tests/nothing_lost.sql` finds no row."


def test_the_checks_that_block_under_dagster_are_the_tests_that_withhold_from_zcc_build() -> None:
    manifest, project = json.loads(MANIFEST.read_text()), read_project(MANIFEST)
    withheld = {
        test.name
        for test in project.tests
        if withheld_by(manifest, [NodeResult(test.unique_id, "test", "fail", 0.1, None, "")])
    }
    (dbt_build,) = build_dbt_assets(project)
    assert {spec.name for spec in dbt_build.check_specs if spec.blocking} == withheld
    assert withheld == {"unique_engagement_id", "nothing_lost"}
