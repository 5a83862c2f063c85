"""Holds requests and answers to the published definition of Zoom Contact Center.

Two documents: our own condensed one of June 2026 (strict: a field or query name it does not list is a problem) and,
where a copy lies beside the checkout, Zoom's own of September 2025 (types, enums and required names; what 2026 added
is tolerated).

    problems = check_exchange("/v2/contact_center/engagements", [("from", "2026-11-01")], 200, body)
    assert problems == []
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

Json = dict[str, Any]
QueryPairs = Sequence[tuple[str, str]]

OWN_DEFINITION = Path(__file__).parent / "payloads" / "contact-center-2026-reads.openapi.json"
ZOOM_DEFINITION = Path(__file__).parents[2] / "shared" / "zoom" / "contact-center.openapi.json"

#: Zoom's document gives this, meant for people, as the regular expression of two times in the engagement log.
_PATTERN_SLIP = "YYYY-MM-DDTHH:MM:SSZ"
#: Any operation may answer these, declared or not; bodies are checked as errors all the same.
_ALWAYS_POSSIBLE = {400, 401, 429, 500, 502, 503}


@dataclass(frozen=True)
class Operation:
    """One GET operation of a document."""

    template: str
    pattern: re.Pattern[str]
    content: Json

    @property
    def query_parameters(self) -> dict[str, Json]:
        return {each["name"]: each for each in self.content["parameters"] if each["in"] == "query"}


class Definition:
    """One OpenAPI document, asked about single requests and answers."""

    def __init__(self, document: Json, *, name: str, strict: bool) -> None:
        self.name, self._strict = name, strict
        self._components = document.get("components", {})
        self._error_schema = self._components.get("schemas", {}).get("Error")
        operations = [
            Operation(template, _as_pattern(template), item["get"] | {"parameters": item["get"].get("parameters", [])})
            for template, item in document["paths"].items()
            if "get" in item
        ]
        # A literal path wins over one with a placeholder: .../engagements/notes is not the engagement "notes".
        self._operations = sorted(operations, key=lambda each: each.template.count("{"))
        self._validators: dict[int, Draft202012Validator] = {}

    def find(self, path: str) -> Operation | None:
        """The operation of a path, with or without ``/v2`` in front."""
        bare = path.removeprefix("/v2")
        return next((each for each in self._operations if each.pattern.fullmatch(bare)), None)

    def check_request(self, path: str, query: QueryPairs) -> list[str]:
        """What is wrong with a request; nothing where this document does not know the operation and is not strict."""
        operation = self.find(path)
        if operation is None:
            return [f"{self.name}: no operation GET {path}"] if self._strict else []
        known = operation.query_parameters
        problems = [
            f"{self.name}: {operation.template} needs the query name {name!r}"
            for name, parameter in known.items()
            if parameter.get("required") and name not in {given.removesuffix("[]") for given, _ in query}
        ]
        for given, value in query:
            parameter = known.get(given.removesuffix("[]"))
            if parameter is None:
                if self._strict:
                    problems.append(f"{self.name}: {operation.template} has no query name {given!r}")
                continue
            problems += [
                f"{self.name}: {operation.template} {given}: {problem}"
                for problem in _value_problems(parameter["schema"], value)
            ]
        return problems

    def check_answer(self, path: str, status: int, body: bytes) -> list[str]:
        """What is wrong with an answer."""
        operation = self.find(path)
        if operation is None:
            return [f"{self.name}: no operation GET {path}"] if self._strict else []
        declared = operation.content["responses"].get(str(status))
        if declared is None and status not in _ALWAYS_POSSIBLE:
            return [f"{self.name}: {operation.template} never answers {status}"] if self._strict else []
        try:
            content = json.loads(body)
        except ValueError:
            return [f"{self.name}: {operation.template} {status}: the body is not JSON"]
        schema = _json_schema(declared) if status == 200 else self._error_schema
        if schema is None:
            return []
        errors = self._validator(schema).iter_errors(content)
        problems = [_describe(error) for error in errors if self._strict or not _is_tolerated(error)]
        if self._strict:
            problems += _unlisted(self._resolve(schema), content, "")
        return [f"{self.name}: {operation.template} {status}: {problem}" for problem in problems]

    def _validator(self, schema: Json) -> Draft202012Validator:
        if id(schema) not in self._validators:
            self._validators[id(schema)] = Draft202012Validator(schema | {"components": self._components})
        return self._validators[id(schema)]

    def _resolve(self, schema: Json) -> Json:
        reference = schema.get("$ref")
        return self._components["schemas"][reference.rpartition("/")[2]] if reference else schema


@cache
def own_definition() -> Definition:
    """Our condensed definition of June 2026."""
    return Definition(json.loads(OWN_DEFINITION.read_bytes()), name="2026", strict=True)


@cache
def zoom_definition() -> Definition | None:
    """Zoom's own definition of September 2025; ``None`` where no copy lies beside the checkout."""
    if not ZOOM_DEFINITION.exists():
        return None
    return Definition(json.loads(ZOOM_DEFINITION.read_bytes()), name="Zoom 2025", strict=False)


