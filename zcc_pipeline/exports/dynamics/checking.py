"""The mapping against Dataverse's definitions, before anything is written."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from zcc_pipeline.exports.destination import MappingProblem
from zcc_pipeline.exports.dynamics.metadata import ACTIVE, Column, Table
from zcc_pipeline.exports.dynamics.rows import Plan
from zcc_pipeline.exports.mapping import FieldRule, Section
from zcc_pipeline.exports.mapping.model import BOOLEANS, DATES, NUMBERS, TIMES

Where = tuple[str | int, ...]

SETUP = "run `zcc export dynamics --setup`"
_LEAST_KEY = 64

_MADE = {
    "text": "text",
    "integer": "integer",
    "minutes": "integer",
    "milliseconds": "integer",
    "epoch_ms": "integer",
    "number": "number",
    "boolean": "boolean",
    "datetime": "moment",
    "date": "moment",
    "servicenow_datetime": "text",
}
_TAKES: Mapping[str, frozenset[str]] = {
    "String": frozenset({"text", "moment"}),
    "Memo": frozenset({"text", "moment"}),
    "Integer": frozenset({"integer"}),
    "BigInt": frozenset({"integer"}),
    "Decimal": frozenset({"integer", "number"}),
    "Double": frozenset({"integer", "number"}),
    "Money": frozenset({"integer", "number"}),
    "Boolean": frozenset({"boolean"}),
    "DateTime": frozenset({"moment"}),
    "Picklist": frozenset({"integer"}),
    "Uniqueidentifier": frozenset({"text"}),
}
_ASK_FOR = {"Integer": "integer", "Decimal": "number", "Boolean": "boolean", "DateTime": "datetime", "String": "text"}
_UNBOUNDED = frozenset(
    {"subject", "summary", "body_text", "body_html", "notes_text", "transcript_text", "dispositions"}
    | {"recording_links", "voicemail_links", "customer_name", "queue_name", "flow_name", "agent_name"}
)


def made_by(rule: FieldRule) -> str:
    """What a rule makes: text, integer, number, boolean, moment, or any."""
    if rule.type is not None:
        return _MADE[rule.type]
    if rule.table is not None:
        return _of_values([*rule.table.values(), rule.default])
    if rule.value is not None:
        return _of_values([rule.value])
    return _of_attribute(rule.source or "")


def find_problems(section: Section, plans: Mapping[str, Plan], tables: Mapping[str, Table]) -> Iterator[MappingProblem]:
    """Everything that is wrong, by its place in the file."""
    for name, plan in plans.items():
        table = tables.get(plan.logical)
        if table is None:
            yield MappingProblem(("targets", name, "object"), f"there is no table {plan.logical!r}", SETUP)
            continue
        yield from _wrong_names(plan, table, section)
        yield from _wrong_key(plan, table)
        for column, rule in section.targets[name].fields.items():
            yield from _wrong_field(("targets", name, "fields", column), column, rule, table)
    lookup = section.coexistence.lookup
    if lookup is not None:
        yield from _wrong_lookup(section, tables.get(lookup.object))


def _wrong_names(plan: Plan, table: Table, section: Section) -> Iterator[MappingProblem]:
    options: Where = ("targets", plan.name, "options")
    if plan.entity_set != table.entity_set:
        yield MappingProblem((*options, "entity_set"), f"the table's is {table.entity_set!r}")
    if plan.is_phone_call != table.is_activity:
        what = "an activity" if table.is_activity else "no activity"
        yield MappingProblem((*options, "kind"), f"{plan.logical} is {what}")
    link = plan.options.customer_link
    if link is not None and table.links.get(link, ("", ""))[1] != "contact":
        known = [name for name, (_, to) in table.links.items() if to == "contact"]
        text = f"there are {', '.join(known)}" if known else "the table has no look-up to contacts"
        yield MappingProblem((*options, "customer_link"), f"{link!r} leads to no contact; {text}", SETUP)
    attaches = section.notes == "entries" or "attach" in (section.recordings, section.voicemails)
    if (attaches or section.transcripts in ("attach", "both", "field_then_attach")) and not table.has_notes:
        text = "notes and files need a table with attachments (HasNotes)"
        yield MappingProblem(("targets", plan.name, "object"), text)


def _wrong_key(plan: Plan, table: Table) -> Iterator[MappingProblem]:
    where: Where = ("targets", plan.name, "key")
    column = table.columns.get(plan.key_field)
    if column is None:
        yield MappingProblem(where, f"{plan.logical} has no column {plan.key_field!r}", SETUP)
        return
    if column.kind != "String" or (column.max_length or 0) < _LEAST_KEY:
        yield MappingProblem(where, f"must be a text of at least {_LEAST_KEY} characters")
    if plan.options.identify_by == "key":
        status = table.keys.get((plan.key_field,))
        if status is None:
            yield MappingProblem(where, "is no alternate key", f"{SETUP}, or set identify_by: id")
        elif status != ACTIVE:
            text = f"the index of the alternate key is {status}"
            yield MappingProblem(where, text, "it is built in the background: wait, then try again")


def _wrong_field(where: Where, name: str, rule: FieldRule, table: Table) -> Iterator[MappingProblem]:
    column = table.columns.get(name)
    if column is None:
        near = difflib.get_close_matches(name, table.columns, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        yield MappingProblem(where, f"{table.logical} has no column {name!r}{hint}", SETUP)
    elif not column.is_writable:
        yield MappingProblem(where, "cannot be written by API")
    elif column.kind in ("Lookup", "Customer", "Owner"):
        text = "is a look-up; customers and owners are linked by the options customer_link and by owner"
        yield MappingProblem(where, text)
    elif made_by(rule) != "any" and made_by(rule) not in _TAKES.get(column.kind, frozenset({made_by(rule)})):
        remedy = f"as: {_ASK_FOR[column.kind]}" if column.kind in _ASK_FOR else ""
        yield MappingProblem(where, f"holds {column.kind}, and this makes {made_by(rule)}", remedy)
    else:
        yield from _too_long(where, rule, column)


def _too_long(where: Where, rule: FieldRule, column: Column) -> Iterator[MappingProblem]:
    limit = rule.cut or rule.cut_at_sentence
    longest = column.max_length
    if longest is None or column.kind not in ("String", "Memo"):
        return
    if limit is not None and limit > longest:
        yield MappingProblem(where, f"is cut at {limit}, and the column holds {longest}", f"cut: {longest}")
    elif limit is None and rule.table is None and _UNBOUNDED & set(rule.attributes):
        yield MappingProblem(where, f"can be longer than the column's {longest}", f"cut: {longest}")


def _wrong_lookup(section: Section, table: Table | None) -> Iterator[MappingProblem]:
    lookup = section.coexistence.lookup
    if lookup is None:
        return
    where: Where = ("coexistence", "lookup")
    if table is None:
        yield MappingProblem((*where, "object"), f"there is no table {lookup.object!r}")
    elif lookup.field not in table.columns:
        yield MappingProblem((*where, "field"), f"{lookup.object} has no column {lookup.field!r}")
    else:
        for name, rule in section.coexistence.enrich_fields.items():
            yield from _wrong_field(("coexistence", "enrich_fields", name), name, rule, table)


def _of_attribute(name: str) -> str:
    if name in TIMES | DATES:
        return "moment"
    if name in BOOLEANS:
        return "boolean"
    if name in NUMBERS:
        return "number" if name == "survey_score" else "integer"
    return "text"


def _of_values(values: list[str | int | float | bool | None]) -> str:
    kinds = {_of_value(value) for value in values if value is not None}
    return kinds.pop() if len(kinds) == 1 else "any"


def _of_value(value: str | float | bool) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "text"
    return "integer" if isinstance(value, int) else "number"
