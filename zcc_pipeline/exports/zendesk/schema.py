"""The mapping against what the account has, and what ``--setup`` makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zcc_pipeline.exports.destination import MappingProblem, SetupStep
from zcc_pipeline.exports.mapping import FieldRule, Section, Target
from zcc_pipeline.exports.mapping.model import BOOLEANS, BY_CHANNEL, DATES, NUMBERS, SKIP
from zcc_pipeline.exports.zendesk.api import Json, ZendeskApi
from zcc_pipeline.exports.zendesk.options import TICKET, CustomObjectOptions, TicketOptions
from zcc_pipeline.exports.zendesk.records import NAME
from zcc_pipeline.exports.zendesk.rows import CUSTOM, NATIVE, TEXTS, TIMES, VOICE, VOICE_NAMES

KEY = "external_id"
ONE_LINE = 255
"""Texts that may be longer get a field of several lines."""

_SHORT = frozenset(
    {
        "engagement_id",
        "channel",
        "channel_source",
        "direction",
        "queue_id",
        "customer_phone",
        "account_number",
        "started_at",
        "ended_at",
        "changed_at",
        "completeness_status",
    }
)
_FITTING: dict[str, frozenset[str]] = {
    "integer": frozenset({"integer", "decimal"}),
    "decimal": frozenset({"decimal"}),
    "checkbox": frozenset({"checkbox"}),
    "date": frozenset({"date"}),
}
"""Types of Zendesk's fields that take a kind of value; text goes into what is not listed."""

_ONLY_THEIR_OWN = frozenset({"integer", "decimal", "checkbox", "date"})

Where = tuple[str | int, ...]


def used_targets(section: Section) -> dict[str, Target]:
    """Targets that a channel or a queue leads to."""
    named = {*section.channels.values(), *section.queues.values()} - {SKIP, BY_CHANNEL}
    return {name: target for name, target in section.targets.items() if name in named}


async def validate(
    api: ZendeskApi,
    section: Section,
    tickets: Mapping[str, TicketOptions],
    records: Mapping[str, CustomObjectOptions],
) -> list[MappingProblem]:
    """Everything that the account's own metadata contradicts."""
    problems: list[MappingProblem] = []
    used = used_targets(section)
    fields = await api.ticket_fields() if any(name in tickets for name in used) else []
    for name, target in used.items():
        where: Where = ("targets", name)
        if target.key != KEY:
            problems.append(MappingProblem((*where, "key"), f"must be {KEY}", "Zendesk keeps the engagement id there"))
        if name in tickets:
            problems += _ticket_problems(where, target, tickets[name], fields)
        else:
            problems += _limits_of_records(where, section)
            problems += await _record_problems(api, where, target, records[name])
    return problems + await _coexistence_problems(api, section)


async def _coexistence_problems(api: ZendeskApi, section: Section) -> list[MappingProblem]:
    """Other programs' records are tickets here."""
    lookup, problems = section.coexistence.lookup, []
    if lookup is None:
        return []
    known = NATIVE | {f"{CUSTOM}{field['id']}" for field in await api.ticket_fields()} | {KEY}
    if lookup.object != TICKET:
        problems.append(MappingProblem(("coexistence", "lookup", "object"), f"must be {TICKET}"))
    if lookup.field != KEY and (lookup.field not in known or not lookup.field.startswith(CUSTOM)):
        text = f"is neither {KEY} nor a custom field of tickets"
        problems.append(MappingProblem(("coexistence", "lookup", "field"), text, f"written {CUSTOM}<its id>"))
    problems += [
        MappingProblem(("coexistence", "enrich_fields", name), "is no field of tickets that can be added to")
        for name in section.coexistence.enrich_fields
        if name not in known or name in TIMES
    ]
    return problems


def _ticket_problems(
    where: Where, target: Target, options: TicketOptions, fields: Sequence[Json]
) -> list[MappingProblem]:
    custom = {f"{CUSTOM}{field['id']}": field for field in fields if field.get("removable", True)}
    known = NATIVE | TEXTS | custom.keys() | {f"{VOICE}{name}" for name in VOICE_NAMES}
    problems = []
    for name, rule in target.fields.items():
        at = (*where, "fields", name)
        if name not in known:
            problems.append(MappingProblem(at, "is no field of tickets", _near(name, custom)))
        elif name in custom:
            problems += _field_problems(at, rule, custom[name])
    if options.create == "voice":
        needed = {"via_id", f"{VOICE}customer_number", f"{VOICE}own_number"} - target.fields.keys()
        problems += [
            MappingProblem((*where, "fields"), f"{name} is missing; voice tickets need it") for name in sorted(needed)
        ]
    elif "comment" not in target.fields:
        problems.append(MappingProblem((*where, "fields"), "comment is missing; a ticket begins with one"))
    return problems


def _near(name: str, custom: Mapping[str, Json]) -> str:
    if not name.startswith(CUSTOM):
        return f"a custom field is written {CUSTOM}<its id>"
    titles = ", ".join(f"{key.removeprefix(CUSTOM)} ({field.get('title')})" for key, field in sorted(custom.items()))
    return f"custom fields of this account: {titles or 'none'}"


