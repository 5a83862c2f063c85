"""The part of ``docs/marts.md`` that follows from the models; ``python -m zcc_pipeline_tests.marts_page`` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "marts.md"
BEGIN = "<!-- from here on written by: python -m zcc_pipeline_tests.marts_page -->\n"

Model = dict[str, Any]


def marts() -> Iterator[Model]:
    """Models as their YAML describes them, folder by folder in the order of the files."""
    for folder in ("core", "operations", "exports"):
        (described,) = (ROOT / "dbt_project" / "models" / "marts" / folder).glob(f"_{folder}.yml")
        yield from (model for model in yaml.safe_load(described.read_text())["models"] if "columns" in model)


GROUPED = {"schema_drift": ["dataset", "field"]}
"""One row per key because the model groups by it, so that no test of dbt's has to look."""


def key_of(model: Model) -> list[str]:
    """Columns of which the tests say that they are one row's."""
    for test in model.get("data_tests", ()):
        if isinstance(test, dict) and "one_row_per" in test:
            return list(test["one_row_per"]["arguments"]["columns"])
    if model["name"] in GROUPED:
        return GROUPED[model["name"]]
    return [column["name"] for column in model["columns"] if "unique" in column.get("data_tests", ())]


def generated() -> str:
    """A section each: what a row is, its key, its columns; bookkeeping is not in the analysts' copy."""
    parts = [BEGIN]
    for model in marts():
        key = ", ".join(f"`{name}`" for name in key_of(model))
        parts.append(f"\n## {model['name']}\n\n{model['description'].strip()} Key: {key}.\n\n")
        parts.append("| column | type | says |\n| --- | --- | --- |\n")
        for column in model["columns"]:
            if not column["name"].startswith("_"):
                said = " ".join(column["description"].split()).replace("|", "\\|")
                parts.append(f"| `{column['name']}` | {column['data_type']} | {said} |\n")
    return "".join(parts)


if __name__ == "__main__":
    by_hand = PAGE.read_text().partition(BEGIN)[0]
    PAGE.write_text(by_hand + generated())
