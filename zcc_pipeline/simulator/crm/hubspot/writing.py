"""Batch create, update and upsert, with HubSpot's ways of refusing.

A value that does not fit, an unknown property, a name that is there twice refuse the whole batch (400). What only one
record lacks (a validation rule of the account, a refusal that a test asked for) gives 207 on versions that have it, and
refuses the whole batch on others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from zcc_pipeline.simulator.crm.base import Answer, json_answer
from zcc_pipeline.simulator.crm.hubspot.properties import Schema, instant
from zcc_pipeline.simulator.crm.hubspot.records import Record, Records
from zcc_pipeline.simulator.crm.hubspot.refusals import PORTAL_ID, invalid, malformed, refuse, row_error

MOST_INPUTS = 100

Verb = Literal["create", "update", "upsert"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A validation rule that an administrator made: where ``when`` holds, ``needs`` must be there."""

    object_type: str
    needs: str
    when: Mapping[str, str]

    def is_broken(self, object_type: str, properties: Mapping[str, str]) -> bool:
        """Whether a record as it would stand breaks it."""
        holds = object_type == self.object_type and all(
            properties.get(name) == value for name, value in self.when.items()
        )
        return holds and not properties.get(self.needs)


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a batch."""

    id: str
    id_property: str
    properties: Mapping[str, str]
    trace_id: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch call is held against."""

    records: Records
    verb: Verb
    says_partial: bool
    """Whether this version answers with 207."""
    rules: Sequence[Rule]
    refuses: Callable[[str, str], bool]
    """By key and content: what a test wants refused."""
    now: Callable[[], datetime]

    def answer(self, content: Any) -> Answer:  # noqa: ANN401 JSON
        """Carry it out, or refuse it whole."""
        started = self.now()
        inputs = _read_inputs(content, self.verb)
        _no_twice(inputs)
        for each in inputs:
            self._check(each)
        refused = {number: error for number, each in enumerate(inputs) if (error := self._row_problem(each))}
        if refused and not self.says_partial:
            first = next(iter(refused.values()))
            raise refuse(400, first["category"], first["message"], errors=[{"message": first["message"]}])
        results = [self._write(each) for number, each in enumerate(inputs) if number not in refused]
        status = 207 if refused else (201 if self.verb == "create" else 200)
        return json_answer(self._body(results, list(refused.values()), started), status=status)

    def _body(self, results: list[dict[str, Any]], errors: list[dict[str, Any]], started: datetime) -> dict[str, Any]:
        # Reversed: nothing promises that results come in the order of the inputs.
        body: dict[str, Any] = {"status": "COMPLETE", "results": results[::-1]}
        if errors:
            body |= {"numErrors": len(errors), "errors": errors}
        return body | {"startedAt": instant(started), "completedAt": instant(self.now())}

    def _check(self, one: Input) -> None:
        schema = self.records.schema
        if one.id_property and schema.unique(one.id_property) is None:
            raise invalid(
                f"Unable to perform update/upsert by non-unique {schema.object_type} property {one.id_property} "
                f"in portal ID {PORTAL_ID}"
            )
        problems = _value_problems(schema, one.properties)
        if problems:
            shown = ", ".join(f"{each['name']}: {each['error']}" for each in problems)
            errors = [
                {"message": each["message"], "code": each["error"], "context": {"propertyName": [each["name"]]}}
                for each in problems
            ]
            raise invalid(f"Property values were not valid: [{shown}]", errors=errors)
        before = self._before(one)
        if before is None:
            missing = [name for name in schema.required if not one.properties.get(name)]
            if missing and self.verb != "update":
                raise invalid(
                    f"Error creating {schema.object_type.upper()}. Some required properties were not set.",
                    errors=[{"message": "missing", "code": "REQUIRED", "context": {"properties": missing}}],
                )
        collision = self.records.taken(one.properties, but=before)
        if collision is not None:
            name, owner = collision
            raise refuse(409, "CONFLICT", f"Cannot set {name}: another record has it. Existing ID: {owner.id}")

    def _before(self, one: Input) -> Record | None:
        return self.records.find(one.id, one.id_property) if self.verb != "create" else None

    def _row_problem(self, one: Input) -> dict[str, Any] | None:
        before = self._before(one)
        if self.verb == "update" and before is None:
            return row_error("OBJECT_NOT_FOUND", "Could not get some objects, they may be deleted.", ids=[one.id])
        after = {**(before.properties if before else {}), **one.properties}
        context: dict[str, list[str]] = {"ids": [one.id]} if self.verb != "create" else {}
        if one.trace_id:
            context["objectWriteTraceId"] = [one.trace_id]
        for rule in self.rules:
            if rule.is_broken(self.records.schema.object_type, after):
                return row_error("VALIDATION_ERROR", f"Property {rule.needs} is required by a rule", **context)
        if self.refuses(one.id, " ".join(one.properties.values())):
            return row_error("VALIDATION_ERROR", "This record is refused by a rule of the account", **context)
        return None

    def _write(self, one: Input) -> dict[str, Any]:
        before = self._before(one)
        properties = dict(one.properties)
        if one.id_property:
            properties.setdefault(one.id_property, one.id)
        if before is None:
            record = self.records.create(properties)
        else:
            record = before
            self.records.write(record, properties)
        result = record.as_json()
        if one.trace_id:
            result["objectWriteTraceId"] = one.trace_id
        return result | ({"new": before is None} if self.verb == "upsert" else {})


