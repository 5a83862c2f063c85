"""The mapping against what the instance says of itself. The platform refuses little: it drops columns that it does not
know, cuts short text, empties times that it cannot read and adds to journals, all without a word. So all of that is
found here, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator

from zcc_pipeline.exports.destination import MappingProblem
from zcc_pipeline.exports.mapping import CrmMapping, FieldRule, Target
from zcc_pipeline.exports.mapping.model import NUMBERS
from zcc_pipeline.exports.servicenow.config import NAME, Options
from zcc_pipeline.exports.servicenow.metadata import CUT_IN_SILENCE, JOURNALS, TEXTS, Column, Metadata, TableFacts
from zcc_pipeline.exports.servicenow.values import Shape

_SHORTEST_KEY = 32
_DOCS = "docs/crm/servicenow.md"
_WHOLE = frozenset({"integer", "minutes", "milliseconds", "epoch_ms"})


def shape_for(target: Target, options: Options, metadata: Metadata) -> Shape:
    """How records of a target are written."""
    return Shape(
        target.object,
        target.key,
        options,
        metadata.table(target.object),
        metadata.table(options.staging),
        metadata.transforms.get((options.staging, target.object)),
    )


def problems(mapping: CrmMapping, metadata: Metadata) -> Iterator[MappingProblem]:
    """Everything that would go wrong, with its place in the file."""
    if not metadata.is_readable:
        yield MappingProblem(
            (NAME,),
            "the columns of the instance cannot be read (sys_dictionary), so nothing can be checked",
            f"give the integration user read access, see {_DOCS}",
        )
        return
    for name, target in mapping.section.targets.items():
        options = mapping.options(name, Options)
        shape = shape_for(target, options, metadata)
        at = (NAME, "targets", name)
        if not shape.table.columns:
            yield MappingProblem((*at, "object"), f"there is no table {target.object} that may be seen")
            continue
        yield from _key(at, target, options, shape.table)
        wrong = {
            field: found
            for field, rule in target.fields.items()
            if (found := list(_field((*at, "fields", field), rule, shape.table.columns.get(field), target.object)))
        }
        for found in wrong.values():
            yield from found
        linked = linked_columns(mapping, options, metadata)
        yield from _links(at, mapping, options, shape.table, linked)
        if mapping.section.customer.on_none == "create" and not metadata.table(options.create_in).columns:
            yield MappingProblem((*at, "options", "create_in"), f"there is no table {options.create_in} to create in")
        if options.write == "import_set":
            fields = [field for field in target.fields if field not in wrong]
            yield from _import(at, target, shape, [target.key, *fields, *(column for _, column in linked)])
    yield from _coexistence(mapping, metadata)


def _key(at: tuple[str, ...], target: Target, options: Options, table: TableFacts) -> Iterator[MappingProblem]:
    column = table.columns.get(target.key)
    if column is None:
        yield MappingProblem(
            (*at, "key"), f"{target.object} has no column {target.key}", "see zcc export servicenow --setup"
        )
        return
    if column.max_length < _SHORTEST_KEY:
        yield MappingProblem((*at, "key"), f"{target.key} takes {column.max_length} characters, 64 are wanted")
    if options.write == "table" and not column.is_unique:
        yield MappingProblem(
            (*at, "key"),
            f"{target.key} has no unique index, and without an import set nothing else keeps an engagement from being "
            "there twice",
            "see zcc export servicenow --setup",
        )


def _field(where: tuple[str, ...], rule: FieldRule, column: Column | None, table: str) -> Iterator[MappingProblem]:
    name = where[-1]
    if column is None:
        yield MappingProblem(where, f"{table} has no column {name}; the platform would drop it without a word")
    elif column.is_read_only or name.startswith("sys_"):
        yield MappingProblem(where, f"{name} is read-only")
    elif column.type in JOURNALS:
        yield MappingProblem(
            where, f"{name} is a journal: every update would add an entry", "use 'notes: entries' and notes_column"
        )
    elif column.type == "glide_date_time" and rule.type != "servicenow_datetime":
        yield MappingProblem(where, f"{name} is a date and time", "add 'as: servicenow_datetime'")
    elif column.type in ("integer", "longint") and not _is_whole(rule):
        yield MappingProblem(where, f"{name} is a whole number; the platform would empty it", "add 'as: integer'")


def linked_columns(mapping: CrmMapping, options: Options, metadata: Metadata) -> list[tuple[str, str]]:
    """References that are filled, with the option that names them. Customers' tables that an instance does not have
    (those of Customer Service Management) are passed over."""
    found = [
        ("customer_columns", column)
        for table, column in options.customer_columns.items()
        if metadata.table(table).columns
    ]
    if options.owner_column and (mapping.section.owner.source or mapping.section.owner.fallback):
        found.append(("owner_column", options.owner_column))
    return found


def _is_whole(rule: FieldRule) -> bool:
    return rule.type in _WHOLE or rule.source is None or (rule.type is None and rule.source in NUMBERS)


def _links(
    at: tuple[str, ...], mapping: CrmMapping, options: Options, table: TableFacts, linked: list[tuple[str, str]]
) -> Iterator[MappingProblem]:
    for option, name in linked:
        column = table.columns.get(name)
        if column is None:
            yield MappingProblem((*at, "options", option), f"{table.name} has no column {name}")
        elif column.type != "reference":
            yield MappingProblem((*at, "options", option), f"{name} is no reference")
    if mapping.section.notes == "entries":
        column = table.columns.get(options.notes_column)
        if column is None or column.type not in JOURNALS:
            yield MappingProblem(
                (*at, "options", "notes_column"), f"{table.name} has no journal {options.notes_column} for notes"
            )


def _import(at: tuple[str, ...], target: Target, shape: Shape, columns: list[str]) -> Iterator[MappingProblem]:
    where = (*at, "options", "staging")
    staging, transform = shape.options.staging, shape.transform
    remedy = "see zcc export servicenow --setup"
    if not shape.staging.columns:
        yield MappingProblem(where, f"there is no staging table {staging} that may be seen", remedy)
        return
    if transform is None:
        yield MappingProblem(where, f"no active transform map leads from {staging} to {target.object}", remedy)
        return
    if transform.keys != {target.key}:
        found = ", ".join(sorted(transform.keys)) or "nothing"
        yield MappingProblem(
            where, f"the transform map coalesces on {found}; it has to be {target.key} alone", "set Coalesce there"
        )
    if not transform.copies_empty and any(rule.when_empty == "clear" for rule in target.fields.values()):
        yield MappingProblem(
            where, "the transform map does not copy empty fields, so that nothing could ever be emptied",
            "tick 'Copy empty fields', or give fields 'when_empty: omit'",
        )  # fmt: skip
    for name in dict.fromkeys(columns):
        yield from _staged((*at, "fields", name) if name in target.fields else where, name, shape)


def _staged(where: tuple[str, ...], name: str, shape: Shape) -> Iterator[MappingProblem]:
    target, transform = shape.table.columns.get(name), shape.transform
    if target is None or transform is None:
        return
    source = transform.sources.get(name)
    column = shape.staging.columns.get(source) if source else None
    if source is None or column is None:
        yield MappingProblem(
            where, f"the transform map fills {name} from nothing", f"map {shape.staging_column(name)} to it"
        )
    elif target.type in TEXTS and column.max_length <= CUT_IN_SILENCE and column.max_length < target.max_length:
        yield MappingProblem(
            where,
            f"the staging column {source} takes {column.max_length} characters and cuts the rest without a word; "
            f"{name} takes {target.max_length}",
            "make it as long",
        )
    elif target.reference and name in transform.makes_references:
        yield MappingProblem(
            where,
            f"an unknown value for {name} would make a new record of {target.reference}",
            "set 'Choice action' to ignore and 'Referenced value field name' to sys_id in its field map",
        )


def _coexistence(mapping: CrmMapping, metadata: Metadata) -> Iterator[MappingProblem]:
    lookup = mapping.section.coexistence.lookup
    if lookup is None:
        return
    at = (NAME, "coexistence")
    table = metadata.table(lookup.object)
    if not table.columns:
        yield MappingProblem((*at, "lookup", "object"), f"there is no table {lookup.object} that may be seen")
        return
    if lookup.field not in table.columns:
        yield MappingProblem((*at, "lookup", "field"), f"{lookup.object} has no column {lookup.field}")
    for field, rule in mapping.section.coexistence.enrich_fields.items():
        yield from _field((*at, "enrich_fields", field), rule, table.columns.get(field), lookup.object)
