"""The table that an administrator is told to make is the one that --setup makes and the shipped mapping fills."""

from __future__ import annotations

import re
from pathlib import Path

from zcc_pipeline.exports.dynamics import definitions
from zcc_pipeline.exports.mapping import read_mapping

ROOT = Path(__file__).parents[4]


def test_every_column_of_the_shipped_mapping_is_described_with_type_and_length():
    text = (ROOT / "deploy" / "dynamics" / "README.md").read_text(encoding="utf-8")
    described = dict(re.findall(r"^\| `(zcc_\w+)` \| ([^|]+) \|", text, flags=re.MULTILINE))
    target = read_mapping("dynamics", None).section.targets["engagement"]
    wanted = {target.key: definitions.text_column(target.key, 100)}
    wanted |= {name: definitions.column_for(name, rule) for name, rule in target.fields.items()}
    made = {
        name: column["AttributeType"] + (f", {column['MaxLength']:,}" if "MaxLength" in column else "")
        for name, column in wanted.items()
    }
    described.pop("zcc_engagement", None)
    assert described == made


def test_titles_are_words():
    assert definitions.title("zcc_started_at") == "Started at"
    assert definitions.title("subject") == "Subject"


def test_a_text_that_is_too_long_for_a_string_becomes_a_memo():
    assert definitions.text_column("zcc_a", 4_000)["AttributeType"] == "String"
    assert definitions.text_column("zcc_a", 4_001)["AttributeType"] == "Memo"
    assert definitions.text_column("zcc_a", 5_000_000)["MaxLength"] == 1_048_576
