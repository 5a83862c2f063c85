"""Which failures of a build keep the analysts' copy as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zcc_pipeline.warehouse.build import NodeResult


def withheld_by(manifest: Mapping[str, Any], nodes: Sequence[NodeResult]) -> tuple[str, ...]:
    """Names of the marts, and models that they are made of, that dbt skipped, and of failed tests of any of these."""
    models, tests = _led_to_marts(manifest), withholding_tests(manifest)
    return tuple(
        node.name
        for node in nodes
        if (node.status == "skipped" and node.unique_id in models)
        or (node.status in {"fail", "error"} and node.unique_id in tests)
    )


def withholding_tests(manifest: Mapping[str, Any]) -> frozenset[str]:
    """Unique ids of the tests of severity error that look at marts or at models that marts are made of.

    A test of something that no mart is made of, such as what is in quarantine, fails and keeps nothing back.
    """
    published = _led_to_marts(manifest)
    return frozenset(
        unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "test"
        and node["config"]["severity"].lower() == "error"
        and not published.isdisjoint(manifest["parent_map"][unique_id])
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