def _read_inputs(content: Any, verb: Verb) -> list[Input]:  # noqa: ANN401 JSON
    inputs = content.get("inputs") if isinstance(content, dict) else None
    if not isinstance(inputs, list) or not inputs:
        raise malformed("Some required fields were not set: [inputs]")
    if len(inputs) > MOST_INPUTS:
        raise invalid(f"The maximum number of inputs supported in a batch request is {MOST_INPUTS}, got {len(inputs)}")
    return [_read_input(each, verb) for each in inputs]


def _read_input(one: Any, verb: Verb) -> Input:  # noqa: ANN401 JSON
    properties = one.get("properties") if isinstance(one, dict) else None
    if not isinstance(properties, dict):
        raise malformed("Some required fields were not set: [properties]")
    for value in properties.values():
        if not isinstance(value, str):
            raise malformed(f"Cannot deserialize value of type `java.lang.String` from {type(value).__name__}")
    id_, id_property, trace_id = one.get("id", ""), one.get("idProperty", ""), one.get("objectWriteTraceId", "")
    if not all(isinstance(each, str) for each in (id_, id_property, trace_id)) or (verb != "create" and not id_):
        raise malformed("Some required fields were not set: [id]")
    if verb == "upsert" and not id_property:
        raise invalid("An upsert needs the name of a unique property: [idProperty]")
    if id_property and properties.get(id_property, id_) != id_:
        raise invalid(f"The value of {id_property} differs from the id of its input")
    return Input(id_, id_property, properties, trace_id)


def _no_twice(inputs: Sequence[Input]) -> None:
    seen: set[tuple[str, str]] = set()
    for each in inputs:
        if each.id and (each.id_property, each.id) in seen:
            raise invalid(f"Duplicate IDs found in batch input: [{each.id}]. IDs must be unique")
        seen.add((each.id_property, each.id))


def _value_problems(schema: Schema, properties: Mapping[str, str]) -> list[dict[str, str]]:
    problems = []
    for name, value in properties.items():
        known = schema.properties.get(name)
        error = "PROPERTY_DOESNT_EXIST" if known is None else known.problem(value)
        if error == "PROPERTY_DOESNT_EXIST":
            problems.append({"name": name, "error": error, "message": f'Property "{name}" does not exist'})
        elif error is not None:
            problems.append({"name": name, "error": error, "message": f"{value[:60]} is not valid for {name}"})
    return problems