def is_operation(path: str) -> bool:
    """Whether a path is one the definition speaks of (downloads and the token endpoint are not)."""
    return own_definition().find(path) is not None


def check_request(path: str, query: QueryPairs) -> list[str]:
    """Everything wrong with a request, by both documents; empty where it conforms."""
    return [problem for each in _definitions() for problem in each.check_request(path, query)]


def check_answer(path: str, status: int, body: bytes) -> list[str]:
    """Everything wrong with an answer, by both documents; empty where it conforms."""
    return [problem for each in _definitions() for problem in each.check_answer(path, status, body)]


def check_exchange(path: str, query: QueryPairs, status: int, body: bytes) -> list[str]:
    """Request and answer at once."""
    return check_request(path, query) + check_answer(path, status, body)


def _definitions() -> Iterator[Definition]:
    yield own_definition()
    zoom = zoom_definition()
    if zoom is not None:
        yield zoom


def _as_pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{[^/]+?\\\}", r"[^/]+", re.escape(template)))


def _json_schema(declared: Json | None) -> Json | None:
    for media_type, content in (declared or {}).get("content", {}).items():
        if media_type.startswith("application/json"):
            schema: Json | None = content.get("schema")
            return schema
    return None


def _value_problems(schema: Json, value: str) -> list[str]:
    kind = schema.get("type")
    if kind == "array":
        return [problem for part in value.split(",") for problem in _value_problems(schema.get("items", {}), part)]
    if kind in {"integer", "number"}:
        if not re.fullmatch(r"-?\d+", value):
            return [f"{value!r} is not a whole number"]
        largest, smallest = schema.get("maximum"), schema.get("minimum")
        too_large = largest is not None and int(value) > largest
        too_small = smallest is not None and int(value) < smallest
        return [f"{value} is out of bounds"] if too_large or too_small else []
    if kind == "boolean":
        return [] if value in {"true", "false"} else [f"{value!r} is not true or false"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{value!r} is not one of {schema['enum']}"]
    return []


def _unlisted(schema: Json, content: Any, where: str) -> list[str]:
    if isinstance(content, list):
        found = {problem for each in content for problem in _unlisted(schema.get("items", {}), each, f"{where}[]")}
        return sorted(found)
    listed = schema.get("properties")
    if not isinstance(content, dict) or listed is None:
        return []
    problems = [f"{where}.{name} is not a field of the definition" for name in content if name not in listed]
    for name, value in content.items():
        if name in listed:
            problems += _unlisted(listed[name], value, f"{where}.{name}")
    return problems


def _is_tolerated(error: ValidationError) -> bool:
    """What the older document could not know: values that 2026 added to an enum (our own document has those) and one
    slip of its own.
    """
    return error.validator == "enum" or (error.validator == "pattern" and error.validator_value == _PATTERN_SLIP)


def _describe(error: ValidationError) -> str:
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    return f"{where or '.'}: {error.message[:200]}"
