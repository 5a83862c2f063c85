"""The JSON Schema of the mapping file, for editors: ``python -m zcc_pipeline.exports.mapping.schema`` prints it."""

from __future__ import annotations

import json
import sys
from typing import Any

from zcc_pipeline.exports.mapping.model import MappingFile

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def mapping_schema() -> dict[str, Any]:
    """Generated from the model, so that both say the same."""
    found = MappingFile.model_json_schema(by_alias=True)
    return {"$schema": _DIALECT, **found, "title": "zcc-pipeline: crm_mapping.yml"}


def rendered() -> str:
    """As it is published."""
    return json.dumps(mapping_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(rendered())
