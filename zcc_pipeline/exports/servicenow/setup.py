"""What an administrator has to make on the instance, and whether it is there.

Nothing of it is created through the REST API: columns, indexes and transform maps belong into an update set, so that
they reach the other instances as well. ``deploy/servicenow/`` has a script that makes all of it at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from zcc_pipeline.exports.destination import SetupStep
from zcc_pipeline.exports.mapping import CrmMapping, Target
from zcc_pipeline.exports.servicenow.checking import linked_columns, shape_for
from zcc_pipeline.exports.servicenow.config import Options
from zcc_pipeline.exports.servicenow.metadata import JOURNALS, TEXTS, Metadata
from zcc_pipeline.exports.servicenow.values import Shape

SCRIPT = "deploy/servicenow/create_engagement_import.js"


def steps(mapping: CrmMapping, metadata: Metadata) -> Iterator[SetupStep]:
    """In the order in which they are done."""
    yield SetupStep(
        "OAuth client credentials",
        is_done=True,
        text="The pipeline is signed in.",
    )
    for name, target in mapping.section.targets.items():
        options = mapping.options(name, Options)
        shape = shape_for(target, options, metadata)
        yield from _columns(target, shape)
        yield _unique_index(target, shape)
        if options.write == "import_set":
            linked = [column for _, column in linked_columns(mapping, options, metadata)]
            yield from _staging(target, shape, linked)


def _columns(target: Target, shape: Shape) -> Iterator[SetupStep]:
    wanted = {target.key: "String, max length 64"}
    wanted |= {name: _kind(target, name) for name in target.fields if name.startswith("u_")}
    for name, kind in wanted.items():
        yield SetupStep(
            f"Column {target.object}.{name}",
            is_done=name in shape.table.columns,
            text=f"System Definition > Tables > {target.object} > Columns > New: column name {name}, type {kind}.",
        )


def _kind(target: Target, name: str) -> str:
    rule = target.fields[name]
    if rule.type == "servicenow_datetime":
        return "Date/Time"
    if rule.type in ("integer", "minutes", "milliseconds") or (rule.source or "").endswith("_seconds"):
        return "Integer"
    if rule.type == "boolean" or (rule.source or "").startswith("is_"):
        return "True/False"
    if (rule.source or "").endswith(("_link", "_links")):
        return "URL, max length 1024"
    return f"String, max length {rule.cut or rule.cut_at_sentence or 255}"


def _unique_index(target: Target, shape: Shape) -> SetupStep:
    column = shape.table.columns.get(target.key)
    return SetupStep(
        f"Unique index on {target.object}.{target.key}",
        is_done=column is not None and column.is_unique,
        text=f"System Definition > Tables > {target.object} > Database Indexes > New: field {target.key}, Unique index "
        "ticked, Create Index. (Empty values do not collide.)",
    )


def _staging(target: Target, shape: Shape, linked: list[str]) -> Iterator[SetupStep]:
    staging, transform = shape.options.staging, shape.transform
    names = list(dict.fromkeys((target.key, *target.fields, *linked)))
    missing = [name for name in names if shape.staging_column(name) not in shape.staging.columns]
    listed = ", ".join(f"{shape.staging_column(name)} ({_length(shape, name)})" for name in missing)
    yield SetupStep(
        f"Staging table {staging}",
        is_done=bool(shape.staging.columns) and not missing,
        text=f"System Definition > Tables > New: name {staging}, extends Import Set Row; string columns, with their "
        f"lengths: {listed or 'all are there'}.",
    )
    unmapped = [name for name in names if transform is None or name not in transform.sources]
    pairs = ", ".join(f"{shape.staging_column(name)} -> {name}" for name in unmapped)
    yield SetupStep(
        f"Transform map {staging} -> {target.object}",
        is_done=transform is not None and not unmapped and transform.copies_empty,
        text=f"System Import Sets > Transform Maps > New: source {staging}, target {target.object}, active, "
        "'Copy empty fields' ticked. Field maps: "
        f"{pairs or 'all are there'}. References ({', '.join(linked)}): Choice action ignore, Referenced value field "
        "name sys_id. Times: date format yyyy-MM-dd HH:mm:ss.",
    )
    yield SetupStep(
        f"Coalesce on {target.key}",
        is_done=transform is not None and transform.keys == {target.key},
        text=f"In that transform map, field map {shape.staging_column(target.key)} -> {target.key}: tick Coalesce, "
        f"there alone. {SCRIPT} makes columns, staging table and map at once.",
    )


def _length(shape: Shape, name: str) -> int:
    column = shape.table.columns.get(name)
    if column is None or column.type in JOURNALS or column.type not in TEXTS:
        return 40
    return max(column.max_length, 40)
