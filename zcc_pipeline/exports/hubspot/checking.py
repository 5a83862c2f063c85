"""The mapping against HubSpot's own property definitions, and what may be made where something is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from zcc_pipeline.exports.destination import MappingProblem, SetupStep
from zcc_pipeline.exports.hubspot.attachments import IDS_PROPERTY
from zcc_pipeline.exports.hubspot.client import HubSpotClient
from zcc_pipeline.exports.hubspot.metadata import REQUIRED, Property, constant_problem
from zcc_pipeline.exports.mapping import CrmMapping, FieldRule, Section, Target

GROUP = "zoom_contact_center"
GROUP_LABEL = "Zoom Contact Center"
OWN_PREFIX = "zcc_"
"""Properties of this name are this program's own: only they are ever made."""

_TYPES = {
    "integer": "number",
    "number": "number",
    "minutes": "number",
    "milliseconds": "number",
    "boolean": "bool",
    "datetime": "datetime",
    "epoch_ms": "datetime",
    "date": "date",
}
_BOOLEANS = frozenset({"is_answered", "is_abandoned", "is_deleted_at_source"})
_TIMES = frozenset({"started_at", "ended_at", "changed_at"})
_TAKEN_BY = {
    "number": {"number", "string"},
    "bool": {"bool", "string", "enumeration"},
    "datetime": {"datetime", "string"},
    "date": {"date", "string"},
    "string": {"string", "enumeration", "phone_number"},
}
_RECORDING = "hs_call_recording_url"
_SETUP = "run zcc export hubspot --setup, which makes it"

Where = tuple[str | int, ...]
Metadata = Mapping[str, Mapping[str, Property] | None]
"""Properties by object type; None where HubSpot knows no such type."""


class HubSpotOptions(BaseModel):
    """Options of a HubSpot target."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    numbers_follow_direction: bool = Field(
        False,
        description="hs_call_from_number and hs_call_to_number are mapped as for a received call, and exchanged where "
        "hs_call_direction is OUTBOUND.",
    )


def kind_of(rule: FieldRule) -> str:
    """The type of value that a rule makes: ``number``, ``bool``, ``datetime``, ``date`` or ``string``."""
    if rule.type is not None:
        return _TYPES.get(rule.type, "string")
    if rule.table is not None or rule.source is None:
        return "bool" if isinstance(rule.value, bool) else "string"
    if rule.source in _BOOLEANS:
        return "bool"
    if rule.source in _TIMES:
        return "datetime"
    return "number" if rule.source.endswith("_seconds") or rule.source == "survey_score" else "string"


def find_problems(mapping: CrmMapping, metadata: Metadata) -> Iterator[MappingProblem]:
    """Everything that HubSpot's definitions contradict."""
    section = mapping.section
    if section.notes == "entries":
        yield MappingProblem(
            ("notes",), "HubSpot's activities have no entries that are appended", "use notes: field, or none"
        )
    for name, target in section.targets.items():
        where: Where = ("targets", name)
        mapping.options(name, HubSpotOptions)
        known = metadata.get(target.object)
        if known is None:
            yield MappingProblem(
                (*where, "object"),
                f"HubSpot has no object type {target.object!r}",
                "calls, communications and notes are known",
            )
            continue
        yield from _target_problems(where, target, known)
        if _may_attach(section) and IDS_PROPERTY not in known:
            yield MappingProblem((*where, "object"), f"{target.object} cannot hold files ({IDS_PROPERTY} is missing)")
        if _plays_plain_http(section, target):
            yield MappingProblem(
                (*where, "fields", _RECORDING), "HubSpot plays recordings from https addresses only", "correct link_url"
            )
    yield from _lookup_problems(section, metadata)


def _target_problems(where: Where, target: Target, known: Mapping[str, Property]) -> Iterator[MappingProblem]:
    key = known.get(target.key)
    if key is None:
        remedy = _SETUP if target.key.startswith(OWN_PREFIX) else ""
        yield MappingProblem((*where, "key"), f"{target.object} has no property {target.key}", remedy)
    elif not key.is_unique:
        yield MappingProblem(
            (*where, "key"),
            f"{target.key} does not hold unique values, and HubSpot cannot change that afterwards",
            "name another property, or delete this one and run zcc export hubspot --setup",
        )
    missing = [name for name in REQUIRED.get(target.object, ()) if name not in target.fields]
    if missing:
        yield MappingProblem((*where, "fields"), f"HubSpot requires {', '.join(missing)}")
    to_be_made = [name for name in target.fields if name.startswith(OWN_PREFIX) and name not in known]
    if to_be_made:
        yield MappingProblem(
            (*where, "fields"),
            f"{target.object} has no properties {', '.join(to_be_made)}",
            "run zcc export hubspot --setup, which makes them",
        )
    for name, rule in target.fields.items():
        problem, remedy = _field_problem(name, rule, known) if name not in to_be_made else ("", "")
        if problem:
            yield MappingProblem((*where, "fields", name), problem, remedy)


