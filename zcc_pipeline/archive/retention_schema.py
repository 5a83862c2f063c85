"""The JSON Schema of the retention file, for editors: ``python -m zcc_pipeline.archive.retention_schema`` prints it."""

from __future__ import annotations

import json
import sys
from typing import Any

from zcc_pipeline.archive.retention import RetentionFile

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def retention_schema() -> dict[str, Any]:
    """Generated from the models; added is what their checks say: names, one length a class, something to go by."""
    found = RetentionFile.model_json_schema(by_alias=True)
    found["properties"]["classes"]["additionalProperties"] = False
    parts = found["$defs"]
    parts["RetentionClass"]["oneOf"] = [_given("years", "integer"), _given("days", "integer")]
    parts["RetentionRule"]["anyOf"] = [
        {"required": [name], "properties": {name: {"minItems": 1}}} for name in ("queues", "channels", "dispositions")
    ]
    return {"$schema": _DIALECT, **found, "title": "zcc-pipeline: retention.yml"}


def rendered() -> str:
    """As it is published."""
    return json.dumps(retention_schema(), indent=2, ensure_ascii=False) + "\n"


def _given(name: str, kind: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"type": kind}}}


if __name__ == "__main__":
    sys.stdout.write(rendered())
