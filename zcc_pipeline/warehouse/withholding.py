"""Which failures of a build keep the analysts' copy as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zcc_pipeline.warehouse.build import NodeResult


def withheld_by(manifest: Mapping[str, Any], nodes: Sequence[NodeResult]) -> tuple[str, ...]:
    """Names of the marts, and models that they are made of, that dbt skipped, and of failed tests of any of these.

    A test of something that no mart is made of, such as what is in quarantine, fails and keeps nothing back.
    """
    published = _led_to_marts(manifest)
    return tuple(
        node.name
        for node in nodes
        if (node.resource_type == "model" and node.status == "skipped" and node.unique_id in published)
        or (
            node.resource_type != "model"
            and node.status in {"fail", "error"}
            and not published.isdisjoint(manifest["parent_map"].get(node.unique_id, ()))
        )
    )


def _led_to_marts(manifest: Mapping[str, Any]) -> set[str]:
    ahead = [
        unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    ]
    found = set[str]()
    while ahead:
        unique_id = ahead.pop()
        if unique_id not in found:
            found.add(unique_id)
            ahead.extend(manifest["parent_map"].get(unique_id, ()))
    return found