def _field_problem(name: str, rule: FieldRule, known: Mapping[str, Property]) -> tuple[str, str]:
    found = known.get(name)
    if found is None:
        return "there is no such property", ""
    if found.is_read_only:
        return "HubSpot calculates it itself", ""
    constants = [value for value in (rule.value, rule.default, *(rule.table or {}).values()) if value is not None]
    for value in constants:
        problem = constant_problem(found, value)
        if problem:
            return problem, f"its options are {', '.join(sorted(found.options))}" if found.options else ""
    makes = kind_of(rule)
    if not constants and found.type not in _TAKEN_BY[makes]:
        return f"it takes {found.type}, the mapping makes {makes}", "add 'as' to the field"
    return "", ""


def _may_attach(section: Section) -> bool:
    return section.transcripts in ("attach", "both") or "attach" in (section.recordings, section.voicemails)


def _plays_plain_http(section: Section, target: Target) -> bool:
    rule = target.fields.get(_RECORDING)
    is_link = rule is not None and "recording_link" in rule.attributes
    return is_link and section.link_url is not None and not section.link_url.startswith("https://")


def _lookup_problems(section: Section, metadata: Metadata) -> Iterator[MappingProblem]:
    coexistence = section.coexistence
    lookup = coexistence.lookup
    if lookup is None:
        return
    where: Where = ("coexistence", "lookup")
    known = metadata.get(lookup.object)
    if known is None:
        yield MappingProblem((*where, "object"), f"HubSpot has no object type {lookup.object!r}")
        return
    if lookup.field not in known:
        yield MappingProblem((*where, "field"), f"{lookup.object} has no property {lookup.field}")
    for name, rule in coexistence.enrich_fields.items():
        problem, remedy = _field_problem(name, rule, known)
        if problem:
            yield MappingProblem(("coexistence", "enrich_fields", name), problem, remedy)


def definition(name: str, kind: str, *, is_key: bool) -> dict[str, Any]:
    """The property to be made."""
    words = name.removeprefix(OWN_PREFIX).replace("_", " ")
    made: dict[str, Any] = {
        "name": name,
        "label": f"Zoom {words}",
        "groupName": GROUP,
        "type": kind,
        "fieldType": {"number": "number", "bool": "booleancheckbox", "datetime": "date", "date": "date"}.get(
            kind, "text" if is_key else "textarea"
        ),
        "hasUniqueValue": is_key,
        "formField": False,
    }
    if kind == "bool":
        made["options"] = [
            {"label": label, "value": value, "displayOrder": place, "hidden": False}
            for place, (label, value) in enumerate([("Yes", "true"), ("No", "false")])
        ]
    return made


async def make_missing(client: HubSpotClient, target: Target, known: Mapping[str, Property]) -> list[SetupStep]:
    """Make the group, the unique key and every missing property of our own that a target fills."""
    steps = []
    wanted = {target.key: "string"} | {
        name: kind_of(rule) for name, rule in target.fields.items() if name != target.key
    }
    if GROUP not in await client.groups(target.object):
        await client.add_group(target.object, GROUP, GROUP_LABEL)
        steps.append(SetupStep(f"{target.object}: group {GROUP_LABEL}", True, "made"))
    for name, kind in wanted.items():
        what = f"{target.object}: property {name}"
        if name in known:
            if name == target.key and not known[name].is_unique:
                steps.append(SetupStep(what, False, _NOT_UNIQUE))
        elif name.startswith(OWN_PREFIX):
            await client.add_property(target.object, definition(name, kind, is_key=name == target.key))
            steps.append(SetupStep(what, True, "made, unique" if name == target.key else f"made, {kind}"))
        else:
            steps.append(SetupStep(what, False, _NOT_OURS))
    return steps or [SetupStep(f"{target.object}: properties", True, "all there")]


_NOT_UNIQUE = (
    "it is there without unique values, which cannot be changed: in Settings > Properties delete it (or name another "
    "key in the mapping), then run --setup again"
)
_NOT_OURS = (
    f"it is not there, and only properties that begin with {OWN_PREFIX} are made: create it in Settings > Properties, "
    "or take it out of the mapping"
)
