"""What an org says of its objects and fields (``describe``), and whether the mapping agrees with it.

A field that the integration user may not see is not described at all: missing field and missing permission look alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from zcc_pipeline.exports.destination import MappingProblem
from zcc_pipeline.exports.mapping import FieldRule, Section, Target
from zcc_pipeline.exports.mapping.model import BOOLEANS, DATES, NUMBERS, TIMES
from zcc_pipeline.exports.salesforce.options import SalesforceOptions, TaskOptions
from zcc_pipeline.exports.salesforce.queries import is_name

BULK_TEXT = 32_000
"""Characters that Bulk takes in a field."""

_USUAL_LONG_TEXT = 32_768
"""What Setup proposes for a long text; only what was made for more is filled with transcripts."""

_TEXTS = frozenset(
    {"string", "textarea", "phone", "email", "url", "picklist", "combobox", "encryptedstring", "multipicklist", "id"}
)
_NUMBERS = frozenset({"double", "int", "currency", "percent", "long"})
_MISSING = "is not there, or the integration user may not see it"
_DEPLOY = "deploy deploy/salesforce and assign its permission set to the integration user"


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field, as far as it matters here."""

    name: str
    type: str
    length: int
    createable: bool
    updateable: bool
    nillable: bool
    defaulted: bool
    external_id: bool
    unique: bool
    case_sensitive: bool
    refers_to: tuple[str, ...]

    @property
    def is_text(self) -> bool:
        """Whether its values are text with a length."""
        return self.type in _TEXTS

    @property
    def is_long(self) -> bool:
        """Whether it was made to hold more than Bulk carries."""
        return self.length > _USUAL_LONG_TEXT


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One object."""

    name: str
    createable: bool
    updateable: bool
    fields: Mapping[str, FieldInfo] = field(repr=False)


def read_describe(found: Any) -> ObjectInfo:  # noqa: ANN401 - whatever came
    """From the answer of ``describe``; what is missing in it is taken as not allowed."""
    found = found if isinstance(found, dict) else {}
    fields = [_field(each) for each in found.get("fields") or () if isinstance(each, dict)]
    return ObjectInfo(
        name=str(found.get("name", "")),
        createable=found.get("createable") is True,
        updateable=found.get("updateable") is True,
        fields={each.name: each for each in fields},
    )


def _field(found: Mapping[str, Any]) -> FieldInfo:
    length = found.get("length")
    return FieldInfo(
        name=str(found.get("name", "")),
        type=str(found.get("type", "")).lower(),
        length=length if isinstance(length, int) else 0,
        createable=found.get("createable") is True,
        updateable=found.get("updateable") is True,
        nillable=found.get("nillable") is not False,
        defaulted=found.get("defaultedOnCreate") is True,
        external_id=found.get("externalId") is True,
        unique=found.get("unique") is True,
        case_sensitive=found.get("caseSensitive") is True,
        refers_to=tuple(str(each) for each in found.get("referenceTo") or ()),
    )


def check_target(
    name: str, target: Target, options: SalesforceOptions, section: Section, info: ObjectInfo | None
) -> Iterator[MappingProblem]:
    """What describe contradicts about one target. ``info`` is None where the org has no such object."""
    where: tuple[str | int, ...] = ("targets", name)
    if info is None:
        yield MappingProblem((*where, "object"), f"the object {target.object} {_MISSING}", _DEPLOY)
        return
    if not (info.createable and info.updateable):
        yield MappingProblem((*where, "object"), f"the integration user may not create and edit {info.name}", _DEPLOY)
    yield from check_key((*where, "key"), target.key, info)
    for field_name, rule in target.fields.items():
        yield from _check_field((*where, "fields", field_name), field_name, rule, info)
    filled = {target.key, *target.fields, options.contact_field, options.lead_field}
    yield from _check_required(where, info, filled)
    for option, linked in (("contact_field", "Contact"), ("lead_field", "Lead")):
        link = getattr(options, option)
        if link is not None:
            yield from _check_link((*where, "options", option), link, linked, info)
    if section.owner.source is not None and "OwnerId" not in info.fields:
        yield MappingProblem(
            ("owner",), f"records of {info.name} have no owner of their own", "set owner: {from: null}"
        )


def check_key(where: tuple[str | int, ...], key: str, info: ObjectInfo) -> Iterator[MappingProblem]:
    """Whether records can be upserted by a field, and whether two engagements could ever share a value of it."""
    found = info.fields.get(key)
    if found is None:
        yield MappingProblem(where, f"the field {key} of {info.name} {_MISSING}", _DEPLOY)
    elif not (found.external_id and found.unique):
        yield MappingProblem(
            where,
            f"{key} must be marked as External ID and as Unique",
            "Setup, Object Manager, Fields & Relationships: tick both; without them nothing can be upserted by it",
        )
    elif not found.case_sensitive:
        yield MappingProblem(
            where,
            f"{key} treats upper and lower case as the same",
            "engagement ids differ by case alone: choose Unique with 'treat ABC and abc as different values'",
        )
    elif found.length < 64:
        yield MappingProblem(where, f"{key} takes {found.length} characters, engagement ids may have 64")
    elif not found.createable:
        yield MappingProblem(where, f"the integration user may not fill {key}", _DEPLOY)


def check_task(
    where: tuple[str | int, ...], task: TaskOptions, target: Target, info: ObjectInfo | None
) -> Iterator[MappingProblem]:
    """Tasks can be upserted only where activities have a key; without one each run would make another task."""
    if info is None:
        yield MappingProblem(where, f"the object Task {_MISSING}")
        return
    found = info.fields.get(task.key)
    if found is None or not (found.external_id and found.unique):
        yield MappingProblem(
            (*where, "key"),
            f"tasks are not written: the activity field {task.key} is not an External ID that is Unique in this org",
            "add it in Setup, Object Manager, Activity, or set task: null; without a key every run would add tasks",
        )
    for name, source in task.copy_from.items():
        if source not in target.fields:
            yield MappingProblem((*where, "copy", name), f"{source} is not among the target's fields")
        if name not in info.fields or not info.fields[name].updateable:
            yield MappingProblem((*where, "copy", name), f"the field {name} of Task {_MISSING}, or is not open to it")
    for name in task.values:
        if name not in info.fields or not info.fields[name].updateable:
            yield MappingProblem((*where, "values", name), f"the field {name} of Task {_MISSING}, or is not open to it")


def check_names(section: Section) -> Iterator[MappingProblem]:
    """Names that cannot be Salesforce's; they would end up in addresses and queries."""
    for name, target in section.targets.items():
        for part in ("object", "key"):
            if not is_name(getattr(target, part)):
                yield MappingProblem(("targets", name, part), "is no name that Salesforce could have")
    lookup = section.coexistence.lookup
    if lookup is not None:
        for part in ("object", "field"):
            if not is_name(getattr(lookup, part)):
                yield MappingProblem(("coexistence", "lookup", part), "is no name that Salesforce could have")
    if section.notes == "entries":
        yield MappingProblem(
            ("notes",), "Salesforce records have no journal that notes could be appended to", "set notes: field"
        )


