"""What dbt's manifest says about models and tests, as far as Dagster needs it.

``dagster-dbt`` is not used: it wants to run dbt itself, while here the warehouse runs it under its lock in a process of
its own; what would be left of it, specs from a manifest, is this module, and importing it costs 3 seconds less.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from zcc_pipeline.domain.datasets import DATASETS
from zcc_pipeline.warehouse import withholding_tests


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a model."""

    name: str
    data_type: str
    description: str


@dataclass(frozen=True, slots=True)
class Model:
    """One model; ``layer`` is its innermost folder that means something (staging, intermediate, core, operations)."""

    unique_id: str
    name: str
    layer: str
    is_mart: bool
    materialized: str
    description: str
    columns: tuple[Column, ...]
    parents: tuple[str, ...]
    """Unique ids of the models it selects from."""
    datasets: tuple[str, ...]
    """Lake datasets it loads."""


@dataclass(frozen=True, slots=True)
class Test:
    """One dbt test; ``model`` is the unique id of the model it is shown at."""

    unique_id: str
    name: str
    model: str
    description: str
    is_error: bool
    """Whether a failure is an error; otherwise it is a warning."""
    withholds: bool
    """Whether a failure keeps the analysts' copy as it was, and with it all that leaves."""


@dataclass(frozen=True, slots=True)
class Project:
    """All of it; a model comes after those it selects from."""

    models: tuple[Model, ...]
    tests: tuple[Test, ...]


def read_project(manifest_path: Path) -> Project:
    """Read a manifest that dbt has written. dbt's unit tests are left out: they test the SQL, not the data."""
    manifest = json.loads(manifest_path.read_text())
    nodes: Mapping[str, Mapping[str, Any]] = manifest["nodes"]
    models = {key: _model(node, nodes) for key, node in nodes.items() if _is_built(node)}
    test_nodes = [node for node in nodes.values() if node["resource_type"] == "test"]
    tests = _tests(test_nodes, models, withholding_tests(manifest))
    order = TopologicalSorter({key: model.parents for key, model in models.items()}).static_order()
    return Project(tuple(models[key] for key in order if key in models), tuple(tests))


def _is_built(node: Mapping[str, Any]) -> bool:
    """Whether it becomes a table or a view; ephemeral models are text inside others."""
    return bool(node["resource_type"] == "model" and node["config"]["materialized"] != "ephemeral")


def _parents(node: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Models that are selected from, looking through those that are not built themselves."""
    for parent in node["depends_on"]["nodes"]:
        if parent.startswith("model."):
            if _is_built(nodes[parent]):
                yield parent
            else:
                yield from _parents(nodes[parent], nodes)


def _model(node: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]]) -> Model:
    folders = node["fqn"][1:-1]
    layer = folders[1] if folders[0] == "marts" and len(folders) > 1 else folders[0]
    datasets = tuple(name for name in DATASETS if f"'{name}'" in node["raw_code"])
    return Model(
        unique_id=node["unique_id"],
        name=node["name"],
        layer=layer,
        is_mart=folders[0] == "marts",
        materialized=node["config"]["materialized"],
        description=node["description"] or _describe_model(node, datasets),
        columns=tuple(
            Column(column["name"], column.get("data_type") or "", column["description"])
            for column in node["columns"].values()
        ),
        parents=tuple(dict.fromkeys(_parents(node, nodes))),
        datasets=datasets,
    )


def _describe_model(node: Mapping[str, Any], datasets: Sequence[str]) -> str:
    """Where the project says nothing: what it is made of."""
    made_of = f"Records of {', '.join(f'`{name}`' for name in datasets)}, typed: " if datasets else ""
    return f"{made_of}`{node['original_file_path']}`"


def _tests(nodes: Sequence[Mapping[str, Any]], models: Mapping[str, Model], withholding: Set[str]) -> Iterator[Test]:
    """Tests under short names; dbt's own long name is kept where two would be called the same."""
    placed = [(node, target, _short_name(node)) for node in nodes if (target := _target(node, models))]
    times_used = Counter((target, short) for _, target, short in placed)
    for node, target, short in placed:
        is_unique = times_used[target, short] == 1
        yield Test(
            unique_id=node["unique_id"],
            name=short if is_unique else _plain_name(node["name"]),
            model=target,
            description=node["description"] or _describe(node),
            is_error=str(node["config"]["severity"]).lower() == "error",
            withholds=node["unique_id"] in withholding,
        )


def _target(node: Mapping[str, Any], models: Mapping[str, Model]) -> str | None:
    """The model a test is shown at: the one it is written at, else the mart it looks at, else any model."""
    if node.get("attached_node") in models:
        return str(node["attached_node"])
    looked_at = [parent for parent in node["depends_on"]["nodes"] if parent in models]
    looked_at.sort(key=lambda parent: not models[parent].is_mart)
    return looked_at[0] if looked_at else None


def _short_name(node: Mapping[str, Any]) -> str:
    generic = node.get("test_metadata")
    if not generic:
        return _plain_name(node["name"])
    return _plain_name("_".join(part for part in (generic["name"], node.get("column_name")) if part))


def _plain_name(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _describe(node: Mapping[str, Any]) -> str:
    generic = node.get("test_metadata")
    if not generic:
        return f"`{node['original_file_path']}` finds no row."
    column = node.get("column_name")
    return f"`{generic['name']}`" + (f" of column `{column}`" if column else "") + " finds no row."