def _field_problems(at: Where, rule: FieldRule, field: Json) -> list[MappingProblem]:
    if field.get("active") is False:
        return [MappingProblem(at, "is switched off in Zendesk", "activate the field, or take it out of the mapping")]
    given, wanted = kind_of(rule), str(field.get("type") or "text")
    fits = wanted in _FITTING[given] if given in _FITTING else wanted not in _ONLY_THEIR_OWN
    if not fits:
        return [MappingProblem(at, f"is of type {wanted} in Zendesk and would get {given}", "see 'as' in the mapping")]
    return []


def _limits_of_records(where: Where, section: Section) -> list[MappingProblem]:
    problems = []
    if section.notes == "entries":
        problems.append(MappingProblem(("notes",), "records of custom objects have no comments", "notes: field"))
    problems += [
        MappingProblem((name,), f"{where[1]}: records get no files here", f"{name}: link")
        for name in ("recordings", "voicemails")
        if getattr(section, name) == "attach"
    ]
    if section.transcripts in ("attach", "both"):
        problems.append(
            MappingProblem(("transcripts",), f"{where[1]}: records get no files here", "transcripts: field")
        )
    return problems


async def _record_problems(
    api: ZendeskApi, where: Where, target: Target, options: CustomObjectOptions
) -> list[MappingProblem]:
    found = await api.custom_object(target.object)
    if found is None:
        text = f"there is no custom object {target.object!r}"
        return [MappingProblem((*where, "object"), text, "zcc export zendesk --setup makes it")]
    fields = {str(field.get("key")): field for field in await api.custom_object_fields(target.object)}
    problems = []
    if NAME not in target.fields:
        problems.append(MappingProblem((*where, "fields"), "name is missing; every record needs one"))
    for name, rule in target.fields.items():
        at = (*where, "fields", name)
        if name == NAME:
            continue
        if name not in fields:
            problems.append(MappingProblem(at, f"is no field of {target.object}", "zcc export zendesk --setup adds it"))
        else:
            problems += _field_problems(at, rule, fields[name])
    for option in ("customer_field", "owner_field"):
        name = getattr(options, option)
        if name and fields.get(name, {}).get("type") != "lookup":
            at = (*where, "options", option)
            problems.append(MappingProblem(at, f"{name!r} is no look-up field of {target.object}", "--setup adds it"))
    return problems


def kind_of(rule: FieldRule) -> str:
    """The type of Zendesk's field that takes what the rule makes."""
    if rule.type in ("integer", "minutes", "milliseconds", "epoch_ms"):
        return "integer"
    if rule.type in ("number", "boolean", "date"):
        return {"number": "decimal", "boolean": "checkbox", "date": "date"}[rule.type]
    if rule.type is None and rule.table is None and rule.source is not None:
        if rule.source in NUMBERS:
            return "decimal" if rule.source == "survey_score" else "integer"
        if rule.source in BOOLEANS | DATES:
            return "checkbox" if rule.source in BOOLEANS else "date"
    longest = rule.cut or rule.cut_at_sentence
    if (longest is not None and longest <= ONE_LINE) or rule.table is not None or rule.value is not None:
        return "text"
    return "text" if rule.source in _SHORT else "textarea"


async def set_up(api: ZendeskApi, section: Section, records: Mapping[str, CustomObjectOptions]) -> list[SetupStep]:
    """Make what is missing of the custom objects that are used; say what is left to an administrator."""
    steps: list[SetupStep] = []
    used = used_targets(section)
    for name, target in used.items():
        if name in records:
            steps += await _set_up_object(api, target, records[name])
    if any(target.object == TICKET for target in used.values()):
        steps.append(
            SetupStep(
                "closing of solved tickets",
                False,
                "Zendesk closes solved tickets after some days, and a closed ticket takes no more notes. Where notes "
                "come late: Admin Center, Objects and rules, Automations, 'Close ticket 4 days after status is set to "
                "solved': add the condition 'Tags contain none of the following: zoom_contact_center'.",
            )
        )
        steps.append(
            SetupStep(
                "triggers on updates",
                False,
                "Imports run no trigger, later updates do. Admin Center, Objects and rules, Triggers: in triggers that "
                "notify customers add 'Tags contain none of the following: zoom_contact_center'. All comments are "
                "private.",
            )
        )
    return steps


async def _set_up_object(api: ZendeskApi, target: Target, options: CustomObjectOptions) -> list[SetupStep]:
    steps = []
    if await api.custom_object(target.object) is None:
        await api.create_custom_object(
            {
                "key": target.object,
                "title": options.title,
                "title_pluralized": options.title_pluralized,
                "include_in_list_view": True,
            }
        )
        steps.append(SetupStep(f"custom object {target.object}", True, "made"))
    else:
        steps.append(SetupStep(f"custom object {target.object}", True, "is there"))
    there = {str(field.get("key")) for field in await api.custom_object_fields(target.object)}
    wanted = {name: {"type": kind_of(rule)} for name, rule in target.fields.items() if name != NAME}
    for lookup in filter(None, (options.customer_field, options.owner_field)):
        wanted[lookup] = {"type": "lookup", "relationship_target_type": "zen:user"}
    for key, body in wanted.items():
        if key not in there:
            title = key.replace("_", " ").capitalize()
            await api.create_custom_object_field(target.object, {"key": key, "title": title, **body})
            steps.append(SetupStep(f"field {key}", True, f"made, {body['type']}"))
    return steps
