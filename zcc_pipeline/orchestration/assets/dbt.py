"""dbt's models as assets and its tests as checks: one step, because dbt runs once for all of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from zcc_pipeline.orchestration.assets.raw import OWNERS, assets_of, key_of
from zcc_pipeline.orchestration.dbt_project import Model, Project, Test
from zcc_pipeline.orchestration.failures import tried_again
from zcc_pipeline.orchestration.metadata import joined_days
from zcc_pipeline.pipeline.build import build
from zcc_pipeline.pipeline.runtime import Runtime
from zcc_pipeline.warehouse import BuildResult, NodeResult

Outcome = dg.MaterializeResult[Any] | dg.AssetCheckResult


def model_key(model: Model) -> dg.AssetKey:
    """Models have names of their own, so their key is their name."""
    return dg.AssetKey([model.name])


def build_dbt_assets(project: Project) -> list[dg.AssetsDefinition]:
    """All models as one step; nothing where the project has none."""
    if not project.models:
        return []
    keys = {model.unique_id: model_key(model) for model in project.models}

    @dg.multi_asset(
        name="dbt_build",
        specs=[_spec(model, keys) for model in project.models],
        check_specs=[
            dg.AssetCheckSpec(test.name, asset=keys[test.model], description=test.description, blocking=test.withholds)
            for test in project.tests
        ],
    )
    def dbt_build(runtime: dg.ResourceParam[Runtime]) -> Iterator[Outcome]:
        with tried_again():
            result = build(runtime)
        yield from _outcomes(project, keys, result)

    return [dbt_build]


def _spec(model: Model, keys: Mapping[str, dg.AssetKey]) -> dg.AssetSpec:
    from_lake = [key_of(asset) for dataset in model.datasets for asset in assets_of(dataset)]
    columns = [dg.TableColumn(column.name, column.data_type or "?", column.description) for column in model.columns]
    return dg.AssetSpec(
        model_key(model),
        deps=[*(keys[parent] for parent in model.parents if parent in keys), *from_lake],
        description=model.description or None,
        group_name=model.layer,
        kinds={"dbt", "duckdb"},
        owners=OWNERS,
        metadata={"materialized as": model.materialized}
        | ({"dagster/column_schema": dg.TableSchema(columns)} if columns else {}),
        skippable=True,
    )


def _outcomes(project: Project, keys: Mapping[str, dg.AssetKey], result: BuildResult) -> Iterator[Outcome]:
    """What dbt did, model by model and test by test; a model that dbt skipped is said at the end."""
    nodes = {node.unique_id: node for node in result.nodes}
    not_built = []
    for model in project.models:
        node = nodes.get(model.unique_id)
        if node is not None and node.status == "success":
            yield dg.MaterializeResult(asset_key=keys[model.unique_id], metadata=_metadata(node, result))
        else:
            not_built.append(model.name if node else f"{model.name} (no longer in the project: reload the definitions)")
    for test in project.tests:
        yield _check(test, keys[test.model], nodes.get(test.unique_id))
    failed = [node.name for node in result.failed_tests]
    if not_built:
        raise dg.Failure(_explain(not_built, failed), allow_retries=False)


def _metadata(node: NodeResult, result: BuildResult) -> dict[str, Any]:
    found: dict[str, Any] = {
        "seconds": dg.MetadataValue.float(round(node.seconds, 3)),
        "build": "full refresh" if result.full_refresh else "what changed",
        "lake files loaded": result.files_loaded,
        "engagements touched": result.engagements_touched,
        "days touched": joined_days(result.days_touched),
    }
    if node.rows is not None:
        found["dagster/row_count"] = node.rows
    return found


def _check(test: Test, key: dg.AssetKey, node: NodeResult | None) -> dg.AssetCheckResult:
    """A test's outcome; one that dbt left out says nothing about the data, so it is a warning at most."""
    if node is None or node.status == "skipped":
        return dg.AssetCheckResult(
            check_name=test.name,
            asset_key=key,
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            description="dbt did not run this test.",
        )
    return dg.AssetCheckResult(
        check_name=test.name,
        asset_key=key,
        passed=node.status in {"pass", "success"},
        severity=dg.AssetCheckSeverity.ERROR if test.is_error else dg.AssetCheckSeverity.WARN,
        description=node.message or None,
        metadata={"seconds": round(node.seconds, 3), "dbt says": node.status},
    )


def _explain(not_built: Sequence[str], failed: Sequence[str]) -> str:
    because = f" because of failed tests: {', '.join(failed)}" if failed else ""
    return f"dbt did not build {', '.join(not_built)}{because}. The analysts' copy stays as it was."
