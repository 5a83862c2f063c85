"""The mapping's pages know every key that there is."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
import yaml

from zcc_pipeline.exports.mapping import parse_mapping
from zcc_pipeline.exports.mapping.model import (
    As,
    Attribute,
    Coexistence,
    CustomerRule,
    FieldRule,
    LogLookup,
    OwnerRule,
    Section,
    Target,
)

DOCS = Path(__file__).parents[4] / "docs" / "crm"
SAID = (DOCS / "mapping.md").read_text(encoding="utf-8") + (DOCS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("model", [Section, Target, FieldRule, CustomerRule, OwnerRule, Coexistence, LogLookup])
def test_every_key_of_the_mapping_file_is_documented(model: type) -> None:
    names = {field.alias or name for name, field in model.model_fields.items()}  # type: ignore[attr-defined]

    assert {name for name in names if f"`{name}" not in SAID and f"{name}:" not in SAID} == set()


@pytest.mark.parametrize("names", [get_args(Attribute), get_args(As)], ids=["attributes", "conversions"])
def test_every_attribute_and_conversion_is_documented(names: tuple[str, ...]) -> None:
    assert [name for name in names if f"`{name}`" not in SAID] == []


def test_the_example_is_a_mapping_that_is_taken() -> None:
    text = SAID.partition("```yaml\n")[2].partition("```")[0]

    assert yaml.safe_load(text)["version"] == 1
    assert parse_mapping("zendesk", text, "mapping.md") is not None
