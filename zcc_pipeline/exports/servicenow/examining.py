"""``zcc doctor`` for ServiceNow: what would go wrong, before it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from zcc_pipeline.domain.errors import ConfigurationError, NotFound, TransientError
from zcc_pipeline.exports.destination import Check
from zcc_pipeline.exports.mapping import CrmMapping
from zcc_pipeline.exports.servicenow.checking import shape_for
from zcc_pipeline.exports.servicenow.client import Client, Item, table_path
from zcc_pipeline.exports.servicenow.config import Options
from zcc_pipeline.exports.servicenow.metadata import Metadata
from zcc_pipeline.exports.servicenow.values import Shape
from zcc_pipeline.exports.session import CrmRefused

_STEPS = "zcc export servicenow --setup prints the steps"
_EXTENSIONS = ("txt", "mp3", "mp4", "m4a", "vtt")


async def examine(client: Client, mapping: CrmMapping, known: Callable[[], Awaitable[Metadata]]) -> list[Check]:
    """Every check that can be made without writing."""
    try:
        metadata = await known()
    except (ConfigurationError, TransientError) as error:
        return [Check("servicenow", "problem", str(error))]
    checks = [Check("servicenow sign-in", "ok", "the instance lets the pipeline in")]
    if client.has_no_batches:
        text = "the Batch API is refused: every row, note and look-up is a call of its own"
        checks.append(Check("servicenow Batch API", "warning", text, "docs/crm/servicenow.md, Rights"))
    if not metadata.is_readable:
        text = "sys_dictionary cannot be read, so that the mapping cannot be checked"
        return [*checks, Check("servicenow metadata", "problem", text, "docs/crm/servicenow.md, Rights")]
    for name, target in mapping.section.targets.items():
        shape = shape_for(target, mapping.options(name, Options), metadata)
        checks += _table(shape)
        if shape.options.write == "import_set" and shape.options.rows == "insert_multiple":
            checks.append(await _insert_multiple(client, shape))
        if shape.table.columns and mapping.section.notes == "entries":
            checks.append(await _journal(client, shape))
    checks.append(await _extensions(client))
    return checks


def _table(shape: Shape) -> list[Check]:
    topic = f"servicenow {shape.object}"
    column = shape.table.columns.get(shape.key)
    if column is None:
        return [Check(topic, "problem", f"there is no column {shape.key}", _STEPS)]
    checks = []
    if column.is_unique:
        checks.append(Check(topic, "ok", f"{shape.key} has a unique index"))
    else:
        verdict = "problem" if shape.options.write == "table" else "warning"
        checks.append(Check(topic, verdict, f"{shape.key} has no unique index", _STEPS))
    if shape.options.write == "import_set":
        is_keyed = shape.transform is not None and shape.transform.keys == {shape.key}
        text = (
            f"{shape.options.staging} coalesces on {shape.key}" if is_keyed else "the transform map does not coalesce"
        )
        checks.append(Check(topic, "ok" if is_keyed else "problem", text, "" if is_keyed else _STEPS))
    return checks


async def _insert_multiple(client: Client, shape: Shape) -> Check:
    """Its columns are not documented, so that any that names the staging table will do."""
    topic, staging = "servicenow insertMultiple", shape.options.staging
    item = Item("GET", table_path("sys_rest_insert_multiple", sysparm_display_value="all", sysparm_limit=1_000))
    (found,) = await client.read_all([item], "read sys_rest_insert_multiple")
    said = {str(each.get("value")) for row in found.rows for each in row.values() if isinstance(each, dict)}
    said |= {str(each.get("display_value")) for row in found.rows for each in row.values() if isinstance(each, dict)}
    if staging in said:
        return Check(topic, "ok", f"there is a record for {staging}; its column mapping has to be 'Column name'")
    text = f"no sys_rest_insert_multiple record for {staging} is to be seen: rows would arrive without their values"
    return Check(topic, "problem", text, "docs/crm/servicenow.md, How it is written")


async def _journal(client: Client, shape: Shape) -> Check:
    """Needed only where a run broke off in the middle of a note."""
    topic, column = f"servicenow {shape.options.notes_column}", shape.options.notes_column
    try:
        rows = await client.rows(shape.object, "ORDERBYDESCsys_created_on", ("sys_id", column), limit=1, display=True)
    except (CrmRefused, NotFound):
        return Check(topic, "problem", f"{shape.object} cannot be read", "docs/crm/servicenow.md, Rights")
    if rows and column not in rows[0]:
        text = "cannot be read: after a broken run, notes of its last records would wait for ever"
        return Check(topic, "warning", text, "docs/crm/servicenow.md, Rights")
    return Check(topic, "ok", "can be read")


async def _extensions(client: Client) -> Check:
    topic = "servicenow attachments"
    try:
        rows = await client.rows("sys_properties", "name=glide.attachment.extensions", ("name", "value"), limit=2)
    except (CrmRefused, NotFound):
        rows = []
    values = [str(row.get("value")) for row in rows if row.get("name") == "glide.attachment.extensions"]
    if not values or not values[0].strip():
        return Check(topic, "ok", "no list of allowed file extensions is to be seen")
    allowed = {text.strip().lower().lstrip(".") for text in values[0].split(",")}
    missing = [extension for extension in _EXTENSIONS if extension not in allowed]
    if missing:
        text = f"glide.attachment.extensions does not let in: {', '.join(missing)}"
        return Check(topic, "warning", text, "add them, or link recordings instead of attaching them")
    return Check(topic, "ok", "the usual file extensions are let in")
