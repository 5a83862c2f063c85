"""The graph explains itself, and changes to it are seen."""

from __future__ import annotations

import dagster as dg
import pytest

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline_tests.definitions.graph_lines import GRAPH, graph_lines, real_definitions

pytestmark = [pytest.mark.integration]  # dbt parses its project once

GROUPS = {
    "archive",
    "completeness",
    "core",
    "engagements",
    "events",
    "exports",
    "files",
    "intermediate",
    "operations",
    "publish",
    "recordings",
    "reference",
    "refresh",
    "staging",
    "voicemails",
}


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    return real_definitions(tmp_path_factory.mktemp("home"))


def test_a_test_of_dbt_blocks_what_is_below_unless_it_warns_or_looks_at_what_no_mart_is_made_of(
    defs: dg.Definitions,
) -> None:
    dbt_build = defs.resolve_assets_def("engagements")
    assert {spec.name for spec in dbt_build.check_specs if not spec.blocking} == {
        "every_embedded_note_is_landed",
        "no_field_added_lately",
        "no_quarantined_records",
    }
    (drift,) = [spec for spec in dbt_build.check_specs if spec.name == "no_field_added_lately"]
    assert drift.asset_key == dg.AssetKey(["schema_drift"])


def all_specs(defs: dg.Definitions) -> list[dg.AssetSpec]:
    return list(defs.resolve_all_asset_specs())


def test_the_graph_is_the_one_in_the_file(defs: dg.Definitions) -> None:
    """If the change is meant, see ``graph_lines``."""
    assert graph_lines(defs) == GRAPH.read_text().splitlines()


def test_every_asset_has_a_group_an_owner_a_kind_and_a_description(defs: dg.Definitions) -> None:
    specs = all_specs(defs)
    assert {spec.group_name for spec in specs} == GROUPS
    assert [spec.key for spec in specs if not spec.owners or not spec.kinds] == []
    assert [spec.key.to_user_string() for spec in specs if not spec.description] == []


def test_every_dataset_read_from_zoom_links_to_its_page(defs: dg.Definitions) -> None:
    by_name = {spec.key.to_user_string(): spec for spec in all_specs(defs)}
    for name, dataset in DATASETS.items():
        if name in by_name and dataset.api_page:
            assert dataset.api_page in str(by_name[name].description)
            assert by_name[name].metadata["API page"] == dg.MetadataValue.url(dataset.api_page)


@pytest.mark.parametrize(
    ("asset", "dataset"),
    [
        ("files/recordings", "zoom/recordings"),
        ("files/voicemails", "zoom/voicemails"),
        ("refresh/late_closers", "zoom/engagements"),
        ("refresh/settling", "zoom/engagements"),
    ],
)
def test_what_reads_more_of_a_dataset_links_to_the_page_of_that(defs: dg.Definitions, asset: str, dataset: str) -> None:
    (spec,) = [spec for spec in all_specs(defs) if spec.key.to_user_string() == asset]
    assert spec.metadata["API page"] == dg.MetadataValue.url(DATASETS[dataset].api_page)


def test_every_lake_dataset_and_every_mart_shows_its_columns(defs: dg.Definitions) -> None:
    for spec in all_specs(defs):
        if spec.group_name in {"core", "operations"} or spec.key.to_user_string() in DATASETS:
            schema = spec.metadata["dagster/column_schema"]
            assert isinstance(schema, dg.TableColumnSchema if hasattr(dg, "TableColumnSchema") else dg.TableSchema)
            assert all(column.description for column in schema.columns), spec.key


def test_everything_that_lands_flows_into_the_warehouse(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    dead_ends = [
        key.to_user_string()
        for key in graph.get_all_asset_keys()
        if not graph.get(key).child_keys and key.path != ["analytics"]
    ]
    assert [name for name in dead_ends if name.startswith(("zoom/", "files/", "refresh/"))] == []


def test_tests_of_severity_error_block_publishing_and_warnings_do_not(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    blocking = {key.name for key in graph.asset_check_keys if graph.get_check_spec(key).blocking}
    assert any(name.startswith("unique") for name in blocking)
    assert "read_to_the_end" not in blocking


def test_nothing_polls_before_somebody_switches_it_on(defs: dg.Definitions) -> None:
    assert all(schedule.default_status is dg.DefaultScheduleStatus.STOPPED for schedule in defs.schedules or [])  # type: ignore[union-attr]
    assert [
        sensor.name for sensor in defs.sensors or [] if sensor.default_status is dg.DefaultSensorStatus.RUNNING
    ] == ["dead_runs"]