def check_coexistence(section: Section, info: ObjectInfo | None) -> Iterator[MappingProblem]:
    """The look-up of records of another program, and what is added to them."""
    lookup = section.coexistence.lookup
    if lookup is None:
        return
    where = ("coexistence", "lookup")
    if info is None:
        yield MappingProblem((*where, "object"), f"the object {lookup.object} {_MISSING}")
        return
    found = info.fields.get(lookup.field)
    if found is None:
        yield MappingProblem((*where, "field"), f"the field {lookup.field} of {info.name} {_MISSING}")
    elif found.type == "textarea":
        yield MappingProblem((*where, "field"), f"{lookup.field} is long text, which Salesforce does not look into")
    for name, rule in section.coexistence.enrich_fields.items():
        yield from _check_field(("coexistence", "enrich_fields", name), name, rule, info, is_new=False)


def _check_field(
    where: tuple[str | int, ...], name: str, rule: FieldRule, info: ObjectInfo, *, is_new: bool = True
) -> Iterator[MappingProblem]:
    found = info.fields.get(name)
    if found is None:
        yield MappingProblem(where, f"the field {name} of {info.name} {_MISSING}", _DEPLOY)
        return
    if not found.updateable or (is_new and not found.createable):
        yield MappingProblem(where, f"the integration user may not fill {name}", _DEPLOY)
    problem = _mismatch(rule, found)
    if problem:
        yield MappingProblem(where, f"{name} {problem[0]}", problem[1])


def _mismatch(rule: FieldRule, found: FieldInfo) -> tuple[str, str] | None:
    made = _kind(rule)
    if found.is_text:
        limit = rule.cut or rule.cut_at_sentence
        if limit is not None and found.length and limit > found.length:
            return f"takes {found.length} characters, the mapping allows {limit}", f"cut at {found.length} or less"
        if made in {"boolean", "number"}:
            return f"is text, the mapping makes a {made}", "add 'as: text'"
        return None
    wanted = {"boolean": "boolean", "datetime": "datetime", "date": "date"}.get(found.type)
    if found.type in _NUMBERS:
        wanted = "number"
    if wanted is None:
        return f"has the type {found.type}, which nothing is mapped to", "map another field"
    if made is not None and made != wanted:
        remedy = f"add 'as: {'number' if wanted == 'number' else wanted}' or map another field"
        return f"takes a {wanted}, the mapping makes a {made}", remedy
    return None


_MADE = {
    "text": "text", "integer": "number", "number": "number", "minutes": "number", "milliseconds": "number",
    "boolean": "boolean", "datetime": "datetime", "date": "date", "servicenow_datetime": "text", "epoch_ms": "number",
}  # fmt: skip


def _kind(rule: FieldRule) -> str | None:
    """What kind of JSON value a rule makes; None where that depends on a table of values."""
    if rule.type is not None:
        return _MADE[rule.type]
    if rule.table is not None:
        return None
    if rule.source is None:
        return {bool: "boolean", int: "number", float: "number"}.get(type(rule.value), "text")
    for names, kind in ((NUMBERS, "number"), (BOOLEANS, "boolean"), (TIMES, "datetime"), (DATES, "date")):
        if rule.source in names:
            return kind
    return "text"


def _check_required(
    where: tuple[str | int, ...], info: ObjectInfo, filled: set[str | None]
) -> Iterator[MappingProblem]:
    for each in info.fields.values():
        if each.createable and not each.nillable and not each.defaulted and each.name not in filled | {"OwnerId"}:
            text = f"{each.name} is required by the org and not mapped: every new record would be refused"
            yield MappingProblem((*where, "fields"), text, f"map {each.name}, or make it optional in Setup")


def _check_link(where: tuple[str | int, ...], name: str, wanted: str, info: ObjectInfo) -> Iterator[MappingProblem]:
    found = info.fields.get(name)
    if found is None:
        yield MappingProblem(where, f"the field {name} of {info.name} {_MISSING}", f"{_DEPLOY}, or set it to null")
    elif found.type != "reference" or wanted not in found.refers_to:
        yield MappingProblem(where, f"{name} is no look-up to {wanted}")
